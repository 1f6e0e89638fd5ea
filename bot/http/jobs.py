"""The job that turns stored webhooks into problems."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from bot.http.hooks import JOB
from engine.domain.model import Json
from engine.errors import Invalid, Unavailable
from engine.ports import Store, Unit
from engine.services.alerts import Alerts

# Bodies that are merged in one go: a storm of single alerts costs few changes of its problem.
TOGETHER = 200
BYTES_TOGETHER = 16 * 1024 * 1024
# Each holds a database connection for its thread's lock while the service opens another.
AT_ONCE = 2
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HookJobs:
    """Handles the waiting deliveries of a problem in order; nobody else does so meanwhile."""

    store: Store
    alerts: Alerts
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def handlers(self) -> dict[str, Callable[[dict[str, Json]], Awaitable[None]]]:
        """What the job runner calls, by kind of job."""
        return {JOB: self.handle}

    async def handle(self, payload: dict[str, Json]) -> None:
        """All that waits in the thread; later jobs then find nothing to do.

        Raises `Unavailable` while another job handles the thread.
        """
        thread = str(payload["thread"])
        async with self.slots, self.store.begin() as unit:
            if not await unit.inbox.lock_thread(thread):
                raise Unavailable("thread", "Another job is handling this problem.")
            while waiting := await unit.inbox.waiting(thread):
                bodies = await some(unit, waiting)
                outcome = await self._receive(bodies)
                await self._done(waiting[: len(bodies)], outcome)

    async def _receive(self, bodies: list[bytes]) -> str:
        try:
            return f"{await self.alerts.receive(*bodies)} problems"
        except Invalid as error:
            if len(bodies) > 1:
                return " / ".join([await self._receive([body]) for body in bodies])
            # Only when the rules became stricter after it was stored.
            log.warning("stored webhook is refused", action="hook.refused", error=str(error))
            return f"refused: {error}"

    async def _done(self, handled: list[int], outcome: str) -> None:
        """In a transaction of its own: what follows in the thread may have to be tried again."""
        async with self.store.begin() as unit:
            for inbox_id in handled:
                await unit.inbox.handled(inbox_id, outcome)


async def some(unit: Unit, waiting: list[int]) -> list[bytes]:
    """The first bodies, as many as fit into one go."""
    bodies: list[bytes] = []
    for inbox_id in waiting[:TOGETHER]:
        bodies.append(await unit.inbox.body(inbox_id))
        if sum(map(len, bodies)) > BYTES_TOGETHER:
            break
    return bodies
