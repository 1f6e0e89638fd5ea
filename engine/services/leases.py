"""The lease of a call that runs here: renewed, watched, and the tool stopped when it has to be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from engine.domain.call import Call, CallResult, Effect, Ending
from engine.domain.execution import CallKey, Phase
from engine.errors import Unavailable
from engine.ports import Clock, Store

# How often a worker looks whether its call shall be stopped.
LOOK = 0.5
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lease:
    """One call of this worker; `stopped` says why it was, where it was not lost."""

    store: Store
    clock: Clock
    seconds: float
    worker: str
    key: CallKey
    stopped: str = ""

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Whoever can't renew it, or is told to stop, is cancelled with the tool."""
        running = asyncio.current_task()
        assert running is not None

        def over(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and not self.stopped:
                log.warning("stopped: the lease was lost", error=str(task.exception() or ""))
            if not task.cancelled():
                running.cancel(self.stopped or "the lease was lost")

        tasks = {asyncio.create_task(self._renew())}
        if self.key.phase is Phase.ACT:
            tasks.add(asyncio.create_task(self._watch()))
        for task in tasks:
            task.add_done_callback(over)
        try:
            yield
        finally:
            for task in tasks:
                task.remove_done_callback(over)
                task.cancel()
            await asyncio.wait(tasks)

    async def _watch(self) -> None:
        """Returns when somebody cancelled the execution, or its time is over."""
        while not self.stopped:
            await asyncio.sleep(LOOK)
            self.stopped = await self._asked()

    async def _asked(self) -> str:
        try:
            async with self.store.begin() as unit:
                by, deadline = await unit.executions.stop(self.key.execution_id)
        except Unavailable:
            return ""
        if by:
            return f"stopped by {by} while it ran"
        over = deadline is not None and self.clock() >= deadline
        return "stopped, because the execution had taken too long" if over else ""

    async def _renew(self) -> None:
        """Returns, in time to stop the tool, when the lease is lost or can't be renewed."""
        loop = asyncio.get_running_loop()
        every = self.seconds / 5
        ends = loop.time() + self.seconds
        while True:
            await asyncio.sleep(every)
            asked = loop.time()
            attempt = asyncio.create_task(self._renewed())
            try:
                done, _ = await asyncio.wait({attempt}, timeout=ends - every - asked)
            finally:
                attempt.cancel()
            if not done:
                return
            if (kept := attempt.result()) is False:
                return
            ends = asked + self.seconds if kept else ends

    async def _renewed(self) -> bool | None:
        """Whether the call is still ours; None when the database does not say."""
        until = self.clock() + timedelta(seconds=self.seconds)
        try:
            async with self.store.begin() as unit:
                return await unit.executions.renew_call(self.key, self.worker, until)
        except Unavailable:
            return None


def stopped(call: Call, why: str) -> CallResult:
    """A write that was stopped may have had its effect; a read had none."""
    unsure = call.effect is not Effect.READ
    return CallResult(ending=Ending.UNKNOWN if unsure else Ending.FAILED, message=why)
