"""Answers as people meet them in Slack: results, choices, thumbs, charts, commands, absences."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.local.slack.person import Person, buttons, open_person, plain
from engine.domain.conversation import Place, PostKind
from engine.domain.draft import DraftState, Evidence, Outcome, OutcomeKind
from engine.domain.feedback import Thumb
from engine.domain.ids import DraftId, EvidenceId, new_id
from engine.services.feedback import Feedback
from engine.services.presence import Presence
from tests.conftest import Database
from tests.contract.bot_slack import TENANT, Rig, eventually_in, now, open_rig

HOSTILE = "<!channel> <@U0ANN> \x1b[31mred\x1b[0m \u202eevil ```x"


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with open_rig(database.app_dsn) as opened:
        yield opened


@pytest.fixture
async def dana(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0DANA") as person:
        yield person


@pytest.fixture
async def ann(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0ANN") as person:
        yield person


async def asked(rig: Rig, dana: Person, text: str = "is checkout healthy?") -> DraftId:
    """A request of Dana's that nobody works on but the test."""
    ts = await dana.say("C0INC", f"@carapulse {text}")
    await dana.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]))
    await rig.carried_out()
    found = await rig.pool.fetchval("SELECT id::text FROM drafts ORDER BY created_at DESC LIMIT 1")
    return DraftId(found)


async def settled(rig: Rig, draft_id: DraftId, outcome: Outcome, *evidence: Evidence) -> None:
    """What a worker would have made of it."""
    async with rig.store.begin() as unit:
        draft = await unit.drafts.get(draft_id)
        conversation = await unit.conversations.get(draft.conversation_id)
        for each in evidence:
            await unit.drafts.add_evidence(each)
        await unit.drafts.keep_outcome(draft_id, outcome)
        await unit.drafts.move(draft_id, frm=DraftState.OPEN, to=DraftState.DONE)
        await unit.posts.want(PostKind.FINDINGS, draft_id, conversation.place, urgent=True)


def trend(draft_id: DraftId) -> Evidence:
    """An error rate that rose."""
    begun = datetime.now(UTC) - timedelta(minutes=30)
    times = [str((begun + timedelta(seconds=30 * at)).timestamp()) for at in range(60)]
    values = ["0.003" if at < 40 else "0.37" for at in range(60)]
    return Evidence(
        id=EvidenceId(new_id()),
        draft_id=draft_id,
        number=1,
        tool="prometheus",
        action="range",
        title="error rate of checkout, last 30 min",
        summary="",
        facts={"times": " ".join(times), "values": " ".join(values)},
        body=HOSTILE,
        unit="ratio",
        at=now(),
    )


ANSWER = Outcome(kind=OutcomeKind.ANSWER, text="checkout is not healthy: error rate 37 % [1].")


async def test_an_answer_has_its_chart_and_its_result_behind_a_button(
    rig: Rig, dana: Person
) -> None:
    draft_id = await asked(rig, dana)
    await settled(rig, draft_id, ANSWER, trend(draft_id))
    message = await dana.wait_for(lambda m: "not healthy" in m["text"])

    pressed = buttons(message)["Show [1]"]
    acked = await dana.press("C0INC", message["ts"], pressed[0], pressed[2], block_id=pressed[1])
    view = await dana.wait_for_view()

    kinds = [block["type"] for block in message["blocks"]]
    assert kinds[:2] == ["section", "data_visualization"]
    assert kinds[-1] == "context_actions"
    points = message["blocks"][1]["chart"]["series"][0]["data"]
    assert len(points) == 20
    assert points[-1]["value"] == 37
    assert acked
    shown = plain(view)
    assert "between 0.3 % and 37 %" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<!channel>" not in str(view)


