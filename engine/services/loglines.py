"""From a tool's output to rows and the live feed, in batches, and to the file that has all of it.

Rows hold the beginning of what a call prints, and its end; what lies between is in the file alone,
and a line says how much that is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from engine.domain.artifact import Source, said_size
from engine.domain.conversation import PostKind
from engine.domain.execution import LogLine
from engine.domain.move import StepRequest
from engine.domain.text import storable
from engine.errors import Unavailable
from engine.ports import Clock, Feed, OnLine, Store
from engine.services.outputs import Output, Outputs
from engine.services.results import key_of

FLUSH_EVERY = 0.2
BATCH = 500
WAITING_AT_MOST = 1000
# What one call may put into rows, in characters, beside the lines of its end.
SHOWN = 1 << 20
END_LINES = 20
GOES_ON = "… it prints more than fits here; its end follows when it has ended"


@dataclass(slots=True)
class Heard:
    """What one call prints: into rows while there is room, and into its file."""

    request: StepRequest
    clock: Clock
    output: Output
    room: int
    queue: "asyncio.Queue[LogLine | None]" = field(
        default_factory=lambda: asyncio.Queue(WAITING_AT_MOST)
    )
    plenty: asyncio.Event = field(default_factory=asyncio.Event)
    end: deque[str] = field(default_factory=lambda: deque(maxlen=END_LINES))

    async def __call__(self, text: str, /, *, shown: bool = True, filed: bool = True) -> None:
        if filed:
            await self.output.line(text)
        if not shown or not text.strip():
            return
        if self.room > 0:
            self.room -= len(text) + 1
            await self._row(text)
            if self.room <= 0:
                await self._row(GOES_ON)
            return
        self.output.unseen += len(text) + 1
        self.end.append(text)

    async def ended(self) -> None:
        """Say what is in the file alone, then how it ended."""
        hidden = self.output.unseen - sum(len(text) + 1 for text in self.end)
        if hidden > 0:
            await self._row(f"… {said_size(hidden)} more {self.output.whereabouts}")
        for text in self.end:
            await self._row(text)
        await self.queue.put(None)
        self.plenty.set()

    async def _row(self, text: str) -> None:
        request = self.request
        await self.queue.put(
            LogLine(
                execution_id=request.execution_id,
                step=request.step,
                at=self.clock(),
                text=storable(text),
            )
        )
        if self.queue.qsize() >= BATCH:
            self.plenty.set()


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines are stored first and published after; the tool is slowed when storing is slow."""

    store: Store
    feed: Feed
    clock: Clock
    outputs: Outputs
    room: int = SHOWN

    @asynccontextmanager
    async def of(self, request: StepRequest) -> AsyncIterator[OnLine]:
        """Yield the callback for one call; all its lines are stored when the block ends."""
        async with self.outputs.of(Source.of_call(key_of(request))) as output:
            heard = Heard(request, self.clock, output, self.room)
            task = asyncio.create_task(self._drain(heard.queue, heard.plenty))
            try:
                yield heard
            finally:
                ending = asyncio.create_task(heard.ended())
                await asyncio.wait({task, ending}, timeout=10)
                task.cancel()
                ending.cancel()

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
