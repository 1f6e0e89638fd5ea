"""What the services need of the outside world, as protocols; adapters say what they run on."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from engine.domain.actor import Account, Actor
from engine.domain.approval import Signed, Statement
from engine.domain.audit import AuditEvent
from engine.domain.call import Call, CallResult
from engine.domain.context import ContextRef
from engine.domain.conversation import Conversation, Place, Post, PostKind, Turn
from engine.domain.draft import Briefing, Draft, DraftState, Evidence, Outcome, Reading
from engine.domain.execution import (
    CallKey,
    CallRow,
    Decision,
    Execution,
    ExecutionState,
    LogLine,
    StepRecord,
)
from engine.domain.ids import (
    ConversationId,
    DraftId,
    EvidenceId,
    ExecutionId,
    PersonId,
    PlanId,
    ProblemId,
)
from engine.domain.model import Json
from engine.domain.plan import DraftStep, PlanVersion, Step, VersionRef, VersionState
from engine.domain.policy import Question, Ruling
from engine.domain.problem import Alert, Problem

OnLine = Callable[[str], Awaitable[None]]


class Clock(Protocol):
    """The time now, in UTC."""

    def __call__(self) -> datetime: ...


# --- the truth -----------------------------------------------------------------------------


class Plans(Protocol):
    """Plans and their immutable versions; the state of a version is kept apart."""

    async def new_reference(self) -> str: ...
    async def add_version(self, version: PlanVersion, state: VersionState) -> None: ...
    async def version(self, plan_id: PlanId, version: int) -> PlanVersion: ...
    async def current(self, plan_id: PlanId) -> PlanVersion: ...
    async def find(self, reference: str) -> PlanId: ...
    async def lock(self, plan_id: PlanId) -> int:
        """Lock the plan's row until the transaction ends; return its current version."""
        ...

    async def state(self, plan_id: PlanId, version: int) -> VersionState: ...
    async def move(
        self, ref: VersionRef, *, frm: Sequence[VersionState], to: VersionState, reason: str = ""
    ) -> bool:
        """Compare-and-set; False when the version was in none of `frm`."""
        ...

    async def epoch(self, ref: VersionRef) -> int: ...
    async def state_reason(self, plan_id: PlanId, version: int) -> str: ...
    async def open_refs(self) -> list[VersionRef]:
        """Versions that a workflow must be waiting on, or executing."""
        ...

    async def set_epoch(self, ref: VersionRef, epoch: int) -> None: ...


class Approvals(Protocol):
    """Signed decisions; insert-only."""

    async def add(self, signed: Signed) -> None: ...
    async def of(self, plan_id: PlanId, version: int) -> list[Signed]: ...


class Drafts(Protocol):
    """Requests on their way to a plan, with their evidence."""

    async def add(self, draft: Draft) -> None: ...
    async def get(self, draft_id: DraftId) -> Draft: ...
    async def move(self, draft_id: DraftId, *, frm: DraftState, to: DraftState) -> bool: ...
    async def keep_outcome(self, draft_id: DraftId, outcome: Outcome) -> None: ...
    async def outcome(self, draft_id: DraftId) -> Outcome | None: ...
    async def add_evidence(self, evidence: Evidence) -> None: ...
    async def evidence(self, draft_id: DraftId) -> list[Evidence]: ...
    async def evidence_by_id(self, ids: Sequence[EvidenceId]) -> list[Evidence]: ...
    async def open_ids(self) -> list[tuple[DraftId, int]]: ...
    async def seconds(self, draft_id: DraftId) -> float: ...
    async def set_epoch(self, draft_id: DraftId, epoch: int) -> None: ...


