"""From a tool's output to rows and the live feed, in batches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.domain.conversation import PostKind
from engine.domain.execution import LogLine
from engine.domain.move import StepRequest
from engine.domain.text import storable
from engine.errors import Unavailable
from engine.ports import Clock, Feed, OnLine, Store

FLUSH_EVERY = 0.2
BATCH = 500
WAITING_AT_MOST = 5000


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines are stored first and published after; the tool is slowed when storing is slow."""

    store: Store
    feed: Feed
    clock: Clock

    @asynccontextmanager
    async def of(self, request: StepRequest) -> AsyncIterator[OnLine]:
        """Yield the callback for one call; all its lines are stored when the block ends."""
        queue: asyncio.Queue[LogLine | None] = asyncio.Queue(WAITING_AT_MOST)
        plenty = asyncio.Event()

        async def on_line(text: str) -> None:
            if not text.strip():
                return
            await queue.put(
                LogLine(
                    execution_id=request.execution_id,
                    step=request.step,
                    at=self.clock(),
                    text=storable(text),
                )
            )
            if queue.qsize() >= BATCH:
                plenty.set()

        task = asyncio.create_task(self._drain(queue, plenty))
        try:
            yield on_line
        finally:
            await queue.put(None)
            plenty.set()
            await asyncio.wait({task}, timeout=10)
            task.cancel()

    async def publish(self, line: LogLine) -> None:
        """Tell the live feed a line that was stored with something else."""
        await self.feed.publish(line.execution_id, [line])

    async def _drain(self, queue: asyncio.Queue[LogLine | None], plenty: asyncio.Event) -> None:
        """Store what came, at least five times a second and as soon as there is a whole batch."""
        while True:
            batch: list[LogLine] = []
            plenty.clear()
            line = await queue.get()
            while line is not None:
                batch.append(line)
                if len(batch) >= BATCH or queue.empty():
                    break
                line = queue.get_nowait()
            if batch:
                await self._flush(batch)
            if line is None:
                return
            if len(batch) < BATCH:
                await within(FLUSH_EVERY, plenty)

    async def _flush(self, batch: list[LogLine]) -> None:
        """Store; a database that is away for a moment is waited for, as the lease allows."""
        while True:
            try:
                async with self.store.begin() as unit:
                    await unit.executions.add_lines(batch)
                    await unit.posts.touch(batch[0].execution_id, PostKind.LOG)
                break
            except Unavailable:
                await asyncio.sleep(1)
        await self.feed.publish(batch[0].execution_id, batch)


async def within(seconds: float, event: asyncio.Event) -> None:
    """Wait for an event, at most this long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
