"""What a request means for a frozen step, and what a result means for its record."""

from engine.domain.call import Call, CallResult, Ending, Expectation
from engine.domain.execution import CallKey, Phase, StepState
from engine.domain.expectation import holds
from engine.domain.move import StepRequest
from engine.domain.plan import Step
from engine.services.course import ROLLBACK_PROBES


def key_of(request: StepRequest) -> CallKey:
    """The row that this call claims."""
    return CallKey(
        execution_id=request.execution_id,
        step=request.step,
        phase=request.phase,
        attempt=request.attempt,
    )


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
    return step.call


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


def after(request: StepRequest, result: CallResult, outputs: dict[str, str]) -> dict[str, object]:
    """The step's new values; empty when it stays as it is."""
    if request.phase is Phase.ACT:
        return {
            "state": STATES[result.ending],
            "message": result.message,
            "outputs": result.outputs,
        }
    done = result.ending is Ending.SUCCEEDED
    if request.phase is Phase.ROLLBACK or is_rollback_probe(request):
        state = StepState.ROLLED_BACK if done else StepState.ROLLBACK_FAILED
        return {"state": state, "rollback_message": result.message}
    if request.phase is Phase.PROBE:
        if result.ending is Ending.UNKNOWN:
            return {"message": result.message}
        state = StepState.SUCCEEDED if done else StepState.PENDING
        return {"state": state, "message": result.message, "outputs": {**outputs, **result.outputs}}
    return {"rollback_message": result.message}
