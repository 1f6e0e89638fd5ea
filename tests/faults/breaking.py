"""Drills to break, and what must be true whatever was broken."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import asyncpg
import psutil

from bot.local.slack.person import plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Message, Thread, ask, press, reference
from tests.acceptance.waiting import until

UP_WITHIN = 60.0
CARD_WITHIN = 60.0
# What a connection says whose server has died.
BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError)


@dataclass(frozen=True, slots=True)
class Drill:
    """An approved exercise: its thread, and its plan's reference."""

    thread: Thread
    plan: str


async def asked(rig: Rig, phrase: str) -> tuple[Thread, Message]:
    """Dana asks for an exercise; the thread and the card that waits."""
    thread = await ask(rig.dana, f"{phrase} on checkout")
    return thread, await thread.card("Waiting for approval", "Approve")


async def started(rig: Rig, phrase: str, *, until_it_says: str) -> Drill:
    """An exercise that Ann has approved and that has come so far."""
    thread, card = await asked(rig, phrase)
    await press(rig.ann, card, "Approve")
    await thread.log(until_it_says)
    return Drill(thread, reference(card))


async def ended_once(rig: Rig, drill: Drill, within: float = CARD_WITHIN) -> Message:
    """The card says done; one execution, one commit, one card and one outcome say the same."""
    done = await drill.thread.card(":large_green_circle:", "Done in", within=within)
    await drill.thread.outcome(":large_green_circle:", "Done in")
    executions = await rig.executions(drill.plan)
    assert [one["state"] for one in executions] == ["succeeded"]
    assert await effects(rig, drill) == 1
    assert len(await drill.thread.cards()) == 1
    ends = [one for one in await drill.thread.ours() if ended(one)]
    assert len(ends) == 1, [plain(one) for one in ends]
    return done


def ended(message: Message) -> bool:
    """Whether it is the message that says how it ended."""
    card = any(block["type"] == "plan" for block in message["blocks"] or [])
    return not card and "Done in" in plain(message)


async def effects(rig: Rig, drill: Drill) -> int:
    """How many commits the exercise left behind."""
    plan = await rig.owner.fetchval("SELECT id FROM plans WHERE reference = $1", drill.plan)
    return len([mark for mark in await rig.marks() if mark.startswith(f"{plan}.")])


async def killed(rig: Rig, name: str) -> None:
    """kill -9, and wait until the process is gone."""
    process = rig.process(name)
    process.kill()
    with suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(process.wait, 10)


async def all_up(rig: Rig) -> None:
    """Every component answers, and the bot holds its connections."""
    await reconnected(rig)
    await until(lambda: ready(rig), within=UP_WITHIN, what="every component to be ready")


async def ready(rig: Rig) -> bool:
    """What /readyz says, with the worker beside it."""
    try:
        worker = rig.process("worker").is_running()
        async with aiohttp.ClientSession() as session:
            answer = await session.get(
                f"{rig.up.http_url}/readyz", timeout=aiohttp.ClientTimeout(5)
            )
            return worker and answer.status == 200
    except (IndexError, psutil.Error, aiohttp.ClientError, TimeoutError):
        return False


async def reconnected(rig: Rig) -> None:
    """The tests' own connection to the database, which may have been killed with it."""

    async def answers() -> bool:
        try:
            return bool(await rig.owner.fetchval("SELECT true"))
        except (OSError, TimeoutError, asyncpg.PostgresError, *BROKEN):
            return False

    await until(answers, within=UP_WITHIN, what="the database")
