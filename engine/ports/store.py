"""The truth as protocols: one repository per aggregate, all of them in one transaction."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from engine.domain.approval import Signed
from engine.domain.audit import AuditEvent
from engine.domain.call import CallResult
from engine.domain.conversation import Conversation, Place, Post, PostKind, Turn
from engine.domain.draft import Draft, DraftState, Evidence, Outcome
from engine.domain.execution import (
    CallKey,
    CallRow,
    Decision,
    Execution,
    ExecutionState,
    LogLine,
    Start,
    StepRecord,
    Takes,
)
from engine.domain.feedback import Absence, Rating, Thumb
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
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.ports.artifacts import Artifacts
from engine.ports.freezes import BreakGlass, Freezes
from engine.ports.identity import Identities
from engine.ports.knowledge import Documents, Memory, Sessions
from engine.ports.problems import Problems
from engine.ports.reminders import Reminders
from engine.ports.runners import Runners
from engine.ports.templates import Templates
from engine.ports.tracking import Issues, Pages


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

    async def newest(self, plan_id: PlanId) -> int:
        """The highest version that was ever stored, whatever is said to be current."""
        ...

    async def state(self, plan_id: PlanId, version: int) -> VersionState: ...
    async def move(
        self, ref: VersionRef, *, frm: Sequence[VersionState], to: VersionState, reason: str = ""
    ) -> bool:
        """Compare-and-set; False when the version was in none of `frm`."""
        ...

    async def epoch(self, ref: VersionRef) -> int: ...
    async def state_reason(self, plan_id: PlanId, version: int) -> str: ...
    async def listed(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        state: VersionState | None = None,
        service: str = "",
    ) -> list[tuple[PlanVersion, VersionState]]:
        """Current versions, newest plans first."""
        ...

    async def of_requester(self, person: PersonId, limit: int) -> list[PlanId]: ...
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
    async def question_in(self, conversation_id: ConversationId) -> Draft | None: ...
    async def repeating(self, conversation_id: ConversationId, plan_id: PlanId) -> Draft | None: ...
    async def open_in(self, conversation_id: ConversationId) -> list[DraftId]: ...
    async def open_ids(self) -> list[tuple[DraftId, int]]: ...
    async def seconds(self, draft_id: DraftId) -> float: ...
    async def set_epoch(self, draft_id: DraftId, epoch: int) -> None: ...


class Executions(Protocol):
    """Executions, their steps, tool calls, decisions and log lines."""

    async def create(self, version: PlanVersion, now: datetime) -> Execution:
        """Insert, or return the one that there is: unique by (plan, version)."""
        ...

    async def get(self, execution_id: ExecutionId) -> Execution: ...
    async def lock_of(self, plan_id: PlanId, version: int) -> Execution: ...
    async def of_version(self, plan_id: PlanId, version: int) -> Execution | None: ...
    async def find(self, reference: str) -> ExecutionId: ...
    async def lock(self, execution_id: ExecutionId) -> Execution: ...
    async def save(self, execution: Execution) -> None: ...
    async def save_step(self, execution_id: ExecutionId, step: StepRecord) -> None: ...
    async def note_start(self, execution: Execution) -> None:
        """Record for good that this version was started; once for each version."""
        ...

    async def start_of(self, plan_id: PlanId, version: int) -> Start | None: ...
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

    async def undecided(self, execution_id: ExecutionId) -> Decision | None:
        """The oldest decision not yet acted on."""
        ...

    async def overrides(self, execution_id: ExecutionId) -> list[str]:
        """What the gate signed of choices that override what was approved, as JSON."""
        ...

    async def running(self, takes: Takes, now: datetime) -> dict[str, int]:
        """How many calls of this tool, environment and target run; others count after us."""
        ...

    async def held_back(self, execution_id: ExecutionId) -> bool:
        """Whether somebody has paused or cancelled it, and that was not acted on yet."""
        ...

    async def stop(self, execution_id: ExecutionId) -> tuple[str, datetime | None]:
        """Who wants its running step stopped, and when it is stopped in any case."""
        ...

    async def add_lines(self, lines: Sequence[LogLine]) -> None: ...
    async def lines(
        self, execution_id: ExecutionId, *, after: int = 0, limit: int = 1000
    ) -> list[LogLine]: ...
    async def last_lines(self, execution_id: ExecutionId, limit: int) -> list[LogLine]: ...
    async def count_lines(self, execution_id: ExecutionId) -> int: ...
    async def take_locks(
        self, execution_id: ExecutionId, keys: Sequence[str]
    ) -> ExecutionId | None:
        """Take all of them until the execution ends, or none; who holds the first that is taken."""
        ...

    async def in_state(self, *states: ExecutionState) -> list[Execution]: ...


class Conversations(Protocol):
    """Threads and what was said in them."""

    async def at(self, place: Place) -> Conversation | None: ...
    async def get(self, conversation_id: ConversationId) -> Conversation: ...
    async def lock(self, conversation_id: ConversationId) -> Conversation:
        """The same, locked until the transaction ends."""
        ...

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
    async def ask(self, turn: Turn, draft: Draft, *, seen_at: Place | None = None) -> bool:
        """A sentence that is a request; False when this very message is already there.

        With `seen_at` the message there gets the emoji that says that we have it.
        """
        ...

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


class Inbox(Protocol):
    """What arrived from outside counts once, by its key."""

    async def once(self, source: str, key: str) -> bool:
        """Whether this is the first time; committed with the rest of the transaction."""
        ...

    async def first(self, source: str, key: str, body: bytes) -> bytes:
        """What came with this key the first time: this, unless something did before."""
        ...


class AuditLog(Protocol):
    """Append-only."""

    async def record(self, event: AuditEvent) -> None: ...
    async def of(self, subject: str, limit: int = 100) -> list[AuditEvent]: ...
    async def nonces(self, plan_id: PlanId, version: int) -> set[str]:
        """Of the decisions on this version that the audit tells of."""
        ...

    async def outputs(self, execution_id: ExecutionId) -> dict[int, set[str]]:
        """By step: digests of the results that its last attempt is told to have left."""
        ...


class Jobs(Protocol):
    """Work to be done after this transaction commits, at least once."""

    async def add(self, kind: str, payload: dict[str, Json], *, key: str | None = None) -> None: ...


class Tokens(Protocol):
    """Scoped service tokens, stored hashed."""

    async def add(self, name: str, digest: str, scopes: Sequence[str]) -> None: ...
    async def scopes(self, digest: str) -> tuple[str, tuple[str, ...]] | None:
        """(name, scopes) of a live token."""
        ...

    async def live(self) -> list[tuple[str, tuple[str, ...]]]:
        """(name, scopes) of all live tokens."""
        ...

    async def revoke(self, name: str, now: datetime) -> int:
        """End every live token of this name; how many there were."""
        ...


class Definitions(Protocol):
    """Tool definitions by digest, kept for as long as a plan may need them."""

    async def keep(self, digest: str, body: str) -> None: ...
    async def body(self, digest: str) -> str | None: ...


class Ratings(Protocol):
    """What people think of answers and plans."""

    async def give(self, rating: Rating) -> None:
        """Insert, or replace what this person thought of it before."""
        ...

    async def of(self, subject: str, person: PersonId) -> Rating | None: ...
    async def listed(
        self, verdict: Thumb | None = None, *, since: datetime | None = None, limit: int = 1000
    ) -> list[Rating]:
        """Newest first."""
        ...


class Presence(Protocol):
    """When a bot was last connected."""

    async def beat(self, now: datetime) -> datetime | None:
        """Record the moment; return the one before, with the row locked."""
        ...

    async def away(self, absence: Absence) -> None: ...
    async def absence_at(self, moment: datetime) -> Absence | None: ...
    async def pressable(self, limit: int) -> list[Place]:
        """Threads that show buttons which somebody may have pressed, newest first."""
        ...


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
    @property
    def ratings(self) -> Ratings: ...
    @property
    def presence(self) -> Presence: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def memory(self) -> Memory: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def templates(self) -> Templates: ...
    @property
    def identities(self) -> Identities: ...
    @property
    def freezes(self) -> Freezes: ...
    @property
    def break_glass(self) -> BreakGlass: ...
    @property
    def runners(self) -> Runners: ...
    @property
    def artifacts(self) -> Artifacts: ...
    @property
    def issues(self) -> Issues: ...
    @property
    def pages(self) -> Pages: ...
    @property
    def reminders(self) -> Reminders: ...


class Store(Protocol):
    """The truth."""

    def begin(self) -> AbstractAsyncContextManager[Unit]:
        """Open a transaction. Raises `Unavailable` when the database does not answer."""
        ...


class Arrivals(Protocol):
    """Payloads as they come from outside."""

    async def receive(self, *, source: str, key: str, thread: str, body: bytes) -> bool:
        """Durable on return, and carried out soon after it; False when this key is known.

        What comes in one `thread` is carried out in order. Raises `Unavailable`.
        """
        ...
