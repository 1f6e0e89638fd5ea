"""What a workflow orders a worker to do, held against the records: an order can be forged."""

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.call import Effect
from engine.domain.execution import Execution, Phase
from engine.domain.move import StepRequest
from engine.domain.plan import PlanVersion
from engine.domain.site import Site
from engine.errors import Tampered
from engine.ports import Unit
from engine.services.authority import told
from engine.services.results import chosen, key_of


async def forged(
    unit: Unit,
    request: StepRequest,
    version: PlanVersion,
    execution: Execution,
    site: Site | None = None,
) -> str:
    """What is wrong with an order that our own workflow can't have given; empty when nothing is.

    An order that is only late is none of these: the records no longer want it, and that is all.
    With a `site` only what acts there is a step of ours.
    """
    if (request.ref.plan_id, request.ref.version) != (execution.plan_id, execution.version):
        return told(version, "its workflow was told to run another plan's step")
    if request.ref.epoch > await unit.plans.epoch(request.ref):
        return told(version, "its workflow names an epoch that was never given")
    if not 1 <= request.step <= min(len(version.steps), len(execution.steps)):
        return told(version, f"its workflow was told to run step {request.step}, which is none")
    step = version.steps[request.step - 1]
    if site and not site.is_at(step.context or version.context):
        where = str(step.context or version.context)
        return told(version, f"step {request.step} of {where} was sent to the runner of {site}")
    try:
        chosen(step, request)
    except Tampered as error:
        return told(version, str(error).rstrip("."))
    if not await _follows(unit, request, execution):
        return told(version, f"its workflow made up attempt {request.attempt}")
    return ""


async def _follows(unit: Unit, request: StepRequest, execution: Execution) -> bool:
    """An attempt is counted by the records before it is ordered."""
    if request.phase is Phase.ACT:
        return 1 <= request.attempt <= execution.step(request.step).attempt
    if request.phase is Phase.PROBE or request.attempt == 1:
        return request.attempt >= 1
    before = key_of(request).model_copy(update={"attempt": request.attempt - 1})
    return await unit.executions.call(before) is not None


async def audit_beginning(
    unit: Unit, request: StepRequest, execution: Execution, worker: str
) -> None:
    """A change is in the audit before it is made, in the transaction that claims its call."""
    step = execution.step(request.step)
    if step.effect is Effect.READ or request.phase not in (Phase.ACT, Phase.ROLLBACK):
        return
    await unit.audit.record(
        AuditEvent(
            actor=WORKER,
            action="step.begin",
            subject=execution.id,
            decision="allow",
            reason=step.title,
            detail={
                "step": request.step,
                "phase": request.phase.value,
                "attempt": request.attempt,
                "worker": worker,
            },
        )
    )