async def test_a_workspace_without_charts_gets_a_picture_once(rig: Rig, dana: Person) -> None:
    await rig.control.verb("refuse_blocks", types=["data_visualization"])
    draft_id = await asked(rig, dana)
    await settled(rig, draft_id, ANSWER, trend(draft_id))

    message = await dana.wait_for(lambda m: "not healthy" in m["text"])
    file = await dana.wait_for(lambda m: bool(m["files"]))
    async with rig.store.begin() as unit:
        await unit.posts.touch(draft_id, urgent=True)
    await eventually_in(lambda: nothing_due(rig))

    assert "Show [1]" in buttons(message)
    assert file["files"][0]["mimetype"] == "image/png"
    assert file["thread_ts"] == message["thread_ts"]
    files = [m for m in await dana.messages("C0INC", message["thread_ts"]) if m["files"]]
    assert len(files) == 1


async def nothing_due(rig: Rig) -> bool:
    return bool(await rig.pool.fetchval("SELECT count(*) = 0 FROM posts WHERE wanted > shown"))


async def test_a_question_is_answered_by_the_first_press_of_who_was_asked(
    rig: Rig, dana: Person, ann: Person
) -> None:
    draft_id = await asked(rig, dana, "restart checkout")
    question = Outcome(
        kind=OutcomeKind.QUESTION, text="Which checkout?", choices=("prod/eu-1", "staging")
    )
    await settled(rig, draft_id, question)
    message = await dana.wait_for(lambda m: "Which checkout?" in m["text"])
    pressed = buttons(message)["prod/eu-1"]
    press = (pressed[0], pressed[2])

    await ann.press("C0INC", message["ts"], *press, block_id=pressed[1])
    told = await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN")
    await dana.press("C0INC", message["ts"], *press, block_id=pressed[1])
    settled_ = await dana.wait_for(lambda m: "Dana Reyes chose" in plain(m))

    assert told["text"].startswith("I asked Dana Reyes.")
    assert "prod/eu-1" in plain(settled_)
    assert "staging" not in buttons(settled_)
    texts = await rig.pool.fetch("SELECT body FROM turns ORDER BY id")
    assert [row["body"] for row in texts] == ["restart checkout", "prod/eu-1"]
    assert await rig.pool.fetchval("SELECT count(*) FROM drafts") == 2


async def test_who_was_asked_has_asked_also_when_another_answers_in_words(
    rig: Rig, dana: Person, ann: Person
) -> None:
    draft_id = await asked(rig, dana, "restart checkout")
    question = Outcome(kind=OutcomeKind.QUESTION, text="Which checkout?", choices=("prod",))
    await settled(rig, draft_id, question)
    message = await dana.wait_for(lambda m: "Which checkout?" in m["text"])

    await ann.say("C0INC", "prod", message["thread_ts"])

    await eventually_in(lambda: drafted(rig, 2))
    last = await rig.pool.fetchval("SELECT body FROM drafts ORDER BY created_at DESC LIMIT 1")
    assert '"requester":"ann"' in str(last)
    assert '"beside":["dana"]' in str(last)


async def drafted(rig: Rig, count: int) -> bool:
    return bool(await rig.pool.fetchval("SELECT count(*) = $1 FROM drafts", count))


async def test_a_thumb_down_is_kept_and_its_words_become_a_case(rig: Rig, dana: Person) -> None:
    draft_id = await asked(rig, dana)
    await settled(rig, draft_id, ANSWER, trend(draft_id))
    message = await dana.wait_for(lambda m: "not healthy" in m["text"])
    thumb = buttons(message)["Not helpful"]

    await dana.press("C0INC", message["ts"], thumb[0], thumb[2], block_id=thumb[1])
    told = await dana.wait_for(lambda m: m["ephemeral_to"] == "U0DANA")
    why = buttons(told)["Say it"]
    await dana.press("C0INC", told["ts"], why[0], why[2], block_id=why[1])
    view = await dana.wait_for_view()
    words = {
        "rating.words": {"rating.words": {"type": "plain_text_input", "value": "Say since when"}}
    }
    await dana.submit(view["id"], words)
    await dana.wait_for(lambda m: "with your words" in m["text"])

    [kept] = await Feedback(rig.store, now, TENANT).export(Thumb.DOWN)
    assert kept.rating.words == "Say since when"
    assert kept.rating.person == "dana"
    assert kept.draft is not None
    assert kept.draft.text == "is checkout healthy?"
    assert kept.outcome == ANSWER
    assert len(kept.evidence) == 1


