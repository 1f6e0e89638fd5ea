"""Brings payloads to the bot: events until acknowledged, clicks once."""

import asyncio
import time
import uuid
from dataclasses import dataclass

from bot.local.slack.connections import Connections
from bot.local.slack.faults import Faults
from bot.local.slack.model import Json
from bot.local.slack.request_url import RequestUrl
from bot.local.slack.stats import Stats

ACK_WITHIN = 3.0
# Slack tries an event again at once, after a minute and after five; a click never.
RETRY_AFTER = (3.0, 60.0, 300.0)
MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot said to an interaction."""

    acked: bool
    payload: Json


class Deliveries:
    """Envelopes under way."""

    def __init__(self, connections: Connections, faults: Faults, stats: Stats) -> None:
        self._connections = connections
        self.request_url = RequestUrl()
        self._faults = faults
        self._stats = stats
        self._waiting: dict[str, tuple[asyncio.Future[Json], float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, payload: Json) -> None:
        """Deliver an Events API payload in the background, as often as it takes."""
        for _ in range(self._faults.event_copies):
            task = asyncio.create_task(self._until_acked(payload))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def ask(self, kind: str, payload: Json) -> Answer:
        """Deliver an interaction or a command once, and wait for its answer."""
        acked = await self._send(kind, payload, answerable=True)
        if acked is None:
            self._stats.unacked += 1
            return Answer(acked=False, payload={})
        done, _ = await asyncio.wait({acked}, timeout=ACK_WITHIN)
        if not done:
            self._stats.unacked += 1
            return Answer(acked=False, payload={})
        return Answer(acked=True, payload=acked.result())

    def acknowledge(self, envelope_id: str, payload: Json) -> None:
        """An acknowledgement has arrived, on whatever connection."""
        if envelope_id not in self._waiting:
            self._stats.complain("socket", "unknown_envelope", envelope_id)
            return
        future, sent = self._waiting[envelope_id]
        milliseconds = round((time.monotonic() - sent) * 1000, 1)
        self._stats.acks.append({"envelope_id": envelope_id, "ms": milliseconds})
        if not future.done():
            future.set_result(payload)

    async def close(self) -> None:
        """Give up on everything under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.request_url.close()

    async def _until_acked(self, payload: Json) -> None:
        attempts: list[asyncio.Future[Json]] = []
        for attempt, pause in enumerate((*RETRY_AFTER, ACK_WITHIN)):
            future = await self._send("events_api", payload, attempt=attempt)
            if future is not None:
                attempts.append(future)
            wait = pause * self._faults.redelivery_scale
            if attempts:
                done, _ = await asyncio.wait(
                    attempts, timeout=wait, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    return
            else:
                await asyncio.sleep(wait)
        self._stats.unacked += 1

    async def _send(
        self, kind: str, payload: Json, *, attempt: int = 0, answerable: bool = False
    ) -> asyncio.Future[Json] | None:
        """Put an envelope on the wire; None if nobody is connected."""
        envelope_id = str(uuid.uuid4())
        envelope: Json = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": answerable,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        if self.request_url.url:
            return self._post(kind, payload, attempt)
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = (future, time.monotonic())
        if len(self._waiting) > MOST_REMEMBERED:
            self._waiting.pop(next(iter(self._waiting)))
        sent = await self._connections.send(envelope)
        if not sent:
            del self._waiting[envelope_id]
            return None
        self._stats.deliveries += 1
        self._stats.redeliveries += attempt > 0
        return future

    def _post(self, kind: str, payload: Json, attempt: int) -> asyncio.Future[Json]:
        """Over HTTP: the answer of the request is the acknowledgement."""
        self._stats.deliveries += 1
        self._stats.redeliveries += attempt > 0
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

        async def deliver() -> None:
            begun = time.monotonic()
            answer = await self.request_url.deliver(kind, payload, attempt)
            if answer is None or future.done():
                return
            milliseconds = round((time.monotonic() - begun) * 1000, 1)
            self._stats.acks.append({"envelope_id": kind, "ms": milliseconds})
            future.set_result(answer)

        task = asyncio.create_task(deliver())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return future
