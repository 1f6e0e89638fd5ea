"""What becomes of an execution whose version ends before it started."""

from datetime import datetime

from engine.domain.execution import ExecutionState, StepState
from engine.domain.plan import VersionRef
from engine.ports import Unit


async def call_off(unit: Unit, ref: VersionRef, reason: str, now: datetime) -> None:
    """Cancel the version's waiting execution, if it has one; one that has ended stays as it is."""
    execution = await unit.executions.of_version(ref.plan_id, ref.version)
    if execution is None or execution.state.ended:
        return
    ended = {"state": ExecutionState.CANCELLED, "reason": reason, "ended_at": now}
    await unit.executions.save(execution.model_copy(update=ended))
    for step in execution.steps:
        await unit.executions.save_step(
            execution.id, step.model_copy(update={"state": StepState.CANCELLED})
        )
