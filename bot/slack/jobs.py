"""The job that carries out what people did in Slack, one thread's payloads in order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from slack_bolt.async_app import AsyncApp

from bot.slack.inbox import JOB, replay
from engine.domain.model import Json
from engine.errors import Unavailable
from engine.ports import Store

# Each holds a database connection for its thread's lock while its services open others.
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Payloads:
    """Handles the waiting payloads of a thread; another process never handles the same ones."""

    store: Store
    app: AsyncApp
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def handlers(self) -> dict[str, Callable[[dict[str, Json]], Awaitable[None]]]:
        """What the job runner calls, by kind of job."""
        return {JOB: self.handle}

    async def handle(self, payload: dict[str, Json]) -> None:
        """All that waits in the thread, oldest first; later jobs then find nothing to do."""
        thread = str(payload["thread"])
        async with self.slots, self.store.begin() as unit:
            if not await unit.inbox.lock_thread(thread):
                raise Unavailable("thread", "Another process is handling this thread.")
            while waiting := await unit.inbox.waiting(thread):
                for inbox_id in waiting:
                    await replay(self.app, inbox_id, await unit.inbox.body(inbox_id))
                    await self.done(inbox_id)

    async def done(self, inbox_id: int) -> None:
        """Marked at once: what follows in the thread may have to be tried again."""
        async with self.store.begin() as unit:
            await unit.inbox.handled(inbox_id, "handled")
