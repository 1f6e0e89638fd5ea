"""From what people do in Slack to one inbox row, one deed, and what they see."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest

from bot.local.slack.person import Person, open_person
from bot.slack.origins import Origin
from bot.slack.whispers import Whispers
from engine.domain.conversation import Place, PostKind
from engine.domain.ids import PlanId
from engine.domain.model import Json
from engine.domain.views import PlanView
from engine.errors import NotAllowed, Unavailable
from tests.conftest import Database
from tests.contract.bot_slack import FixedViews, Rig, eventually, eventually_in, open_rig
from tests.unit.cards import PLAN, version, view

# What does not depend on how Slack reaches us.
over_a_connection = pytest.mark.parametrize("rig", ["socket"], indirect=True)


@pytest.fixture(params=["socket", "http"])
async def rig(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Rig]:
    """The same listeners over both transports."""
    views, over_http = FixedViews({PLAN: view()}), request.param == "http"
    async with open_rig(database.app_dsn, views=views, over_http=over_http) as opened:
        yield opened


@pytest.fixture
async def dana(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0DANA") as person:
        yield person


@pytest.fixture
async def ann(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0ANN") as person:
        yield person


async def test_a_mention_becomes_one_row_and_an_eye(rig: Rig, dana: Person) -> None:
    ts = await dana.say("C0INC", "@carapulse set pool_size to 20 for checkout in prod")

    seen = await dana.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]))
    rows = await rig.inbox()

    assert [each["name"] for each in seen["reactions"]] == ["eyes"]
    assert [row["key"] for row in rows] == [f"message:T0LOCAL:C0INC:{ts}"]
    await rig.carried_out()
    drafts = await rig.pool.fetch("SELECT body FROM drafts")
    assert len(drafts) == 1
    assert "<@" not in str(drafts[0]["body"])


async def test_three_deliveries_of_an_event_are_one(rig: Rig, dana: Person) -> None:
    await rig.control.verb("duplicate_events", times=3)

    ts = await dana.say("C0INC", "@carapulse how is checkout?")
    await dana.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]))

    await rig.carried_out()
    assert len(await rig.inbox()) == 1
    assert len(await rig.pool.fetch("SELECT id FROM drafts")) == 1
    stats = await rig.control.stats()
    assert stats["deliveries"] >= 6  # message and app_mention, three times each


async def test_small_talk_is_not_stored(rig: Rig, dana: Person) -> None:
    await dana.say("C0INC", "good morning")
    ts = await dana.say("C0INC", "@carapulse how is checkout?")
    await dana.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]))

    assert len(await rig.inbox()) == 1


async def test_an_event_is_not_acknowledged_while_the_database_does_not_answer(
    rig: Rig, dana: Person, database: Database
) -> None:
    await rig.control.redelivery(0.2)
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)

    async with owner.transaction():
        await owner.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        ts = await dana.say("C0INC", "@carapulse how is checkout?")
        await eventually_in(lambda: unacknowledged(rig))
    await owner.close()

    await dana.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]), timeout=30)
    assert len(await rig.inbox()) == 1


async def unacknowledged(rig: Rig) -> bool:
    return int((await rig.control.stats())["redeliveries"]) > 0


async def show_card(rig: Rig, ann: Person) -> str:
    """A waiting plan's card in #incidents; returns its ts."""
    async with rig.store.begin() as unit:
        await unit.posts.want(PostKind.PLAN, PLAN, Place(channel="C0INC", thread=""))
    card = await ann.wait_for(lambda m: "Waiting for approval" in m["text"])
    await eventually_in(lambda: is_shown(rig, str(card["ts"])))
    return str(card["ts"])


async def is_shown(rig: Rig, ts: str) -> bool:
    async with rig.store.begin() as unit:
        return await unit.posts.at("C0INC", ts) is not None


async def test_a_press_is_stored_and_reaches_the_gate_once(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)

    acked = await ann.press("C0INC", ts, "plan.approve")

    stored = [row["key"] for row in await rig.inbox()]
    assert acked
    assert stored[0].startswith(f"press:C0INC:{ts}:plan.approve:U0ANN:")
    await eventually(lambda: bool(rig.decisions.seen))
    assert rig.decisions.seen == [("approve", "ann", PLAN, "2", "button", "")]
    whisper = await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN")
    assert whisper["text"] == "1 of 2 so far."