class Executions(Protocol):
    """Executions, their steps, tool calls, decisions and log lines."""

    async def create(self, version: PlanVersion, now: datetime) -> Execution:
        """Insert, or return the one that there is: unique by (plan, version)."""
        ...

    async def get(self, execution_id: ExecutionId) -> Execution: ...
    async def of_version(self, plan_id: PlanId, version: int) -> Execution | None: ...
    async def find(self, reference: str) -> ExecutionId: ...
    async def lock(self, execution_id: ExecutionId) -> Execution: ...
    async def save(self, execution: Execution) -> None: ...
    async def save_step(self, execution_id: ExecutionId, step: StepRecord) -> None: ...
    async def begin_call(self, row: CallRow) -> bool:
        """Insert the call's row; False when this call was already begun."""
        ...

    async def renew_call(self, key: CallKey, worker: str, until: datetime) -> bool: ...
    async def end_call(self, key: CallKey, result: CallResult, at: datetime) -> None: ...
    async def call(self, key: CallKey) -> CallRow | None: ...
    async def add_decision(self, decision: Decision) -> None: ...
    async def take_decision(self, execution_id: ExecutionId) -> Decision | None:
        """The oldest decision not yet acted on, marked as taken."""
        ...

    async def add_lines(self, lines: Sequence[LogLine]) -> None: ...
    async def lines(
        self, execution_id: ExecutionId, *, after: int = 0, limit: int = 1000
    ) -> list[LogLine]: ...
    async def last_lines(self, execution_id: ExecutionId, limit: int) -> list[LogLine]: ...
    async def count_lines(self, execution_id: ExecutionId) -> int: ...
    async def holding_lock(self, context: ContextRef) -> ExecutionId | None:
        """The running, writing execution of this environment and service, if any."""
        ...

    async def in_state(self, *states: ExecutionState) -> list[Execution]: ...


class Conversations(Protocol):
    """Threads and what was said in them."""

    async def at(self, place: Place) -> Conversation | None: ...
    async def get(self, conversation_id: ConversationId) -> Conversation: ...
    async def add(self, conversation: Conversation) -> Conversation:
        """Insert, or return the one that is already at this place."""
        ...

    async def attach(
        self,
        conversation_id: ConversationId,
        *,
        plan_id: PlanId | None = None,
        problem_id: ProblemId | None = None,
    ) -> None: ...
    async def move(self, conversation_id: ConversationId, place: Place) -> None: ...
    async def add_turn(self, turn: Turn) -> bool: ...
    async def turns(self, conversation_id: ConversationId, limit: int = 50) -> list[Turn]: ...


class Posts(Protocol):
    """What the chat surface has to show, and what it shows."""

    async def want(
        self,
        kind: PostKind,
        subject: str,
        place: Place,
        *,
        body: dict[str, Json] | None = None,
        recipient: str = "",
        urgent: bool = False,
    ) -> str:
        """Ask for a post; return its id.

        A card (plan, log, problem, findings, home) of the same subject is touched instead of
        added again; the others are always new.
        """
        ...

    async def touch(self, subject: str, *kinds: PostKind, urgent: bool = False) -> None:
        """The subject changed: its cards must be rendered again."""
        ...

    async def of(self, kind: PostKind, subject: str) -> Post | None: ...
    async def at(self, channel: str, ts: str) -> Post | None: ...


class Problems(Protocol):
    """Problems and their alerts."""

    async def lock_key(self, key: str) -> Problem | None:
        """The open or last problem of this grouping key, locked until the transaction ends."""
        ...

    async def add(self, problem: Problem) -> None: ...
    async def new_reference(self) -> str: ...
    async def save(self, problem: Problem) -> None: ...
    async def get(self, problem_id: ProblemId) -> Problem: ...
    async def count_since(self, key: str, since: datetime) -> int: ...


class Inbox(Protocol):
    """What arrived from outside, as it came, once."""

    async def receive(self, *, source: str, key: str, thread: str, body: bytes) -> int | None:
        """Store; None when this key is already there."""
        ...

    async def body(self, inbox_id: int) -> bytes: ...
    async def waiting(self, thread: str) -> list[int]:
        """Ids of the thread that are not handled yet, oldest first; the thread is locked."""
        ...

    async def handled(self, inbox_id: int, outcome: str) -> None: ...
    async def lock_thread(self, thread: str) -> bool:
        """Take the thread for this transaction; False when somebody else handles it now."""
        ...


class AuditLog(Protocol):
    """Append-only."""

    async def record(self, event: AuditEvent) -> None: ...
    async def of(self, subject: str, limit: int = 100) -> list[AuditEvent]: ...


class Jobs(Protocol):
    """Work to be done after this transaction commits, at least once."""

    async def add(self, kind: str, payload: dict[str, Json], *, key: str | None = None) -> None: ...


