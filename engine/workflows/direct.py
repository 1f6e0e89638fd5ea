"""The second host of the two loops: Postgres alone, without Temporal.

A flow is in one worker's hands for as long as that worker renews it; whoever dies is replaced when
the hold ends. A wait is not sat out: the flow is let go and is due later, for any worker. Nothing
else is kept, since the records say where to go on. Calls have leases of their own, so a worker that
has lost a flow only stops deciding; what it runs is left to end and is not made twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from engine.domain.flow import FlowKey, FlowKind, HeldFlow
from engine.domain.ids import DraftId, PlanId
from engine.domain.move import Move, StepRequest
from engine.domain.plan import VersionRef
from engine.errors import CarapulseError, Unavailable
from engine.ports.flows import Flows
from engine.workflows.flows import carry_out, draft

# A hold lasts this long, is renewed often, and its holder stops before its end: another takes
# over within ten seconds.
HELD, RENEW, MARGIN = 6.0, 1.5, 1.0
# How often it is looked for what nobody was told of, and for what another has left.
SWEEP = 1.0
SOON, AGAIN = 1.0, 5.0
DECIDE_WITHIN, DRAFT_WITHIN = 15.0, 300.0
GRACE = 5.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What the loops call: methods of `Drafts`, `Executions` and `Steps`."""

    look: Callable[[DraftId], Awaitable[None]]
    propose: Callable[[DraftId], Awaitable[None]]
    next_move: Callable[[VersionRef], Awaitable[Move]]
    perform: Callable[[StepRequest], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DirectStarter:
    """The `Starting` of this engine."""

    flows: Flows

    async def start_draft(self, draft_id: DraftId, epoch: int = 0) -> None:
        await self.flows.wake(key_of(f"draft/{draft_id}", epoch))

    async def wake(self, ref: VersionRef) -> None:
        await self.flows.wake(key_of(str(ref), ref.epoch))

    async def lives(self, kind: str, epoch: int) -> bool:
        return await self.flows.lives(key_of(kind, epoch))


@dataclass(slots=True)
class Drafting:
    """The `DraftHost`: each half has its time."""

    work: Work

    async def look(self, draft_id: DraftId) -> None:
        async with asyncio.timeout(DRAFT_WITHIN):
            await self.work.look(draft_id)

    async def propose(self, draft_id: DraftId) -> None:
        async with asyncio.timeout(DRAFT_WITHIN):
            await self.work.propose(draft_id)


@dataclass(slots=True)
class Carrying:
    """The `ExecutionHost`: `pause` is what it has to wait before the next move, if anything."""

    work: Work
    pause: float | None = None

    async def next_move(self, ref: VersionRef) -> Move:
        async with asyncio.timeout(DECIDE_WITHIN):
            return await self.work.next_move(ref)

    async def perform(self, request: StepRequest) -> None:
        """A call that was not made is decided about again a little later."""
        try:
            async with asyncio.timeout(request.timeout_seconds):
                await self.work.perform(request)
        except Unavailable as error:
            log.warning("a call waits", action="call.waits", component=error.component)
            self.pause = SOON
        except (CarapulseError, TimeoutError) as error:
            log.warning("a call was not made", action="call.not_made", said=str(error))
            self.pause = AGAIN

    async def wait(self, seconds: float) -> None:
        self.pause = seconds


@dataclass(slots=True)
class DirectWorker:
    """Carries out at most `at_once` flows; `holder` names this process and no other, ever."""

    flows: Flows
    work: Work
    holder: str
    at_once: int
    _until: dict[FlowKey, tuple[int, float]] = field(default_factory=dict)
    _tasks: dict[FlowKey, "asyncio.Task[None]"] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until cancelled; then what is in hand gets a grace, and is left for others."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._renew())
                group.create_task(self._claim())
        finally:
            await self._stop()

    async def _claim(self) -> None:
        while True:
            self._woken.clear()
            try:
                seconds = await self._take()
            except Unavailable as error:
                log.warning("worker waits", action="worker.waits", component=error.component)
                seconds = SWEEP
            try:
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _take(self) -> float:
        """Begin what is due; seconds until the next look."""
        free = self.at_once - len(self._tasks)
        if free < 1:
            return SWEEP
        asked = self._now()
        for held in await self.flows.claim(self.holder, HELD, free):
            self._until[held.key] = (held.fence, asked + HELD - MARGIN)
            before = self._tasks.get(held.key)
            task = asyncio.create_task(self._one(held, before))
            self._tasks[held.key] = task
            task.add_done_callback(partial(self._over, held.key))
        soon = await self.flows.next_in()
        return SWEEP if soon is None else min(SWEEP, max(0.02, soon))

    def _over(self, key: FlowKey, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
            self._until.pop(key, None)
        self._woken.set()

    async def _one(self, held: HeldFlow, before: "asyncio.Task[None] | None") -> None:
        """One flow, until it ends or waits; what it failed of is told and tried again."""
        if before is not None:  # ours from before the database was away; its call may still run
            await asyncio.wait({before})
        carrying = asyncio.create_task(self._carried(held))
        try:
            await asyncio.wait({carrying})
        finally:
            carrying.cancel()
            await asyncio.wait({carrying})
        try:
            await self._settle(held, carrying)
        except Unavailable as error:
            log.warning("flow left", action="flow.left", component=error.component)

    async def _carried(self, held: HeldFlow) -> float | None:
        """Seconds until it goes on, None when it has ended; short when it is no longer ours."""
        if held.key.kind is FlowKind.DRAFT:
            await draft(Drafting(self.work), DraftId(held.key.subject))
            return None
        key = held.key
        ref = VersionRef(plan_id=PlanId(key.subject), version=key.version, epoch=key.epoch)
        while self._ours(held):
            host = Carrying(self.work)
            if await carry_out(host, ref, moves=1):
                return None
            if host.pause is not None:
                return host.pause
        log.warning("flow lost", action="flow.lost", subject=key.subject)
        return 0

    async def _settle(self, held: HeldFlow, carried: "asyncio.Task[float | None]") -> None:
        """What is expected to pass is tried again; what would fail the same way ends the flow.

        The reconciler begins its next epoch while the records say that there is more to do.
        """
        if carried.cancelled():  # its call was stopped, because the call's lease was lost
            return await self.flows.let_go(held, SOON)
        error = carried.exception()
        if error is None:
            seconds = carried.result()
            ended = seconds is None
            return await (self.flows.end(held) if ended else self.flows.let_go(held, seconds or 0))
        if isinstance(error, Unavailable | TimeoutError):
            log.warning("flow waits", action="flow.waits", said=str(error))
            return await self.flows.let_go(held, SOON)
        log.error("flow failed", action="flow.failed", exc_info=error)
        if isinstance(error, CarapulseError):
            return await self.flows.end(held)
        return await self.flows.let_go(held, AGAIN)

    def _ours(self, held: HeldFlow) -> bool:
        """By our own clock, which started before the database's did."""
        fence, until = self._until.get(held.key, (0, 0.0))
        return fence == held.fence and self._now() < until

    async def _renew(self) -> None:
        """What another has taken meanwhile is not among what is renewed."""
        while True:
            await asyncio.sleep(RENEW)
            if not self._tasks:
                continue
            asked = self._now()
            try:
                found = {each.key: each.fence for each in await self.flows.renew(self.holder, HELD)}
            except Unavailable:
                log.warning("holds not renewed", action="flow.not_renewed")
                continue
            for key, (fence, _) in list(self._until.items()):
                if found.get(key) == fence:
                    self._until[key] = (fence, asked + HELD - MARGIN)

    async def _listen(self) -> None:
        while True:
            try:
                await self.flows.listen(self._woken.set)
            except Unavailable as error:
                log.warning("cannot listen", action="flow.deaf", component=error.component)
            await asyncio.sleep(SWEEP)

    async def _stop(self) -> None:
        tasks = set(self._tasks.values())
        if not tasks:
            return
        _, left = await asyncio.wait(tasks, timeout=GRACE)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def key_of(name: str, epoch: int) -> FlowKey:
    """The flow of `draft/<id>` or `<plan>/<version>`."""
    first, last = name.split("/", 1)
    if first == FlowKind.DRAFT:
        return FlowKey(kind=FlowKind.DRAFT, subject=last, epoch=epoch)
    return FlowKey(kind=FlowKind.EXECUTION, subject=first, version=int(last), epoch=epoch)