async def test_a_press_is_not_acknowledged_when_it_cannot_be_stored(
    rig: Rig, ann: Person, database: Database
) -> None:
    ts = await show_card(rig, ann)
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)

    async with owner.transaction():
        await owner.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        acked = await ann.press("C0INC", ts, "plan.approve")
    await owner.close()

    assert not acked
    assert await rig.inbox() == []
    assert rig.decisions.seen == []


async def test_a_refusal_is_for_the_asker_alone(rig: Rig, ann: Person, dana: Person) -> None:
    ts = await show_card(rig, ann)
    rig.decisions.failure = NotAllowed("You asked for v2, so someone else must approve it.")

    await dana.press("C0INC", ts, "plan.approve")

    whisper = await dana.wait_for(lambda m: m["ephemeral_to"] == "U0DANA")
    assert whisper["text"] == "You asked for v2, so someone else must approve it."
    assert ann.whispers() == []


async def test_a_bug_leaves_a_reference_and_no_trace_of_itself(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)
    rig.decisions.failure = RuntimeError("password=hunter2")

    await ann.press("C0INC", ts, "plan.approve")

    whisper = await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN")
    assert whisper["text"].startswith("Something broke on my side, logged as `")
    assert "hunter2" not in whisper["text"]


async def test_what_waits_for_a_component_is_tried_again(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)
    rig.decisions.failure = Unavailable("policy", "The policy service does not answer.")

    await ann.press("C0INC", ts, "plan.approve")
    await eventually(lambda: len(rig.decisions.seen) >= 2)
    rig.decisions.failure = None
    await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN" and m["text"] == "1 of 2 so far.")

    await eventually_in(lambda: all_handled(rig, 1))


async def test_rejecting_asks_for_a_reason_in_time(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)

    await ann.press("C0INC", ts, "plan.reject")
    dialog = await ann.wait_for_view()
    await ann.submit(dialog["id"], {"reason": {"text": {"value": "not on a friday"}}})

    await eventually(lambda: bool(rig.decisions.seen))
    assert rig.decisions.seen == [("reject", "ann", PLAN, "2", "button", "not on a friday")]


async def test_an_emoji_on_the_card_approves_what_it_shows(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)

    await ann.react("C0INC", ts, "+1::skin-tone-3")

    await eventually(lambda: bool(rig.decisions.seen))
    assert rig.decisions.seen == [("approve", "ann", PLAN, "2", "emoji", "")]
    echo = await ann.wait_for(lambda m: "by emoji" in m["text"])
    assert echo["text"] == "<@U0ANN> approved v2 by emoji."
    assert echo["thread_ts"] == ts


async def test_taking_the_emoji_back_withdraws(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)

    await ann.react("C0INC", ts, "white_check_mark")
    await ann.unreact("C0INC", ts, "white_check_mark")

    await eventually(lambda: len(rig.decisions.seen) == 2)
    assert [seen[0] for seen in rig.decisions.seen] == ["approve", "withdraw"]


async def test_an_emoji_from_before_the_card_changed_decides_nothing(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)
    await rig.pool.execute("UPDATE posts SET shown_at = '9999999999'")

    await ann.react("C0INC", ts, "+1")

    whisper = await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN")
    assert "Remove it and add it again" in whisper["text"]
    assert rig.decisions.seen == []


async def test_a_guest_is_refused_once(rig: Rig) -> None:
    async with open_person(rig.slack.url, "U0GUS") as gus:
        await gus.say("C0INC", "@carapulse restart everything")
        told = await gus.wait_for(lambda m: m["ephemeral_to"] == "U0GUS")
        await gus.say("C0INC", "@carapulse please")
        await eventually_in(lambda: all_handled(rig, 2))

        assert told["text"] == "I only act for full members of Acme. Ask a colleague to take over."
        assert len(gus.whispers()) == 1
    assert await rig.pool.fetch("SELECT id FROM drafts") == []


async def test_every_press_and_every_command_of_a_guest_is_answered(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)

    async with open_person(rig.slack.url, "U0GUS") as gus:
        await gus.press("C0INC", ts, "plan.approve")
        await gus.press("C0INC", ts, "plan.approve")
        await gus.slash("/carapulse", "status", "C0INC")
        await gus.slash("/carapulse", "status", "C0INC")
        await eventually(lambda: len(gus.whispers()) == 4)

    assert rig.decisions.seen == []


