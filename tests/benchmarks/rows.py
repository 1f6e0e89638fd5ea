"""The rows of the table: what is measured against what, and what the ratio should be."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
from redis.asyncio import Redis

from bot.local.stack import Stack
from tests.benchmarks.figures import ENOUGH_PAIRS, QUIET_SHARE, Aim, Row, Samples
from tests.benchmarks.incident import Course, Incidents
from tests.benchmarks.machine import watched
from tests.benchmarks.probe import Probe, by_post, by_reaction
from tests.benchmarks.product import Product, open_product
from tests.benchmarks.slack import open_slack
from tests.benchmarks.spoken import Program, open_program

FLOORS = "tests.benchmarks.floors"
PAIRS_AT_MOST = 6
Turn = Callable[[], Awaitable[dict[str, Samples]]]
Say = Callable[[Row], None]


def rows_of(*specs: tuple[str, str, Aim | None, str]) -> dict[str, Row]:
    """Rows by name."""
    return {name: Row(name, unit, aim, against) for name, unit, aim, against in specs}


async def alternate(rows: dict[str, Row], floor: Turn, product: Turn, *, until: float) -> None:
    """A B A B, until enough pairs were left alone or the time is over."""
    for _ in range(PAIRS_AT_MOST):
        turn = await timed(floor), await timed(product)
        for name, row in rows.items():
            row.pairs.append((turn[0][name], turn[1][name]))
        done = min(sum(quiet(pair) for pair in row.pairs) for row in rows.values())
        tried = min(len(row.pairs) for row in rows.values())
        if done >= ENOUGH_PAIRS or (tried >= ENOUGH_PAIRS and time.monotonic() > until):
            return


def quiet(pair: tuple[Samples, Samples]) -> bool:
    """Whether others left the machine to us."""
    return max(side.foreign for side in pair) <= QUIET_SHARE


async def timed(turn: Turn) -> dict[str, Samples]:
    """One side's turn, with what others used meanwhile."""
    with watched() as reading:
        found = await turn()
    return {name: Samples(one.values, reading.foreign, one.tail) for name, one in found.items()}


ACK = "event to ack, back to back"
APART = "event to ack, 20 ms apart"
ANSWER = "first visible answer at 50/s"
PRESS = "press to ack, stored"
HOOK, HOOK_TAIL = "webhooks", "webhooks, p99"
CARD = "message to card"
APPROVED, CLAIMED = "approval to first tool", "approval to first call's row"
PRESSED = "press to first tool"
DECIDED = "press to committed approval"
LINES = "tool's lines to rows and feed"


async def intake(stack: Stack, seconds: float, say: Say) -> None:
    """What the bot does by itself: everything before the worker is asked."""
    slack_rows = rows_of(
        (ACK, "ms", Aim(2.5), "inline Bolt echo on uvloop, the next at its answer"),
        (APART, "ms", Aim(2.5), "the same, the next 20 ms after its answer"),
        (ANSWER, "ms", Aim(3), "post of the inline Bolt echo at 50/s"),
    )
    press_rows = rows_of((PRESS, "ms", Aim(0.1), "Bolt as it comes"))
    async with AsyncExitStack() as opened:
        bare, plain, mine = [await opened.enter_async_context(open_slack()) for _ in range(3)]
        await opened.enter_async_context(open_program(f"{FLOORS}.echo", bare.url, "inline"))
        await opened.enter_async_context(open_program(f"{FLOORS}.echo", plain.url, "default"))
        await opened.enter_async_context(open_product(stack, mine, worker=False))
        await asyncio.gather(bare.connected.wait(), plain.connected.wait())
        floor, default = Probe(bare, by_post), Probe(plain, by_post)
        real = Probe(mine, by_reaction)
        for probe in (floor, real):
            await probe.hot(1.0)
        await alternate(
            slack_rows,
            lambda: spoken_to(floor, seconds),
            lambda: spoken_to(real, seconds),
            until=time.monotonic() + 12 * seconds,
        )
        await alternate(
            press_rows,
            lambda: pressed(default, answered=False),
            lambda: pressed(real, answered=True),
            until=time.monotonic() + 4 * seconds,
        )
        for row in (*slack_rows.values(), *press_rows.values()):
            say(row)


async def spoken_to(probe: Probe, seconds: float) -> dict[str, Samples]:
    hot = await probe.hot(seconds / 2)
    apart = await probe.hot(seconds, gap=0.02)
    paced = await probe.paced(seconds, 50)
    return {
        ACK: Samples(hot.acks),
        APART: Samples(apart.acks),
        ANSWER: Samples(paced.answers),
    }


async def pressed(probe: Probe, *, answered: bool) -> dict[str, Samples]:
    times = await probe.presses(60, answered=answered)
    return {PRESS: Samples(times.acks)}


