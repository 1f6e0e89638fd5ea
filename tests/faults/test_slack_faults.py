"""Slack loses answers, asks to wait, hangs up and says things twice: one conversation, one card."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.local.children import Child
from bot.local.ports import answers_http, free_port
from bot.local.slack.person import plain
from tests.acceptance.rig import Rig, environment
from tests.acceptance.thread import Thread, ask, press, reference
from tests.acceptance.waiting import until
from tests.faults.breaking import Drill, asked, ended_once, killed, started

pytestmark = pytest.mark.asyncio(loop_scope="session")
BEFORE = "waiting before the push"


async def test_posts_whose_answer_was_lost_are_not_posted_again(rig: Rig) -> None:
    await rig.control.lose_answers("chat.postMessage", 4)

    thread, card = await asked(rig, "quick drill")
    await press(rig.ann, card, "Approve")

    await ended_once(rig, Drill(thread, reference(card)))
    texts = [plain(one) for one in await thread.ours()]
    assert len(texts) == len(set(texts))


async def test_edits_whose_answer_was_lost_leave_the_card_right(rig: Rig) -> None:
    thread, card = await asked(rig, "quick drill")
    await rig.control.lose_answers("chat.update", 3)

    await press(rig.ann, card, "Approve")

    await ended_once(rig, Drill(thread, reference(card)))


async def test_bursts_of_429_delay_and_lose_nothing(rig: Rig) -> None:
    await rig.control.limit("chat.postMessage", count=3, retry_after=2)
    await rig.control.limit("reactions.add", count=2, retry_after=1)
    thread, card = await asked(rig, "quick drill")
    await rig.control.limit("chat.update", count=4, retry_after=2)

    await press(rig.ann, card, "Approve")

    await ended_once(rig, Drill(thread, reference(card)))
    await rig.dana.wait_for(
        lambda one: one["ts"] == thread.ts and bool(one["reactions"]),
        timeout=20,
        what=":eyes: after the limit",
    )


@pytest.mark.long
async def test_an_outage_of_slack_holds_up_only_what_slack_shows(rig: Rig) -> None:
    drill = await started(rig, "slow drill", until_it_says=BEFORE)

    await rig.control.outage(12)

    await ended_once(rig, drill)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_what_is_said_while_slack_asks_to_reconnect_is_heard_once(
    rig: Rig, reason: str
) -> None:
    await rig.control.disconnect(reason)

    thread, card = await asked(rig, "quick drill")
    await press(rig.ann, card, "Approve")

    await ended_once(rig, Drill(thread, reference(card)))


async def test_what_is_said_while_no_connection_stands_is_heard_later(rig: Rig) -> None:
    await rig.control.redelivery(0.1)  # Slack's second try is after a minute
    await rig.control.refuse_links(4)
    await rig.control.drop_connections()

    thread = await ask(rig.dana, "quick drill on checkout")
    card = await thread.card("Waiting for approval", within=90)
    await press(rig.ann, card, "Approve")

    await ended_once(rig, Drill(thread, reference(card)))


@asynccontextmanager
async def second_bot(rig: Rig) -> AsyncIterator[None]:
    """Another replica of the bot beside the first one."""
    port = free_port()
    key = rig.up.stack.folder.secrets / "signing-key.pem"
    env = environment(
        rig, CARAPULSE_HTTP__PORT=str(port), CARAPULSE_KEYS__SIGNING_KEY_FILE=str(key)
    )

    async def serving() -> bool:
        return await answers_http(port, "/healthz")

    argv = (sys.executable, "-m", "bot.cli", "bot")
    await rig.up.stack.children.start(Child("bot-2", argv, env, ready=serving))
    try:
        await until(lambda: connected(rig, 4), within=30, what="both bots to be connected")
        yield
    finally:
        await rig.up.stack.children.stop("bot-2")


async def connected(rig: Rig, count: int) -> bool:
    return int((await rig.control.stats())["connections"]) >= count


async def one_conversation(rig: Rig, thread: Thread) -> None:
    """One conversation, one turn, one request and one plan came of what was said."""
    counted = await rig.owner.fetchrow(
        "SELECT count(DISTINCT c.id) AS conversations, count(DISTINCT t.id) AS turns, "
        "count(DISTINCT d.id) AS drafts FROM conversations c "
        "LEFT JOIN turns t ON t.conversation_id = c.id "
        "LEFT JOIN drafts d ON d.conversation_id = c.id WHERE c.channel = $1 AND c.thread = $2",
        thread.channel,
        thread.ts,
    )
    assert counted is not None
    assert dict(counted) == {"conversations": 1, "turns": 1, "drafts": 1}


async def test_an_event_that_comes_three_times_to_two_bots_is_one_conversation(rig: Rig) -> None:
    async with second_bot(rig):
        await rig.control.duplicate_events(3)

        thread, card = await asked(rig, "quick drill")
        await rig.ann.react(thread.channel, card["ts"], "+1")

        await ended_once(rig, Drill(thread, reference(card)))
        await thread.message("by emoji")
        await one_conversation(rig, thread)
        echoes = [one for one in await thread.ours() if "by emoji" in plain(one)]
        assert len(echoes) == 1


async def test_presses_on_two_bots_at_once_start_one_execution(rig: Rig) -> None:
    async with second_bot(rig):
        thread, card = await asked(rig, "quick drill")

        await asyncio.gather(
            *(press(person, card, "Approve") for person in (rig.ann, rig.bo) for _ in range(3))
        )

        await ended_once(rig, Drill(thread, reference(card)))


@pytest.mark.long
async def test_the_second_bot_takes_over_the_cards_of_a_killed_one(rig: Rig) -> None:
    async with second_bot(rig):
        drill = await started(rig, "slow drill", until_it_says=BEFORE)

        await asyncio.gather(killed(rig, "bot"))

        await ended_once(rig, drill)