@over_a_connection
async def test_words_are_refused_again_on_another_day(rig: Rig) -> None:
    days = iter([datetime(2026, 11, day, tzinfo=UTC) for day in (22, 22, 23)])
    whispers = Whispers(rig.store, now=lambda: next(days))
    gus = Origin("U0GUS", "T0LOCAL", "C0INC", "")

    for _ in range(3):
        await whispers.once(gus, "No.")

    wanted = await rig.pool.fetch("SELECT body FROM posts WHERE kind = 'whisper'")
    assert len(wanted) == 2


@over_a_connection
async def test_a_note_that_shall_be_noticed_shows_in_the_channel(rig: Rig, ann: Person) -> None:
    root = await ann.say("C0INC", "the alert")
    place = Place(channel="C0INC", thread=root)

    async with rig.store.begin() as unit:
        loud: dict[str, Json] = {"text": "firing again", "broadcast": True}
        await unit.posts.want(PostKind.NOTE, "p1", place, body=loud)
        await unit.posts.want(PostKind.NOTE, "p1", place, body={"text": "is resolved"})
    await ann.wait_for(lambda m: m["text"] == "firing again")
    await ann.wait_for(lambda m: m["text"] == "is resolved")

    replies = await ann.messages("C0INC", root)
    kinds = {each["text"]: each.get("subtype") for each in replies}
    assert kinds["firing again"] == "thread_broadcast"
    assert not kinds["is resolved"]


async def all_handled(rig: Rig, count: int) -> bool:
    rows = await rig.inbox()
    return len(rows) == count and all(row["handled_at"] for row in rows)


async def test_nothing_is_done_in_a_channel_that_others_read(rig: Rig, dana: Person) -> None:
    await dana.say("C0EXT", "@carapulse how is checkout?")

    told = await dana.wait_for(lambda m: m["ephemeral_to"] == "U0DANA")
    assert told["text"] == (
        "This channel is shared with another organisation, so I don't act here."
        " Ask me in one of Acme's own channels."
    )
    assert await rig.pool.fetch("SELECT id FROM drafts") == []


async def test_home_and_help_answer_without_a_plan(rig: Rig, ann: Person) -> None:
    await ann.open_home()
    home = await ann.wait_for_home()
    await ann.slash("/carapulse", "help", "C0GEN")
    told = await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN")

    assert "How to ask" in str(home)
    assert told["text"].startswith("*Ask in words*: mention me in a channel")


@over_a_connection
@pytest.mark.parametrize("said", ["", "hi", "What can you do?", "help", "what is running?"])
async def test_who_asks_for_no_deed_is_told_how_to_ask(rig: Rig, ann: Person, said: str) -> None:
    await ann.say("C0INC", f"@carapulse {said}")

    told = await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN")
    assert told["text"].startswith("*Ask in words*: mention me in a channel")
    assert "`/carapulse status [P-1042]` lists what waits and what runs" in told["text"]
    assert await rig.pool.fetch("SELECT id FROM drafts") == []


async def test_a_plan_can_be_drafted_from_any_message(rig: Rig, dana: Person, ann: Person) -> None:
    ts = await dana.say("C0INC", "checkout is broken since the last config change")
    await ann.shortcut("plan_from_message", "C0INC", ts)

    await ann.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]))
    await rig.carried_out()
    drafts = await rig.pool.fetch("SELECT body FROM drafts")
    assert len(drafts) == 1


@over_a_connection
async def test_connections_are_replaced_without_losing_an_event(rig: Rig, dana: Person) -> None:
    await rig.control.disconnect("refresh_requested")
    ts = await dana.say("C0INC", "@carapulse how is checkout?")

    await dana.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]), timeout=20)
    await eventually(lambda: rig.sockets.facts.connected >= 2, within=20)
    assert rig.sockets.facts.last_reason == "refresh_requested"
    assert len(await rig.inbox()) == 1


@over_a_connection
async def test_a_refused_address_is_not_dialled_again(rig: Rig, dana: Person) -> None:
    await rig.control.refuse_links(3)
    await rig.control.drop_connections()

    await eventually(lambda: rig.sockets.facts.connected == 2, within=20)

    ts = await dana.say("C0INC", "@carapulse how is checkout?")
    await dana.wait_for(lambda m: m["ts"] == ts and bool(m["reactions"]), timeout=20)


