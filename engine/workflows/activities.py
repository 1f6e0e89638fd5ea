"""The side effects of the workflows. Thin: each activity calls a service and reports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from engine.domain.ids import DraftId
from engine.domain.move import Move, StepRequest
from engine.domain.plan import VersionRef
from engine.errors import CarapulseError, Unavailable

BEAT = 3.0


@dataclass(frozen=True, slots=True)
class DraftActivities:
    """Bound to the `Drafts` service."""

    on_look: Callable[[DraftId], Awaitable[None]]
    on_propose: Callable[[DraftId], Awaitable[None]]

    @activity.defn
    async def look(self, draft_id: DraftId) -> None:
        """Read-only calls under the policy."""
        async with heartbeats(), translated():
            await self.on_look(draft_id)

    @activity.defn
    async def propose(self, draft_id: DraftId) -> None:
        """Ask the planner and act on its answer."""
        async with heartbeats(), translated():
            await self.on_propose(draft_id)


@dataclass(frozen=True, slots=True)
class ExecutionActivities:
    """Bound to the `Executions` service."""

    on_next_move: Callable[[VersionRef], Awaitable[Move]]

    @activity.defn
    async def next_move(self, ref: VersionRef) -> Move:
        """Decide what comes next, in one transaction."""
        async with translated():
            return await self.on_next_move(ref)


@dataclass(frozen=True, slots=True)
class ToolActivities:
    """Bound to the `Steps` service, on a worker that holds the credentials."""

    on_perform: Callable[[StepRequest], Awaitable[None]]

    @activity.defn
    async def perform(self, request: StepRequest) -> None:
        """Make one call of an execution and record it."""
        async with heartbeats(), translated():
            await self.on_perform(request)


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Beat whether or not the tool prints, so that a silent tool is not taken for a dead worker."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """What is expected to pass is tried again; what would fail the same way is not."""
    try:
        yield
    except Unavailable as error:
        raise ApplicationError(str(error), type="Unavailable") from None
    except CarapulseError as error:
        kind = type(error).__name__
        raise ApplicationError(str(error), type=kind, non_retryable=True) from None