async def webhooks(stack: Stack, seconds: float, say: Say) -> None:
    """Deliveries stored before they are answered, 16 connections."""
    rows = rows_of(
        (HOOK, "requests/s", Aim(0.6, at_least=True), "bare insert, committed before the 200"),
        (HOOK_TAIL, "ms", Aim(2), "p99 of the bare insert"),
    )
    async with AsyncExitStack() as opened:
        mine = await opened.enter_async_context(open_slack())
        product = await opened.enter_async_context(open_product(stack, mine, worker=False))
        _, hello = await opened.enter_async_context(
            open_program(f"{FLOORS}.webhook", stack.owner_dsn)
        )
        load, _ = await opened.enter_async_context(open_program("tests.benchmarks.load"))

        async def send(port: int, path: str, token: str) -> dict[str, Samples]:
            said = await load.ask(
                {"port": port, "path": path, "token": token, "seconds": seconds, "lanes": 16}
            )
            if said["refused"]:
                raise RuntimeError(f"{said['refused']} of {said['requests']} were refused")
            return {HOOK: Samples([said["rate"]]), HOOK_TAIL: Samples([said["p99"]])}

        def floor() -> Awaitable[dict[str, Samples]]:
            return send(hello["port"], "/alerts", "")

        def real() -> Awaitable[dict[str, Samples]]:
            return send(product.http_port, "/v1/hooks/alertmanager", product.hook_token)

        await floor()
        await real()
        await alternate(rows, floor, real, until=time.monotonic() + 10 * seconds)
        for row in rows.values():
            say(row)


async def incidents(stack: Stack, seconds: float, say: Say) -> None:
    """A whole plan: asked for, shown, approved, carried out."""
    rows = rows_of(
        (CARD, "ms", None, "signal to result of five no-op activities"),
        (DECIDED, "ms", Aim(40, tail=True), "bare signal to first activity"),
        (APPROVED, "ms", Aim(2), "bare signal to first activity"),
        (CLAIMED, "ms", None, "bare signal to first activity"),
        (PRESSED, "ms", Aim(3), "bare signal to first activity"),
    )
    talk = rows_of((LINES, "lines/s", Aim(0.25, at_least=True), "COPY, 100 lines to a commit"))
    async with AsyncExitStack() as opened:
        mine = await opened.enter_async_context(open_slack())
        product = await opened.enter_async_context(open_product(stack, mine, worker=True))
        workflow, _ = await opened.enter_async_context(
            open_program(f"{FLOORS}.workflow", stack.temporal_address or "")
        )
        copying, _ = await opened.enter_async_context(
            open_program(f"{FLOORS}.copying", stack.owner_dsn)
        )
        played = Incidents(product, mine)
        await played.listen()
        for _ in range(3):
            await played.play("stamp the clock")
        await alternate(
            rows,
            lambda: signalled(workflow, seconds),
            lambda: stamping(played, 2 * seconds),
            until=time.monotonic() + 15 * seconds,
        )
        for row in rows.values():
            say(row)
        await alternate(
            talk,
            lambda: copied(copying, seconds),
            lambda: talking(played, product),
            until=time.monotonic() + 15 * seconds,
        )
        say(talk[LINES])


async def signalled(workflow: Program, seconds: float) -> dict[str, Samples]:
    said = await workflow.ask({"seconds": seconds})
    first = Samples(said["first"])
    same = dict.fromkeys((DECIDED, APPROVED, CLAIMED, PRESSED), first)
    return {CARD: Samples(said["result"]), **same}


async def stamping(played: Incidents, seconds: float) -> dict[str, Samples]:
    until = time.perf_counter() + seconds
    courses: list[Course] = []
    while time.perf_counter() < until:
        courses.append(await played.play("stamp the clock"))
    return {
        CARD: Samples([one.message_to_card for one in courses]),
        DECIDED: Samples([one.press_to_approval for one in courses]),
        APPROVED: Samples([one.approval_to_tool for one in courses]),
        CLAIMED: Samples([one.approval_to_claim for one in courses]),
        PRESSED: Samples([one.press_to_tool for one in courses]),
    }


async def copied(copying: Program, seconds: float) -> dict[str, Samples]:
    said = await copying.ask({"seconds": seconds})
    return {LINES: Samples([said["rate"]])}


async def talking(played: Incidents, product: Product) -> dict[str, Samples]:
    course = await played.play("talk a lot")
    fed = await in_feed(product.redis_url, course.execution_id)
    if product.redis_url and fed != course.lines:
        raise RuntimeError(f"{course.lines} lines are stored, {fed} went to the feed")
    return {LINES: Samples([course.lines / course.tool_seconds])}


async def in_feed(url: str, execution_id: str) -> int:
    """How many lines the execution's stream holds."""
    if not url:
        return 0
    redis = Redis.from_url(url)
    try:
        entries: Any = await redis.xrange(f"feed:execution:{execution_id}")
    finally:
        await redis.aclose()
    return sum(len(orjson.loads(fields[b"lines"])) for _, fields in entries)
