"""What came of a call: its end, the step's state, card, log and audit, in one transaction."""

import asyncio
from dataclasses import dataclass

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.call import CallResult
from engine.domain.conversation import PostKind
from engine.domain.execution import ExecutionState, LogLine, Phase, StepState
from engine.domain.move import StepRequest
from engine.domain.plan import PlanVersion
from engine.errors import Unavailable
from engine.ports import Clock, Store, Unit
from engine.services.course import Course
from engine.services.loglines import LogLines
from engine.services.progress import Pace
from engine.services.results import after, ending_line, key_of, left_digest

POLL = 1.0


@dataclass(frozen=True, slots=True)
class Recording:
    """Of the calls of one worker; `patience` in seconds is for a database that blinks."""

    store: Store
    loglines: LogLines
    clock: Clock
    patience: float

    async def told(
        self,
        request: StepRequest,
        version: PlanVersion,
        result: CallResult,
        pins: dict[str, str],
    ) -> None:
        """Record; a result in hand is not given up because the database blinks."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.patience
        while True:
            try:
                return await self.record(request, version, result, pins)
            except Unavailable:
                if loop.time() > until:
                    raise
                await asyncio.sleep(POLL)

    async def record(
        self,
        request: StepRequest,
        version: PlanVersion,
        result: CallResult,
        pins: dict[str, str] | None = None,
    ) -> None:
        """The call's end, the step's state, the card and the audit, in one transaction."""
        now = self.clock()
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(request.execution_id)
            row = await unit.executions.call(key_of(request))
            if row is None or row.ended_at is not None:
                return  # told before
            await unit.executions.end_call(key_of(request), result, now)
            if pins:
                execution = execution.model_copy(update={"pins": {**execution.pins, **pins}})
                await unit.executions.save(execution)
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
                    detail={
                        "step": request.step,
                        "phase": request.phase.value,
                        "attempt": request.attempt,
                        "outputs": left_digest(changes),
                    },
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