async def test_a_plan_can_be_asked_for_by_command_in_a_thread_of_its_own(
    rig: Rig, dana: Person
) -> None:
    await dana.slash("/carapulse", "plan restart checkout & <!channel> in prod", "C0GEN")

    root = await dana.wait_for(
        lambda m: "asks: “restart checkout &amp; &lt;!channel&gt; in prod”" in m["text"]
    )

    await eventually_in(lambda: begun_at(rig, str(root["ts"])))
    assert root["channel"] == "C0GEN"
    draft = await rig.pool.fetchval("SELECT body FROM drafts")
    assert '"requester":"dana"' in str(draft)


async def begun_at(rig: Rig, ts: str) -> bool:
    return bool(await rig.pool.fetchval("SELECT thread = $1 FROM conversations", ts))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("aprove P-1", "Did you mean `/carapulse approve`"),
        ("approve", "Name a plan or an execution by its reference"),
        ("approve P-99", "There is no plan P-99"),
        ("logs X-7", "X-7"),
        ("plan", "Say what should be true afterwards"),
        ("status", "Nothing waits for approval and nothing runs."),
    ],
)
async def test_a_command_that_fails_says_what_to_do(
    rig: Rig, dana: Person, typed: str, said: str
) -> None:
    await dana.slash("/carapulse", typed, "C0GEN")

    told = await dana.wait_for(lambda m: m["ephemeral_to"] == "U0DANA")
    assert said in plain(told)


async def test_after_a_silence_the_threads_with_buttons_are_told(rig: Rig, dana: Person) -> None:
    draft_id = await asked(rig, dana)
    await rig.pool.execute(
        "INSERT INTO problems (id, tenant, reference, key, status, body, started_at) "
        "VALUES ($1, 'default', 'INC-1', 'k', 'firing', '{}', now())",
        new_id(),
    )
    await rig.pool.execute("UPDATE conversations SET problem_id = (SELECT id FROM problems)")
    await Presence(rig.store, lambda: now() - timedelta(minutes=5)).beat()

    absence = await Presence(rig.store, now).beat()
    again = await Presence(rig.store, now).beat()

    told = await dana.wait_for(lambda m: m["text"].startswith("I was away"))
    assert absence is not None
    assert again is None
    assert "please press again" in told["text"]
    async with rig.store.begin() as unit:
        draft = await unit.drafts.get(draft_id)
        place = (await unit.conversations.get(draft.conversation_id)).place
    assert told["thread_ts"] == place.thread


async def test_words_from_a_silence_are_answered_with_the_reason_for_the_delay(
    rig: Rig, dana: Person
) -> None:
    presence, place = Presence(rig.store, now), Place(channel="C0GEN", thread="")
    await Presence(rig.store, lambda: now() - timedelta(minutes=10)).beat()
    await presence.beat()
    then = str((now() - timedelta(minutes=5)).timestamp())

    await presence.late(place, then)
    await presence.late(place, then)
    await presence.late(place, str(now().timestamp()))

    notes = await rig.pool.fetch("SELECT body FROM posts WHERE kind = 'note'")
    assert len(notes) == 1


async def test_looking_stops_when_somebody_presses_stop(rig: Rig, dana: Person) -> None:
    draft_id = await asked(rig, dana)
    async with rig.store.begin() as unit:
        draft = await unit.drafts.get(draft_id)
        place = (await unit.conversations.get(draft.conversation_id)).place
        await unit.posts.want(PostKind.FINDINGS, draft_id, place, urgent=True)
    await dana.wait_for(lambda m: "Looking" in m["text"])

    await dana.act("stop", channel="C0INC", thread_ts=place.thread)

    stopped = await dana.wait_for(lambda m: "Stopped by Dana Reyes." in plain(m))
    assert stopped["thread_ts"] == place.thread
