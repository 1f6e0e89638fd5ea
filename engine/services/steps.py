"""What a worker does with one call of an execution: check everything itself, run, record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.call import Call, CallResult, Ending, Expectation
from engine.domain.conversation import PostKind
from engine.domain.execution import (
    CallKey,
    CallRow,
    Execution,
    ExecutionState,
    LogLine,
    Phase,
    StepState,
)
from engine.domain.expectation import Met, holds
from engine.domain.ids import PersonId
from engine.domain.move import StepRequest
from engine.domain.plan import PlanVersion, Step, VersionState
from engine.domain.questions import Limits, to_run
from engine.errors import CarapulseError, NotAllowed, Tampered, Unavailable
from engine.ports import Clock, OnLine, Policy, Runner, Store, Tools, Unit
from engine.services.authority import Authority
from engine.services.course import Course
from engine.services.loglines import LogLines
from engine.services.progress import Pace
from engine.services.results import (
    after,
    chosen,
    ending_line,
    failed,
    is_rollback_probe,
    key_of,
    probed,
    still_wanted,
)

POLL = 1.0
TELL_EVERY = 10.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Authorised:
    """What a call needs to be made: who approved it, and its definition of that time."""

    approvers: list[PersonId]
    body: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Bound to the real sandbox in a worker. `worker` names this process in leases."""

    store: Store
    tools: Tools
    runner: Runner
    policy: Policy
    authority: Authority
    loglines: LogLines
    clock: Clock
    limits: Limits
    lease: float
    worker: str

    async def perform(self, request: StepRequest) -> None:
        """Make one call and record what came of it.

        Raises `Unavailable` before anything was started, when a guard does not answer; the caller
        tries again. Nothing is made twice: the call's row is claimed first.
        """
        async with self.store.begin() as unit:
            version = await unit.plans.version(request.ref.plan_id, request.ref.version)
            execution = await unit.executions.get(request.execution_id)
            step = version.steps[request.step - 1]
            call = chosen(step, request)
            authorised = await self._authorised(unit, request, version, call)
        try:
            await self._guard(request, version, call, authorised)
        except Unavailable as error:
            await self._held_up(request, str(error))
            raise
        except CarapulseError as error:
            if await self._claim(request):
                await self._record(request, version, failed(request, error))
            return
        if not await self._claim(request):
            return
        try:
            result = await self._run(request, execution, step, call)
        except CarapulseError as error:
            result = failed(request, error)
        await self._told(request, version, result)

    async def _told(self, request: StepRequest, version: PlanVersion, result: CallResult) -> None:
        """Record; a result in hand is not given up because the database blinks."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.lease
        while True:
            try:
                return await self._record(request, version, result)
            except Unavailable:
                if loop.time() > until:
                    raise
                await asyncio.sleep(POLL)

    async def _authorised(
        self, unit: Unit, request: StepRequest, version: PlanVersion, call: Call
    ) -> Authorised | CarapulseError:
        """Digest and signatures, and the definition that was approved; or why it must not run."""
        state = await unit.plans.state(request.ref.plan_id, request.ref.version)
        if state is not VersionState.EXECUTING:
            return Tampered("This version is not executing, so its step was not run.")
        try:
            approvers = await self.authority.verify_version(unit, version)
        except (Tampered, NotAllowed) as error:
            return error
        body = await unit.definitions.body(call.definition)
        if body is None:
            return Tampered(f"The definition of {call.name} that was approved is gone.")
        return Authorised(approvers, body)

    async def _guard(
        self,
        request: StepRequest,
        version: PlanVersion,
        call: Call,
        authorised: Authorised | CarapulseError,
    ) -> None:
        """The call rendered again, and the policy: all on this worker."""
        if isinstance(authorised, CarapulseError):
            raise authorised
        if self.tools.rerender(call, authorised.body) != call:
            raise Tampered(f"{call.name} renders differently from what was approved. Not run.")
        try:
            await self._ask(request, version, call, authorised.approvers)
        except Unavailable:
            if request.phase is Phase.ACT:
                raise
            # A rollback's authority is the start decision; the policy gates only what is new.
            log.warning("undone without the policy", action="policy.away", call=call.name)

    async def _ask(
        self, request: StepRequest, version: PlanVersion, call: Call, approvers: list[PersonId]
    ) -> None:
        step = version.steps[request.step - 1]
        ruling = await self.policy.ask(
            to_run(
                WORKER,
                version,
                call,
                phase=request.phase,
                reversible=step.rollback is not None,
                limits=self.limits,
                approvers=approvers,
                now=self.clock(),
            )
        )
        if not ruling.allows:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this step.")

    async def _claim(self, request: StepRequest) -> bool:
        now = self.clock()
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(request.execution_id)
            fenced = await unit.plans.epoch(request.ref) != request.ref.epoch
            if fenced or not still_wanted(execution, request):
                return False
            if execution.reason and request.phase is Phase.ACT:
                cleared = execution.model_copy(update={"reason": ""})
                await unit.executions.save(cleared)
                await unit.posts.touch(request.ref.plan_id, PostKind.PLAN)
            return await unit.executions.begin_call(
                CallRow(
                    key=key_of(request),
                    worker=self.worker,
                    lease_until=now + timedelta(seconds=self.lease),
                    started_at=now,
                )
            )

    async def _run(
        self, request: StepRequest, execution: Execution, step: Step, call: Call
    ) -> CallResult:
        outputs = {
            f"steps.{one.number}.{name}": value
            for one in execution.steps
            for name, value in one.outputs.items()
        }
        async with (
            self.loglines.of(request) as on_line,
            self._leased(request),
        ):
            if request.phase is Phase.PROBE:
                probe = step.rollback_probe if is_rollback_probe(request) else step.probe
                assert probe is not None
                result = await self.runner.run(call, outputs, on_line)
                return probed(result, probe.expect, outputs)
            if request.phase in (Phase.ACT, Phase.READ) and step.expect is not None:
                return await self._until(call, step.expect, outputs, on_line)
            return await self.runner.run(call, outputs, on_line)

    async def _until(
        self, call: Call, expect: Expectation, outputs: dict[str, str], on_line: OnLine
    ) -> CallResult:
        """Repeat a read until its expectation has held long enough, or time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + expect.within_seconds
        since: float | None = None
        told = Told(on_line, loop.time)
        while True:
            result = await self.runner.run(call, outputs, silent)
            met = holds(result, expect, outputs)
            since = (since or loop.time()) if met.met else None
            await told.line(met)
            if since is not None and loop.time() - since >= expect.hold_seconds:
                held = f", held {expect.hold_seconds} s" if expect.hold_seconds else ""
                text = f"{met.text}{held}"
                return result.model_copy(update={"ending": Ending.SUCCEEDED, "message": text})
            if loop.time() >= (deadline if since is None else deadline + expect.hold_seconds):
                failed = {"ending": Ending.FAILED, "message": met.text}
                return result.model_copy(update=failed)
            await asyncio.sleep(POLL)

    @asynccontextmanager
    async def _leased(self, request: StepRequest) -> AsyncIterator[None]:
        """Renew the call's lease; a worker that can't is stopped with its tool."""
        running = asyncio.current_task()
        assert running is not None

        def lost(renewing: asyncio.Task[None]) -> None:
            if not renewing.cancelled():
                log.warning("stopped: the lease was lost", error=str(renewing.exception() or ""))
                running.cancel("the lease was lost")

        task = asyncio.create_task(self._renew(key_of(request)))
        task.add_done_callback(lost)
        try:
            yield
        finally:
            task.remove_done_callback(lost)
            task.cancel()
            await asyncio.wait({task})

    async def _renew(self, key: CallKey) -> None:
        """Returns, in time to stop the tool, when the lease is lost or can't be renewed."""
        loop = asyncio.get_running_loop()
        every = self.lease / 5
        ends = loop.time() + self.lease
        while True:
            await asyncio.sleep(every)
            asked = loop.time()
            attempt = asyncio.create_task(self._renewed(key))
            try:
                done, _ = await asyncio.wait({attempt}, timeout=ends - every - asked)
            finally:
                attempt.cancel()
            if not done:
                return
            if (kept := attempt.result()) is False:
                return
            ends = asked + self.lease if kept else ends

    async def _renewed(self, key: CallKey) -> bool | None:
        """Whether the call is still ours; None when the database does not say."""
        until = self.clock() + timedelta(seconds=self.lease)
        try:
            async with self.store.begin() as unit:
                return await unit.executions.renew_call(key, self.worker, until)
        except Unavailable:
            return None

    async def _record(self, request: StepRequest, version: PlanVersion, result: CallResult) -> None:
        """The call's end, the step's state, the card and the audit, in one transaction."""
        now = self.clock()
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(request.execution_id)
            row = await unit.executions.call(key_of(request))
            if row is None or row.ended_at is not None:
                return  # told before
            await unit.executions.end_call(key_of(request), result, now)
            text = ending_line(version.steps[request.step - 1], request, result)
            line = LogLine(execution_id=execution.id, step=request.step, at=now, text=text)
            await unit.executions.add_lines([line])
            await unit.posts.touch(execution.id, PostKind.LOG)
            record = execution.step(request.step)
            changes = after(request, result, record, version.steps[request.step - 1])
            if changes:
                ended = {"ended_at": now} if request.phase is Phase.ACT else {}
                await unit.executions.save_step(
                    execution.id, record.model_copy(update={**changes, **ended})
                )
            await self._rollback_failed(unit, request, version, result)
            await unit.posts.touch(request.ref.plan_id, PostKind.PLAN)
            await unit.audit.record(
                AuditEvent(
                    actor=WORKER,
                    action=f"step.{request.phase.value}",
                    subject=execution.id,
                    decision=result.ending.value,
                    reason=result.message,
                    detail={"step": request.step, "attempt": request.attempt},
                )
            )
        await self.loglines.publish(line)

    async def _rollback_failed(
        self, unit: Unit, request: StepRequest, version: PlanVersion, result: CallResult
    ) -> None:
        execution = await unit.executions.get(request.execution_id)
        if execution.state is not ExecutionState.ROLLING_BACK:
            return
        if execution.step(request.step).state is not StepState.ROLLBACK_FAILED:
            return
        course = Course(unit, request.ref, version, execution, self.clock(), Pace())
        await course.rollback_failed(request.step, result.message)

    async def _held_up(self, request: StepRequest, reason: str) -> None:
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(request.execution_id)
            if execution.reason != reason and not execution.state.ended:
                await unit.executions.save(execution.model_copy(update={"reason": reason}))
                await unit.posts.touch(request.ref.plan_id, PostKind.PLAN)


@dataclass(slots=True)
class Told:
    """Lines about a repeated read: at each change of its answer, and else now and then."""

    on_line: OnLine
    clock: Callable[[], float]
    last: Met | None = None
    at: float = 0.0

    async def line(self, met: Met) -> None:
        """Say it when it is news."""
        flipped = self.last is None or self.last.met is not met.met
        due = self.clock() - self.at >= TELL_EVERY
        if flipped or (due and self.last is not None and self.last.text != met.text):
            self.last, self.at = met, self.clock()
            await self.on_line(met.text)


async def silent(_: str) -> None:
    """Output of a repeated read that says nothing new."""
