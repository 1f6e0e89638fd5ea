"""Payloads from outside: stored first, then carried out by the process that stored them.

The hold on a thread is a lease in the database. When its process dies, any other takes the thread
over within seconds, so nothing waits for a queue on the way and nothing is lost either.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from engine.errors import Unavailable
from engine.store.connection import Pool
from engine.store.inbox import Arriving, InboxQueue, Stored
from engine.store.receiving import Receiving

HELD = 6.0
RENEW = 2.0
SWEEP = 1.0
AGAIN = 0.5
WAIT_AT_MOST = 5.0
# A payload that so many processes took and none finished ends as failed, for a person to see.
ATTEMPTS_AT_MOST = 8
ENDS_WITHIN = 10.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """How one source is carried out: a thread's payloads in order, threads side by side.

    `carry_out` gets the oldest payloads of a thread (at most `together`, and so many bytes), and
    returns what became of them. Raises `Unavailable` when they must be tried again.
    """

    carry_out: Callable[[Sequence[bytes]], Awaitable[str]]
    at_once: int
    together: int = 1
    bytes_together: int = 0


@dataclass(frozen=True, slots=True)
class Intake:
    """The `Arrivals` port, and what works on it in this process."""

    queue: InboxQueue
    receiving: Receiving
    _desks: dict[str, Desk] = field(default_factory=dict)
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _busy: dict[tuple[str, str], bool] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def receive(self, *, source: str, key: str, thread: str, body: bytes) -> bool:
        """Store; False when this key is known. Carried out here as soon as the loop is free."""
        take = source in self._desks

        def on_stored(row: Stored) -> None:
            self._wake(source, thread, row if row.attempts else None)

        payload = Arriving(source, key, thread, body, take)
        return await self.receiving.add(payload, on_stored)

    @asynccontextmanager
    async def working(self, desks: Mapping[str, Desk]) -> AsyncIterator[None]:
        """Carry out these sources for as long as the block lasts, also what others left behind."""
        self._desks.update(desks)
        self._slots.update(
            {source: asyncio.Semaphore(desk.at_once) for source, desk in desks.items()}
        )
        beside = [asyncio.create_task(self._sweep()), asyncio.create_task(self._renew())]
        try:
            yield
        finally:
            self._desks.clear()
            for task in beside:
                task.cancel()
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=ENDS_WITHIN)
                for task in late:
                    task.cancel()

    async def settle(self) -> None:
        """Carry out what is left now and whatever was begun."""
        for source, thread in await self.queue.left(list(self._desks)):
            self._wake(source, thread)
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _wake(self, source: str, thread: str, taken: Stored | None = None) -> None:
        desk = self._desks.get(source)
        if desk is None:
            return
        if (source, thread) in self._busy:
            self._busy[source, thread] = True
            return
        self._busy[source, thread] = True
        task = asyncio.create_task(self._work(source, thread, desk, [taken] if taken else []))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, source: str, thread: str, desk: Desk, taken: list[Stored]) -> None:
        """Until the thread is empty, or another process has it."""
        try:
            async with self._slots[source]:
                while self._busy[source, thread]:
                    self._busy[source, thread] = False
                    await self._empty(source, thread, desk, taken)
                    taken = []
        except Unavailable as error:
            # What was taken stays held until its lease ends; then it is swept up.
            log.warning("payloads wait", action="intake.waits", component=error.component)
        finally:
            del self._busy[source, thread]

    async def _empty(self, source: str, thread: str, desk: Desk, taken: list[Stored]) -> None:
        taken = taken or await self._following(source, thread, desk, [], "")
        while taken:
            done = [each.id for each in taken]
            carrying = asyncio.create_task(carried_out(desk, taken))
            try:
                await asyncio.wait({carrying})
            finally:
                carrying.cancel()
            bug = carrying.exception()
            outcome = carrying.result() if bug is None else await self._failed(taken, bug)
            if not outcome:
                return
            taken = await self._following(source, thread, desk, done, outcome)

    async def _following(
        self, source: str, thread: str, desk: Desk, done: list[int], outcome: str
    ) -> list[Stored]:
        """Ask again while the database is away: what is done must not be done twice."""
        while True:
            try:
                return await self.queue.following(
                    source,
                    thread,
                    done=done,
                    outcome=outcome,
                    at_most=desk.together,
                    bytes_at_most=desk.bytes_together,
                )
            except Unavailable:
                if not done:
                    raise
                await asyncio.sleep(AGAIN)

    async def _failed(self, taken: list[Stored], bug: BaseException) -> str:
        """Later again, if it waits for somebody or was not tried often; else say so in the row.

        A payload that always fails must not keep the thread's next ones from being carried out.
        """
        ids = [each.id for each in taken]
        if isinstance(bug, Unavailable):
            log.warning("payload waits", action="intake.waits", component=bug.component)
            await self.queue.postpone(ids, AGAIN, counts=False)
            return ""
        attempts = max(each.attempts for each in taken)
        log.error("payload failed", action="intake.failed", attempts=attempts, exc_info=bug)
        if attempts >= ATTEMPTS_AT_MOST:
            return f"failed: {type(bug).__name__}"
        await self.queue.postpone(ids, min(WAIT_AT_MOST, AGAIN * 2.0**attempts), counts=True)
        return ""

    async def _sweep(self) -> None:
        """What nobody holds: left by the dead, by another process without this desk, or waiting."""
        while True:
            try:
                for source, thread in await self.queue.left(list(self._desks)):
                    self._wake(source, thread)
            except Unavailable as error:
                log.warning("payloads wait", action="intake.waits", component=error.component)
            await asyncio.sleep(SWEEP)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            if not self._busy:
                continue
            try:
                await self.queue.renew()
            except Unavailable:
                log.warning("holds not renewed", action="intake.not_renewed")


async def carried_out(desk: Desk, taken: list[Stored]) -> str:
    """What became of them; failed at once when they ended too many processes already."""
    if min(each.attempts for each in taken) > ATTEMPTS_AT_MOST:
        raise RuntimeError("It was taken too often and never finished.")
    return await desk.carry_out([each.body for each in taken]) or "handled"


def open_intake(pool: Pool, tenant: str, holder: str) -> Intake:
    """An intake of this process."""
    return Intake(InboxQueue(pool, tenant, holder, HELD), Receiving(pool, tenant, holder, HELD))
