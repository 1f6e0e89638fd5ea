"""One carrying-out of one plan version: its states, steps, and lines."""

from datetime import datetime
from enum import StrEnum

from engine.domain.call import CallResult, Effect
from engine.domain.ids import ExecutionId, PersonId, PlanId, Tenant
from engine.domain.model import Model
from engine.domain.plan import StepKind


class ExecutionState(StrEnum):
    """Where an execution stands (DESIGN section 8)."""

    PENDING = "pending"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    NEEDS_DECISION = "needs_decision"
    ROLLING_BACK = "rolling_back"
    ROLLBACK_FAILED = "rollback_failed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """No further state follows."""
        return self in (
            ExecutionState.SUCCEEDED,
            ExecutionState.FAILED,
            ExecutionState.ROLLED_BACK,
            ExecutionState.CANCELLED,
        )


class StepState(StrEnum):
    """Where a step of an execution stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    CANCELLED = "cancelled"


class Choice(StrEnum):
    """What an operator can choose; also the verbs of the API."""

    RUN = "run"
    HOLD = "hold"
    RETRY = "retry"
    SKIP = "skip"
    ROLL_BACK = "rollback"
    MARK_DONE = "mark-done"
    KEEP = "keep"
    ACKNOWLEDGE = "acknowledge"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class StepRecord(Model):
    """A step of an execution, as it is now. `attempt` counts from 1."""

    number: int
    kind: StepKind
    title: str
    effect: Effect
    state: StepState = StepState.PENDING
    attempt: int = 0
    message: str = ""
    outputs: dict[str, str] = {}
    rollback_message: str = ""
    has_rollback: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Execution(Model):
    """The whole of it, as stored. `question_step` is the step that a person must decide on.

    `started_by` pressed Run, `stopped_by` pressed Cancel while something ran. From `deadline_at`
    on nothing new starts. It waits for people since `asked_at`, and they are reminded at
    `remind_at`. `pins` holds what own steps changed of what the plan relied on.
    """

    id: ExecutionId
    reference: str
    tenant: Tenant
    plan_id: PlanId
    version: int
    state: ExecutionState
    reason: str = ""
    steps: tuple[StepRecord, ...] = ()
    question_step: int | None = None
    countdown_until: datetime | None = None
    choices: tuple[Choice, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    epoch: int = 0
    started_by: str = ""
    stopped_by: str = ""
    deadline_at: datetime | None = None
    asked_at: datetime | None = None
    remind_at: datetime | None = None
    reminded: int = 0
    pins: dict[str, str] = {}

    def step(self, number: int) -> StepRecord:
        """The record of a step; numbers start at 1."""
        return self.steps[number - 1]


class Phase(StrEnum):
    """Why a call is made."""

    ACT = "act"
    ROLLBACK = "rollback"
    PROBE = "probe"
    READ = "read"


class CallKey(Model):
    """Names one tool call of an execution, once."""

    execution_id: ExecutionId
    step: int
    phase: Phase
    attempt: int


class Takes(Model):
    """What a running call takes up, as limits count it."""

    tool: str = ""
    environment: str = ""
    target: str = ""


class CallRow(Model):
    """A tool call as a row: started, leased, ended. `result` is None while it is not known."""

    key: CallKey
    takes: Takes = Takes()
    worker: str
    lease_until: datetime
    started_at: datetime
    ended_at: datetime | None = None
    result: CallResult | None = None


class LogLine(Model):
    """One redacted line of output. `id` grows within the whole deployment."""

    id: int = 0
    execution_id: ExecutionId
    step: int
    at: datetime
    text: str


class Start(Model):
    """That a version was started; never changed, and timed by the database."""

    execution_id: ExecutionId
    at: datetime


class Decision(Model):
    """A person's choice, waiting for the workflow to act on it.

    `signed` is what the gate signed of one that overrides what was approved, as JSON.
    """

    id: int = 0
    execution_id: ExecutionId
    choice: Choice
    step: int | None = None
    person: PersonId
    person_name: str
    at: datetime
    signed: str = ""