@over_a_connection
async def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(
    rig: Rig, ann: Person
) -> None:
    await rig.control.lose_answers("chat.postMessage", 1)

    async with rig.store.begin() as unit:
        await unit.posts.want(PostKind.PLAN, PLAN, Place(channel="C0INC", thread=""))
    await eventually_in(lambda: nothing_due(rig), within=25)

    cards = [m for m in await ann.messages("C0INC") if "Waiting for approval" in m["text"]]
    assert len(cards) == 1


async def nothing_due(rig: Rig) -> bool:
    return await rig.surface.due(10) == []


@over_a_connection
async def test_an_outage_loses_no_post(rig: Rig, ann: Person) -> None:
    await rig.control.outage(2)

    async with rig.store.begin() as unit:
        await unit.posts.want(
            PostKind.NOTE, "n", Place(channel="C0INC", thread=""), body={"text": "still here"}
        )

    note = await ann.wait_for(lambda m: m["text"] == "still here", timeout=20)
    assert note["user"] == "U0CARA"


async def test_sixty_cards_that_change_at_once_meet_no_limit_and_all_end_right(
    database: Database,
) -> None:
    plans = {PlanId(f"plan-{number}"): titled(number, "before") for number in range(60)}
    views = FixedViews(dict(plans))

    async with open_rig(database.app_dsn, views=views, budgets=True, scale=8) as rig:
        await rig.control.verb("budgets", on=True, scale=8)
        async with rig.store.begin() as unit:
            for number, plan_id in enumerate(plans):
                channel = ("C0INC", "C0GEN")[number % 2]
                await unit.posts.want(PostKind.PLAN, plan_id, Place(channel=channel, thread=""))
        await eventually_in(lambda: nothing_due(rig), within=40)
        views.plans = {plan_id: titled(each, "after") for each, plan_id in enumerate(plans)}
        async with rig.store.begin() as unit:
            for plan_id in plans:
                await unit.posts.touch(plan_id, urgent=plan_id.endswith("7"))
        await eventually_in(lambda: nothing_due(rig), within=60)
        stats = await rig.control.stats()
        shown = [
            message.text.split(":")[0]
            for channel in ("C0INC", "C0GEN")
            for message in rig.slack.workspace.messages[channel].values()
        ]

    assert stats["limited"] == {}
    assert sorted(shown) == sorted(f"Card {number} after" for number in range(60))


def titled(number: int, word: str) -> PlanView:
    return view(version=version(title=f"Card {number} {word}"))


@over_a_connection
async def test_a_limit_that_comes_anyway_delays_and_loses_nothing(rig: Rig, ann: Person) -> None:
    await rig.control.limit("chat.postMessage", count=2, retry_after=1)

    async with rig.store.begin() as unit:
        await unit.posts.want(
            PostKind.NOTE, "n", Place(channel="C0INC", thread=""), body={"text": "in the end"}
        )

    await ann.wait_for(lambda m: m["text"] == "in the end", timeout=15)
    notes = [m for m in await ann.messages("C0INC") if m["text"] == "in the end"]
    assert len(notes) == 1


@over_a_connection
async def test_a_card_that_somebody_deleted_comes_back(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)
    del rig.slack.workspace.messages["C0INC"][ts]

    async with rig.store.begin() as unit:
        await unit.posts.touch(PLAN, urgent=True)

    again = await ann.wait_for(
        lambda m: "Waiting for approval" in m["text"] and m["ts"] != ts, timeout=15
    )
    await eventually_in(lambda: is_shown(rig, str(again["ts"])))


@over_a_connection
async def test_another_bot_takes_over_when_the_first_lets_go(rig: Rig, ann: Person) -> None:
    other = replace(rig.relay, holder="two", leading=False)
    running = asyncio.create_task(other.run())
    await eventually(lambda: rig.relay.leading)
    assert not other.leading

    await rig.pool.execute("UPDATE leases SET until = clock_timestamp(), holder = 'nobody'")
    await eventually(lambda: rig.relay.leading != other.leading, within=20)
    async with rig.store.begin() as unit:
        await unit.posts.want(
            PostKind.NOTE, "n", Place(channel="C0INC", thread=""), body={"text": "one voice"}
        )
    await ann.wait_for(lambda m: m["text"] == "one voice")
    running.cancel()
    await asyncio.wait({running})

    notes = [m for m in await ann.messages("C0INC") if m["text"] == "one voice"]
    assert len(notes) == 1
