"""What a worker does with one call of an execution: check everything itself, run, record."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from engine.crossing import crossing
from engine.domain.actor import WORKER
from engine.domain.call import Call, CallResult, Ending
from engine.domain.conversation import PostKind
from engine.domain.execution import (
    CallRow,
    Execution,
    ExecutionState,
    Phase,
    Takes,
)
from engine.domain.freeze import Hold
from engine.domain.ids import PersonId
from engine.domain.move import StepRequest
from engine.domain.plan import PlanVersion, Step, VersionState
from engine.domain.site import Site
from engine.errors import CarapulseError, Frozen, NotAllowed, Tampered, Unavailable
from engine.ports import Clock, Runner, Store, Tools, Unit
from engine.services.alarm import alarm
from engine.services.authority import Authority
from engine.services.checking import checked, filed_only
from engine.services.drift import Drift
from engine.services.guards import Guards, held
from engine.services.leases import Lease, stopped
from engine.services.loglines import LogLines
from engine.services.orders import audit_beginning, forged
from engine.services.recording import Recording
from engine.services.results import (
    chosen,
    failed,
    is_rollback_probe,
    key_of,
    probed,
    still_wanted,
    took,
)
from engine.services.slots import FULL, Slots

BEGUN = {Phase.ACT: "K09", Phase.ROLLBACK: "K15"}
ENDED = {Phase.ACT: "K12"}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Authorised:
    """What a call needs to be made: who approved it, its definition of that time, no freeze."""

    approvers: list[PersonId]
    body: str
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """Bound to the real sandbox in a worker. `worker` names this process in leases.

    At a `site` it makes the calls of that place and no others.
    """

    store: Store
    tools: Tools
    runner: Runner
    guards: Guards
    authority: Authority
    loglines: LogLines
    clock: Clock
    lease: float
    worker: str
    slots: Slots
    drift: Drift
    site: Site | None = None

    @property
    def recording(self) -> Recording:
        """Where the results of its calls go."""
        return Recording(self.store, self.loglines, self.clock, self.lease)

    async def perform(self, request: StepRequest) -> None:
        """Make one call and record what came of it.

        Raises `Unavailable` before anything was started, when a guard does not answer; the caller
        tries again. Nothing is made twice: the call's row is claimed first.
        """
        async with self.store.begin() as unit:
            if await self._held_back(unit, request):
                return
            execution = await unit.executions.get(request.execution_id)
            version = await unit.plans.version(execution.plan_id, execution.version)
            if wrong := await forged(unit, request, version, execution, self.site):
                await alarm(unit, WORKER, version, wrong)
                return
            step = version.steps[request.step - 1]
            call = chosen(step, request)
            authorised = await self._authorised(unit, version, execution, call)
        try:
            await self._guard(request, version, execution, call, authorised)
        except Unavailable as error:
            await self._held_up(request, str(error))
            raise
        except Frozen as error:  # set in this very moment: the next move waits for its end
            await self._held_up(request, str(error))
            return
        except CarapulseError as error:
            await self._alarmed(version, error)
            if await self._claim(request):
                await self.recording.record(request, version, failed(request, error))
            return
        if await self._place(request, took(version, step, call)):
            crossing(BEGUN.get(request.phase, ""))
            async with self.slots.taken():
                result = await self._ran(request, execution, step, call)
                crossing(ENDED.get(request.phase, ""))
                pins = await self._pinned(request, version, step, result)
            await self.recording.told(request, version, result, pins)

    async def _pinned(
        self, request: StepRequest, version: PlanVersion, step: Step, result: CallResult
    ) -> dict[str, str]:
        """What our own write has changed of what later steps rely on; they find out what is not."""
        if request.phase is not Phase.ACT or result.ending is not Ending.SUCCEEDED:
            return {}
        try:
            return await self.drift.again(version, step)
        except Unavailable:
            return {}

    async def _place(self, request: StepRequest, takes: Takes) -> bool:
        """Claim the call, once there is room for it; till then its card says what is full."""
        try:
            return await self._claim(request, takes)
        except Unavailable as error:
            if error.component == FULL:
                await self._held_up(request, str(error))
            raise

    async def _held_back(self, unit: Unit, request: StepRequest) -> bool:
        """Whether somebody has paused or cancelled it since this was handed out."""
        new = request.phase is Phase.ACT
        return new and await unit.executions.held_back(request.execution_id)

    async def _authorised(
        self, unit: Unit, version: PlanVersion, execution: Execution, call: Call
    ) -> Authorised | CarapulseError:
        """Digest and signatures, and the definition that was approved; or why it must not run."""
        state = await unit.plans.state(version.plan_id, version.version)
        if state is not VersionState.EXECUTING:
            return Tampered("This version is not executing, so its step was not run.")
        try:
            approvers = await self.authority.verify_started(unit, version, execution)
        except (Tampered, NotAllowed) as error:
            return error
        body = await unit.definitions.body(call.definition)
        if body is None:
            return Tampered(f"The definition of {call.name} that was approved is gone.")
        return Authorised(approvers, body, await self.guards.holds.on(unit, version, self.clock()))

    async def _guard(
        self,
        request: StepRequest,
        version: PlanVersion,
        execution: Execution,
        call: Call,
        authorised: Authorised | CarapulseError,
    ) -> None:
        """The call rendered again, and the policy: all on this worker."""
        if isinstance(authorised, CarapulseError):
            raise authorised
        if self.tools.rerender(call, authorised.body) != call:
            raise Tampered(f"{call.name} renders differently from what was approved. Not run.")
        try:
            await self._ask(request, version, call, authorised)
        except Unavailable:
            if request.phase is Phase.ACT:
                raise
            # A rollback's authority is the start decision; the policy gates only what is new.
            log.warning("undone without the policy", action="policy.away", call=call.name)
        if request.phase is Phase.ACT and not await self._ours(request):
            await self.drift.refuse(version, execution, version.steps[request.step - 1])

    async def _ours(self, request: StepRequest) -> bool:
        """Whether what is different now may be the effect of our own attempt before this one."""
        if request.attempt == 1:
            return False
        before = key_of(request).model_copy(update={"attempt": request.attempt - 1})
        async with self.store.begin() as unit:
            row = await unit.executions.call(before)
        return row is not None and (row.result is None or row.result.ending is Ending.UNKNOWN)

    async def _ask(
        self, request: StepRequest, version: PlanVersion, call: Call, authorised: Authorised
    ) -> None:
        step, now = version.steps[request.step - 1], self.clock()
        ruling = await self.guards.run(
            version, step, call, request.phase, authorised.approvers, authorised.holds, now
        )
        if not ruling.allows:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this step.")
        if stop := held(ruling, authorised.holds, now):
            raise Frozen(stop.reason)

    async def _alarmed(self, version: PlanVersion, error: CarapulseError) -> None:
        if isinstance(error, Tampered):
            async with self.store.begin() as unit:
                await alarm(unit, WORKER, version, str(error))

    async def _claim(self, request: StepRequest, takes: Takes | None = None) -> bool:
        """Whether this worker makes the call; `takes` nothing where nothing is run.

        Raises `Unavailable` while too much runs; undoing and looking are never held up by that.
        """
        now = self.clock()
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(request.execution_id)
            fenced = await unit.plans.epoch(request.ref) != request.ref.epoch
            if fenced or not still_wanted(execution, request):
                return False
            if takes and request.phase is Phase.ACT:
                await self.slots.look(unit, takes, now)
            if execution.reason and request.phase is Phase.ACT:
                going = {"reason": "", "state": ExecutionState.RUNNING}
                await unit.executions.save(execution.model_copy(update=going))
                await unit.posts.touch(request.ref.plan_id, PostKind.PLAN)
            begun = await unit.executions.begin_call(
                CallRow(
                    key=key_of(request),
                    takes=takes or Takes(),
                    worker=self.worker,
                    lease_until=now + timedelta(seconds=self.lease),
                    started_at=now,
                )
            )
            if begun and takes:
                await audit_beginning(unit, request, execution, self.worker)
            return begun

    async def _ran(
        self, request: StepRequest, execution: Execution, step: Step, call: Call
    ) -> CallResult:
        """The call's result, also where it was told to stop; a lost lease goes on as cancelled."""
        lease = Lease(self.store, self.clock, self.lease, self.worker, key_of(request))
        try:
            return await self._run(request, execution, step, call, lease)
        except CarapulseError as error:
            return failed(request, error)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not lease.stopped or task is None:
                raise
            task.uncancel()
            return stopped(call, lease.stopped)

    async def _run(
        self, request: StepRequest, execution: Execution, step: Step, call: Call, lease: Lease
    ) -> CallResult:
        outputs = {
            f"steps.{one.number}.{name}": value
            for one in execution.steps
            for name, value in one.outputs.items()
        }
        async with self.loglines.of(request) as on_line, lease.held():
            if request.phase is Phase.PROBE:
                probe = step.rollback_probe if is_rollback_probe(request) else step.probe
                assert probe is not None
                result = await self.runner.run(call, outputs, filed_only(on_line))
                return probed(result, probe.expect, outputs)
            if request.phase in (Phase.ACT, Phase.READ) and step.expect is not None:
                return await checked(self.runner, call, step.expect, outputs, on_line)
            return await self.runner.run(call, outputs, on_line)

    async def _held_up(self, request: StepRequest, reason: str) -> None:
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(request.execution_id)
            if execution.reason != reason and not execution.state.ended:
                changes: dict[str, object] = {"reason": reason}
                if execution.state is ExecutionState.RUNNING:
                    changes["state"] = ExecutionState.WAITING
                await unit.executions.save(execution.model_copy(update=changes))
                await unit.posts.touch(request.ref.plan_id, PostKind.PLAN)
