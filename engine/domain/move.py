"""What comes next for a plan version, as its workflow is told."""

from enum import StrEnum

from engine.domain.execution import Phase
from engine.domain.ids import ExecutionId
from engine.domain.model import Model
from engine.domain.plan import VersionRef


class MoveKind(StrEnum):
    """Wait until woken or for `seconds`; make calls; or nothing is left to do."""

    WAIT = "wait"
    CALL = "call"
    DONE = "done"


class StepRequest(Model):
    """One call that a worker is asked to make; `queue` is that of a runner, if it has one."""

    ref: VersionRef
    execution_id: ExecutionId
    step: int
    phase: Phase
    attempt: int
    timeout_seconds: int
    queue: str = ""


class Move(Model):
    """Decided from recorded facts alone, so that a lost workflow can be replaced by a new one.

    What is `beside` the request is made at the same time.
    """

    kind: MoveKind
    seconds: float = 0
    request: StepRequest | None = None
    beside: tuple[StepRequest, ...] = ()

    @property
    def requests(self) -> tuple[StepRequest, ...]:
        """All calls to make now."""
        return (self.request, *self.beside) if self.request else ()

    @classmethod
    def wait(cls, seconds: float) -> "Move":
        """Until woken, at most this long."""
        return cls(kind=MoveKind.WAIT, seconds=max(0.05, seconds))

    @classmethod
    def done(cls) -> "Move":
        """The workflow ends."""
        return cls(kind=MoveKind.DONE)

    @classmethod
    def call(cls, request: StepRequest, *beside: StepRequest) -> "Move":
        """Make this call, and others at the same time."""
        return cls(kind=MoveKind.CALL, request=request, beside=beside)
