"""Who may decide, how often it counts, and what everybody is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psutil
import pytest
import pytest_asyncio

from bot.local.slack.person import Person, buttons, open_person, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Thread, ask, press, reference, whisper
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
REQUEST = "checkout is failing since the last config change, roll it back"
DRILL = "quick drill on checkout"
REFUSED = "I only act for full members of Acme. Ask a colleague to take over."


@pytest_asyncio.fixture(loop_scope="session")
async def gus(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack_url, "U0GUS") as person:
        yield person


@pytest_asyncio.fixture(loop_scope="session")
async def eve(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack_url, "U0EVE") as person:
        yield person


async def finished_once(rig: Rig, thread: Thread, plan: str) -> str:
    """Wait for the end; one execution and one commit may come of it. What the card says."""
    done = await thread.card("Done in", within=60)
    executions = await rig.executions(plan)
    assert [one["state"] for one in executions] == ["succeeded"]
    step = f"{executions[0]['plan_id']}.1.1"
    assert (await rig.marks()).count(step) == 1
    return plain(done)


async def test_rejecting_asks_for_a_reason_and_ends_the_version(rig: Rig) -> None:
    thread = await ask(rig.dana, DRILL)
    card = await thread.card("Waiting for approval")

    await press(rig.ann, card, "Reject")
    modal = await rig.ann.wait_for_view(what="the dialog that asks why")
    answer = await rig.ann.submit(
        modal["id"], {"reason": {"text": {"value": "not during the sale"}}}
    )
    rejected = await thread.card("Rejected by Ann", "not during the sale")

    assert answer["ok"]
    assert list(buttons(rejected)) == ["Draft again"]
    assert await rig.versions(reference(card)) == {1: "rejected"}
    assert await rig.executions(reference(card)) == []


async def test_an_emoji_rejects_too(rig: Rig) -> None:
    thread = await ask(rig.dana, DRILL)
    card = await thread.card("Waiting for approval")

    await rig.bo.react(thread.channel, card["ts"], "x")
    await thread.message("<@U0BO> rejected v1 by emoji")

    await thread.card("Rejected by Bo")


async def test_two_presses_at_once_start_one_execution(rig: Rig) -> None:
    thread = await ask(rig.dana, DRILL)
    card = await thread.card("Waiting for approval")

    acked = await asyncio.gather(press(rig.ann, card, "Approve"), press(rig.bo, card, "Approve"))

    assert all(acked)
    told = await finished_once(rig, thread, reference(card))
    ann_won = "approved by Ann" in told
    loser, winner = (rig.bo, "Ann Okafor") if ann_won else (rig.ann, "Bo Lindqvist")
    await whisper(loser, thread, f"{winner} approved v1")


async def test_a_press_and_an_emoji_of_one_person_count_once(rig: Rig) -> None:
    thread = await ask(rig.dana, DRILL)
    card = await thread.card("Waiting for approval")

    await asyncio.gather(
        press(rig.ann, card, "Approve"),
        rig.ann.react(thread.channel, card["ts"], "+1"),
        press(rig.ann, card, "Approve"),
    )

    told = await finished_once(rig, thread, reference(card))
    assert "approved by Ann Okafor" in told
    votes = await rig.owner.fetchval(
        "SELECT count(*) FROM approvals a JOIN plans p ON p.id = a.plan_id "
        "WHERE p.reference = $1 AND a.verdict = 'approve'",
        reference(card),
    )
    assert votes == 1


async def test_a_card_still_works_after_the_bot_was_restarted(rig: Rig) -> None:
    thread = await ask(rig.dana, DRILL)
    card = await thread.card("Waiting for approval")

    before = rig.process("bot").pid
    rig.process("bot").terminate()
    await until(lambda: back(rig, before), within=30, what="the bot to come back")
    assert await press(rig.ann, card, "Approve")

    await finished_once(rig, thread, reference(card))


async def back(rig: Rig, before: int) -> bool:
    """Whether another bot has its connections to Slack."""
    try:
        same = rig.process("bot").pid == before
    except (IndexError, psutil.Error):
        return False
    return not same and (await rig.control.stats())["connections"] >= 2


async def test_a_guest_is_refused_once_for_words_and_at_each_press(rig: Rig, gus: Person) -> None:
    thread = await ask(gus, "checkout is failing, roll it back")
    await whisper(gus, thread, REFUSED)

    again = await ask(gus, "please, roll it back")
    plan = await ask(rig.dana, DRILL, reader=rig.dana)
    card = await plan.card("Waiting for approval")
    await press(gus, card, "Approve")
    await gus.react(plan.channel, card["ts"], "+1")
    await press(rig.ann, card, "Approve")
    await plan.card("Done in", "approved by Ann", within=60)

    assert len(gus.whispers()) == 2  # words and emoji once, the press for itself
    assert await again.ours() == []
    assert await thread.ours() == []


async def test_a_stranger_in_a_shared_channel_gets_nothing_done(rig: Rig, eve: Person) -> None:
    thread = await ask(eve, "checkout is failing, roll it back", channel="C0EXT")
    await whisper(eve, thread, REFUSED)

    assert await thread.ours() == []


HOSTILE = "raise <!channel> *pool* <!here|here> ```size``` @everyone \u202egnp.exe <https://evil.example|status>"


async def test_words_of_others_can_neither_ping_nor_disguise(rig: Rig) -> None:
    await rig.write(HOSTILE, 0)
    await until(rig._failing, within=30, what="checkout to fail")
    thread = await ask(rig.dana, f"{REQUEST}. @channel <!here> \u202e ```{HOSTILE}```")
    card = await thread.card("Waiting for approval")
    await press(rig.ann, card, "Approve")
    await thread.card("Done in", within=60)

    posted = await thread.ours()
    everything = json.dumps(posted, ensure_ascii=False)
    assert "everyone" in everything  # the commit's words are shown, as words
    assert "\u202e" not in everything
    assert "<!channel" not in everything  # not even where Slack would not read it
    assert [kind for kind in kinds(posted) if kind in ("broadcast", "link")] == []
    for text in marked_up(posted):
        for harm in ("<!channel", "<!here", "<!everyone", "<https://evil"):
            assert harm not in text


def kinds(posted: Any) -> Iterator[str]:
    """The type of every element, however deep."""
    if isinstance(posted, dict):
        yield str(posted.get("type"))
    for inner in inside(posted):
        yield from kinds(inner)


def marked_up(posted: Any) -> Iterator[str]:
    """Every text that Slack reads as mrkdwn: of messages, and of objects that say so."""
    if isinstance(posted, dict) and posted.get("type") in (None, "mrkdwn", "markdown"):
        yield str(posted.get("text", ""))
    for inner in inside(posted):
        yield from marked_up(inner)


def inside(posted: Any) -> list[Any]:
    """What an object or a list holds."""
    if isinstance(posted, dict):
        return list(posted.values())
    return posted if isinstance(posted, list) else []
