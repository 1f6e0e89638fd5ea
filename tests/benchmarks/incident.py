"""One plan from the message to its end, and when each thing happened."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bot.slack.origins import Body
from tests.benchmarks.payloads import CHANNEL, message, press
from tests.benchmarks.product import Product
from tests.benchmarks.slack import StampingSlack

WITHIN = 60.0
NOTIFIED = "carapulse_posts"
ENDED = """
SELECT e.id::text AS id, e.state, c.started_at, c.ended_at
FROM executions e LEFT JOIN tool_calls c ON c.execution_id = e.id
WHERE e.plan_id = $1 AND e.ended_at IS NOT NULL
"""
POLL = 0.02


@dataclass(frozen=True, slots=True)
class Course:
    """Milliseconds, and the execution for what else is to be known of it."""

    message_to_card: float
    press_to_approval: float
    press_to_tool: float
    approval_to_tool: float
    approval_to_claim: float
    execution_id: str
    lines: int
    tool_seconds: float


@dataclass(slots=True)
class Card:
    """A plan card that can be approved."""

    value: str
    ts: str
    at: float


class Incidents:
    """Plays incidents one at a time."""

    def __init__(
        self, product: Product, slack: StampingSlack, numbers: Iterator[int] | None = None
    ) -> None:
        self._product = product
        self._slack = slack
        self._numbers = numbers or itertools.count(1)
        self._card: asyncio.Future[Card] = asyncio.get_running_loop().create_future()
        self._committed: list[float] = []
        slack.on_call = self._called

    async def listen(self) -> None:
        """Hear the moment of each commit that changed a card."""
        await self._product.owner.add_listener(NOTIFIED, self._notified)

    async def play(self, words: str) -> Course:
        """Ask, wait for the card, approve, wait for the end."""
        self._card = asyncio.get_running_loop().create_future()
        body = message(next(self._numbers), f"{words} of checkout in dev")
        thread = body["payload"]["event"]["ts"]
        asked = await self._slack.send(body)
        async with asyncio.timeout(WITHIN):
            card = await self._card
        await self._quiet()
        self._committed.clear()
        pressed = press(next(self._numbers), card.value, ts=card.ts, thread=thread)
        wall, at = time.time(), time.perf_counter()
        await self._slack.send(pressed)
        execution_id, claimed, ended = await self._ended(card.value.partition(":")[0])
        lines = await self._lines(execution_id)
        tool = stamped(lines) or claimed
        approved = wall + (self._committed[0] - at)
        return Course(
            message_to_card=(card.at - asked) * 1000,
            press_to_approval=(approved - wall) * 1000,
            press_to_tool=(tool - wall) * 1000,
            approval_to_tool=(tool - approved) * 1000,
            approval_to_claim=(claimed - approved) * 1000,
            execution_id=execution_id,
            lines=len(lines),
            tool_seconds=ended - claimed,
        )

    async def _quiet(self) -> None:
        """Until nothing is due, so that the next change of a card is the approval's."""
        async with asyncio.timeout(WITHIN):
            while await self._product.owner.fetchval(  # noqa: ASYNC110 - rows tell nobody
                "SELECT count(*) FROM posts WHERE wanted > shown"
            ):
                await asyncio.sleep(POLL)

    async def _ended(self, plan_id: str) -> tuple[str, float, float]:
        async with asyncio.timeout(WITHIN):
            while not (  # noqa: ASYNC110 - rows tell nobody
                row := await self._product.owner.fetchrow(ENDED, plan_id)
            ):
                await asyncio.sleep(POLL)
        if row["state"] != "succeeded" or row["started_at"] is None:
            raise RuntimeError(f"an execution ended as {row['state']}")
        return row["id"], row["started_at"].timestamp(), row["ended_at"].timestamp()

    async def _lines(self, execution_id: str) -> list[str]:
        rows = await self._product.owner.fetch(
            "SELECT line FROM log_lines WHERE execution_id = $1 ORDER BY id", execution_id
        )
        return [row["line"] for row in rows]

    def _notified(self, *_: object) -> None:
        self._committed.append(time.perf_counter())

    def _called(self, method: str, call: Body, at: float) -> None:
        if method not in ("chat.postMessage", "chat.update") or self._card.done():
            return
        value = approve_value(call.get("blocks") or [])
        if value and call["channel"] == CHANNEL:
            self._card.set_result(Card(value, str(call.get("ts", "1770000000.1")), at))


def approve_value(blocks: list[Body]) -> str:
    """The value of the Approve button, wherever in the blocks it is."""
    for block in blocks:
        for element in block.get("elements") or []:
            if element.get("action_id") == "plan.approve":
                return str(element["value"])
    return ""


def stamped(lines: list[str]) -> float:
    """Seconds at which the stamping tool ran; 0 where it did not say."""
    for line in lines:
        if len(line) == 19 and line.isdigit():
            return int(line) / 1e9
    return 0.0
