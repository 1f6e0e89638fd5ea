"""Sends envelopes to a bot and times what comes back: the acknowledgement and the first answer."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.slack.origins import Body
from tests.benchmarks.payloads import message, press
from tests.benchmarks.slack import StampingSlack

LOST_AFTER = 30.0
Answers = Callable[[str, Body], str]
"""Names the message (`ts`) that a call to Slack answers; empty when it answers none."""


def by_reaction(method: str, call: Body) -> str:
    """Carapulse answers a mention with its eyes first."""
    return str(call["timestamp"]) if method == "reactions.add" else ""


def by_post(method: str, call: Body) -> str:
    """The bare echo posts into the thread."""
    return str(call["thread_ts"]) if method == "chat.postMessage" else ""


@dataclass(slots=True)
class Sent:
    """One envelope on its way."""

    ts: str
    at: float
    acked: asyncio.Future[float]
    answered: asyncio.Future[float]


@dataclass(slots=True)
class Times:
    """Milliseconds."""

    acks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


class Probe:
    """Pairs what a bot does with what it was sent."""

    def __init__(
        self, slack: StampingSlack, answers: Answers, numbers: Iterator[int] | None = None
    ) -> None:
        self._slack = slack
        self._answers = answers
        self._numbers = numbers or itertools.count(1)
        self._by_envelope: dict[str, Sent] = {}
        self._by_ts: dict[str, Sent] = {}
        slack.on_ack = self._acked
        slack.on_call = self._called

    async def hot(self, seconds: float, *, gap: float = 0.0) -> Times:
        """One message at a time, the next so long after the last one was answered."""
        times, until = Times(), time.perf_counter() + seconds
        while time.perf_counter() < until:
            await self._mention(times)
            await asyncio.sleep(gap)
        return times

    async def paced(self, seconds: float, rate: float) -> Times:
        """So many messages a second, whatever becomes of them."""
        times, began = Times(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for index in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, began + index / rate - time.perf_counter()))
                group.create_task(self._mention(times))
        return times

    async def presses(self, count: int, *, answered: bool) -> Times:
        """Presses on a button, one at a time; `answered` waits for the whisper too."""
        times = Times()
        for _ in range(count):
            number = next(self._numbers)
            body = press(number, "00000000-0000-0000-0000-000000000000:1", thread=f"{number}.1")
            sent = await self._send(body, f"{number}.1")
            times.acks.append(await self._until(sent, sent.acked))
            if answered:
                times.answers.append(await self._until(sent, sent.answered))
        return times

    async def _mention(self, times: Times) -> None:
        body = message(next(self._numbers))
        sent = await self._send(body, body["payload"]["event"]["ts"])
        times.acks.append(await self._until(sent, sent.acked))
        times.answers.append(await self._until(sent, sent.answered))

    async def _send(self, body: Body, ts: str) -> Sent:
        loop = asyncio.get_running_loop()
        sent = Sent(ts, time.perf_counter(), loop.create_future(), loop.create_future())
        self._by_envelope[body["envelope_id"]] = sent
        self._by_ts[ts] = sent
        sent.at = await self._slack.send(body)
        return sent

    async def _until(self, sent: Sent, what: asyncio.Future[float]) -> float:
        async with asyncio.timeout(LOST_AFTER):
            return (await what - sent.at) * 1000

    def _acked(self, envelope: str, at: float) -> None:
        sent = self._by_envelope.pop(envelope, None)
        if sent and not sent.acked.done():
            sent.acked.set_result(at)

    def _called(self, method: str, call: Body, at: float) -> None:
        if method == "chat.postEphemeral":
            ts = str(call.get("thread_ts", ""))
        else:
            ts = self._answers(method, call)
        sent = self._by_ts.pop(ts, None) if ts else None
        if sent and not sent.answered.done():
            sent.answered.set_result(at)
