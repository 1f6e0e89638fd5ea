"""What a request means for a frozen step, and what a result means for its record."""

from collections.abc import Mapping

from pydantic import TypeAdapter

from engine.domain.call import Call, CallResult, Effect, Ending, Expectation
from engine.domain.digest import outputs_digest
from engine.domain.execution import (
    CallKey,
    Execution,
    ExecutionState,
    Phase,
    StepRecord,
    StepState,
    Takes,
)
from engine.domain.expectation import holds
from engine.domain.move import StepRequest
from engine.domain.plan import PlanVersion, Step
from engine.domain.text import storable
from engine.errors import CarapulseError, NotAllowed, Tampered, Unavailable
from engine.services.progress import ATTEMPTS_AT_MOST, ROLLBACK_PROBES


def key_of(request: StepRequest) -> CallKey:
    """The row that this call claims."""
    return CallKey(
        execution_id=request.execution_id,
        step=request.step,
        phase=request.phase,
        attempt=request.attempt,
    )


def took(version: PlanVersion, step: Step, call: Call) -> Takes:
    """What the call takes up while it runs."""
    place = step.context or version.context
    return Takes(tool=call.tool, environment=place.environment or "", target=place.service or "")


def is_rollback_probe(request: StepRequest) -> bool:
    """Whether this probe asks about the rollback and not about the act."""
    return request.attempt > ROLLBACK_PROBES


def chosen(step: Step, request: StepRequest) -> Call:
    """The frozen call that the request means."""
    if request.phase is Phase.ROLLBACK and step.rollback is not None:
        return step.rollback
    if request.phase is Phase.PROBE:
        probe = step.rollback_probe if is_rollback_probe(request) else step.probe
        if probe is not None:
            return probe.call
    if request.phase is Phase.READ and step.effect is Effect.READ:
        return step.call
    if request.phase is Phase.ACT:
        return step.call
    raise Tampered(f"Step {step.number} has nothing to {request.phase.value}. Not run.")


def probed(result: CallResult, expect: Expectation, outputs: dict[str, str]) -> CallResult:
    """What a probe tells: took effect, took none, or still unknown."""
    if result.ending is not Ending.SUCCEEDED:
        unknown = {"ending": Ending.UNKNOWN, "message": f"the probe failed: {result.message}"}
        return result.model_copy(update=unknown)
    if holds(result, expect, outputs).met:
        return result.model_copy(update={"message": "it took effect, as its probe shows"})
    none = {"ending": Ending.FAILED, "message": "it took no effect, as its probe shows"}
    return result.model_copy(update=none)


STATES = {
    Ending.SUCCEEDED: StepState.SUCCEEDED,
    Ending.FAILED: StepState.FAILED,
    Ending.UNKNOWN: StepState.UNKNOWN,
}


def after(
    request: StepRequest, result: CallResult, record: StepRecord, step: Step
) -> dict[str, object]:
    """The step's new values; empty when it stays as it is."""
    message = storable(result.message)
    outputs = {name: storable(value) for name, value in result.outputs.items()}
    if request.phase is Phase.ACT:
        if record.state is not StepState.RUNNING or record.attempt != request.attempt:
            return late(request, record, message)
        return {"state": STATES[result.ending], "message": message, "outputs": outputs}
    done = result.ending is Ending.SUCCEEDED
    if request.phase is Phase.ROLLBACK or is_rollback_probe(request):
        asks = request.phase is Phase.ROLLBACK and step.rollback_probe is not None
        if asks and result.ending is Ending.UNKNOWN:
            return {"rollback_message": message}
        state = StepState.ROLLED_BACK if done else StepState.ROLLBACK_FAILED
        return {"state": state, "rollback_message": message}
    if request.phase is Phase.PROBE:
        if record.state is not StepState.UNKNOWN or result.ending is Ending.UNKNOWN:
            return {"message": message} if record.state is StepState.UNKNOWN else {}
        again = StepState.PENDING if record.attempt < ATTEMPTS_AT_MOST else StepState.FAILED
        state = StepState.SUCCEEDED if done else again
        return {"state": state, "message": message, "outputs": {**record.outputs, **outputs}}
    return {"rollback_message": message if done else f"it still fails: {message}"}


OUTPUTS = TypeAdapter(dict[str, str])
# What may have had an effect; Progress._to_undo goes through the same states.
TO_UNDO = (StepState.SUCCEEDED, StepState.UNKNOWN, StepState.RUNNING)


def late(request: StepRequest, record: StepRecord, message: str) -> dict[str, object]:
    """A result of a call that was taken for lost: said where it is still asked about."""
    if record.state is not StepState.UNKNOWN or record.attempt != request.attempt:
        return {}
    return {"message": f"taken for lost, and then its worker told: {message}"}


def left_digest(changes: Mapping[str, object]) -> str:
    """What the audit is told of the results that a step leaves; empty when it leaves none."""
    left = OUTPUTS.validate_python(changes.get("outputs") or {})
    return outputs_digest(left) if left else ""


def failed(request: StepRequest, error: CarapulseError) -> CallResult:
    """What a call is that was refused, or broken off by an error."""
    unsure = isinstance(error, Unavailable) or request.phase is Phase.PROBE
    refused = isinstance(error, Tampered | NotAllowed)
    ending = Ending.UNKNOWN if unsure else Ending.FAILED
    return CallResult(ending=ending, message=str(error), refused=refused)


def ending_line(step: Step, request: StepRequest, result: CallResult) -> str:
    """How the log tells the end of a call: `Revert 9f3c1e2 in shop-config -> 4b1d0aa on main`."""
    title = step.title
    if request.phase is Phase.ROLLBACK and step.rollback is not None:
        title = step.rollback.title
    elif request.phase is Phase.PROBE:
        title = "Ask the probe"
    elif request.phase is Phase.READ:
        title = f"{step.title}, again"
    said = result.message or result.ending.value
    word = "" if result.ending is Ending.SUCCEEDED else f"{result.ending.value}: "
    return storable(f"{title} -> {word if said != result.ending.value else ''}{said}")


def still_wanted(execution: Execution, request: StepRequest) -> bool:
    """Whether the records still ask for this call; a request may be older than a decision."""
    back = execution.state is ExecutionState.ROLLING_BACK
    if request.phase is Phase.READ:
        return back
    if request.phase is Phase.ROLLBACK or is_rollback_probe(request):
        return back and execution.step(request.step).state in TO_UNDO
    if execution.state not in (ExecutionState.RUNNING, ExecutionState.WAITING):
        return False
    step = execution.step(request.step)
    if request.phase is Phase.PROBE:
        return step.state is StepState.UNKNOWN
    return step.state is StepState.RUNNING and step.attempt == request.attempt