class Tokens(Protocol):
    """Scoped service tokens, stored hashed."""

    async def add(self, name: str, digest: str, scopes: Sequence[str]) -> None: ...
    async def scopes(self, digest: str) -> tuple[str, tuple[str, ...]] | None:
        """(name, scopes) of a live token."""
        ...


class Definitions(Protocol):
    """Tool definitions by digest, kept for as long as a plan may need them."""

    async def keep(self, digest: str, body: str) -> None: ...
    async def body(self, digest: str) -> str | None: ...


class Unit(Protocol):
    """One transaction; everything done through it commits together or not at all."""

    @property
    def plans(self) -> Plans: ...
    @property
    def approvals(self) -> Approvals: ...
    @property
    def drafts(self) -> Drafts: ...
    @property
    def executions(self) -> Executions: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def posts(self) -> Posts: ...
    @property
    def problems(self) -> Problems: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def definitions(self) -> Definitions: ...


class Store(Protocol):
    """The truth."""

    def begin(self) -> AbstractAsyncContextManager[Unit]:
        """Open a transaction. Raises `Unavailable` when the database does not answer."""
        ...


# --- the rest of the world -----------------------------------------------------------------


class Policy(Protocol):
    """Who may do what."""

    async def ask(self, question: Question) -> Ruling:
        """Raises `Unavailable` instead of guessing; anything but a known answer is a deny."""
        ...


class Signer(Protocol):
    """Holds the private key; only the gate's process has one."""

    @property
    def key_id(self) -> str: ...
    def sign(self, statement: Statement) -> Signed: ...


class Verifier(Protocol):
    """Holds public keys only."""

    def verify(self, signed: Signed) -> bool: ...


class Directory(Protocol):
    """Who people are."""

    async def person(self, account: Account) -> Actor | None:
        """The person behind a chat account; None when unknown. An e-mail alone is no identity."""
        ...

    async def by_id(self, person_id: PersonId) -> Actor | None: ...
    async def members(self, group: str) -> list[Actor]: ...
    async def mention(self, group: str) -> str:
        """How the chat surface names the group; its plain name where it has none."""
        ...


class Tools(Protocol):
    """The tool definitions: what can be done, and how it is called."""

    def freeze(self, step: DraftStep, context: ContextRef, *, number: int, mark: str) -> Step:
        """Check a drafted step against its definition and render everything it would run.

        `mark` is a short constant of the plan version and step, which a write leaves behind for
        its probe. Raises `Invalid` with one entry per field.
        """
        ...

    def read_call(self, reading: Reading, context: ContextRef) -> Call:
        """Render a read. Raises `Invalid`; a write is refused with `NotAllowed`."""
        ...

    def rerender(self, call: Call, definition: str) -> Call:
        """Render the call again from its stored definition (a body kept by `Definitions`)."""
        ...

    def definition(self, digest: str) -> str:
        """The body of a definition that is loaded now, by its digest."""
        ...

    def schema(self) -> dict[str, Json]:
        """JSON Schema of the steps that a model may propose (`anyOf` over actions)."""
        ...

    def catalogue(self, *, reads_only: bool = False) -> list[dict[str, Json]]:
        """Name, title, effect and input schema of each action, for prompts and listings."""
        ...


class Runner(Protocol):
    """Runs calls: the sandbox, or HTTP for tools whose transport is their API."""

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        """Run one call. `outputs` resolve its references. Never raises for a tool's failure.

        Cancelling kills the tool with all its children. A write stopped by timeout or cancel
        ends unknown.
        """
        ...


class Planner(Protocol):
    """Turns a request into an outcome; it proposes and never runs anything."""

    name: str

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        """What it wants to be looked at before it answers (read-only)."""
        ...

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises `DraftFailed` or `Unavailable`."""
        ...


class Services(Protocol):
    """The service graph, from a file until there are collectors."""

    def resolve(self, name: str) -> str | None:
        """The service that a name or alias stands for."""
        ...

    def entry(self, service: str) -> dict[str, Json]: ...
    def names(self) -> list[str]: ...
    def dependants(self, service: str) -> list[str]: ...


class Feed(Protocol):
    """The live feed. Losing it loses nothing."""

    async def publish(self, execution_id: ExecutionId, lines: Sequence[LogLine]) -> None: ...


class Clues(Protocol):
    """Raw alerts of a webhook body, cleaned."""

    def __call__(self, body: bytes) -> list[Alert]: ...
