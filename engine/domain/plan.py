"""What Carapulse proposes to do; each version of it is immutable."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from engine.domain.actor import Actor, ActorKind
from engine.domain.call import Call, Effect, Expectation, Probe, Risk
from engine.domain.context import ContextRef
from engine.domain.ids import ConversationId, EvidenceId, PersonId, PlanId, SessionId, Tenant
from engine.domain.knowledge import Used
from engine.domain.model import Json, Model, Sentence


class VersionState(StrEnum):
    """Where a plan version stands."""

    DRAFTING = "drafting"
    WAITING = "waiting"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    EXPIRED = "expired"
    EXECUTING = "executing"
    EXECUTED = "executed"
    WITHDRAWN = "withdrawn"

    @property
    def ended(self) -> bool:
        """No further state follows."""
        return self in ENDED

    @property
    def open(self) -> bool:
        """It can still be decided or started."""
        return self in (VersionState.WAITING, VersionState.APPROVED)


ENDED = frozenset(
    {
        VersionState.SUPERSEDED,
        VersionState.REJECTED,
        VersionState.EXPIRED,
        VersionState.EXECUTED,
        VersionState.WITHDRAWN,
    }
)


class StepKind(StrEnum):
    """An act changes or reads something; a verify step must see its expectation come true."""

    ACT = "act"
    VERIFY = "verify"


class Relied(Model):
    """Facts that a write was drafted from, and the read that tells what they are now.

    They are what people or other programs change (a generation, an image), not what changes by
    itself. The write is refused when one of them differs or can't be read.
    """

    call: Call
    values: dict[str, str]


class Step(Model):
    """One step, frozen: rendered in full, with its check and its way back.

    `context` is where it acts when that is another cluster or service than the plan's; `reaches`
    are the places that what it writes to belongs to besides, as the service graph tells.
    Reads next to each other with the same `group` run side by side.
    """

    number: Annotated[int, Field(ge=1)]
    kind: StepKind
    title: str
    why: str = ""
    group: str = ""
    call: Call
    context: ContextRef | None = None
    reaches: tuple[ContextRef, ...] = ()
    expect: Expectation | None = None
    relies: Relied | None = None
    probe: Probe | None = None
    rollback: Call | None = None
    rollback_probe: Probe | None = None

    @property
    def effect(self) -> Effect:
        return self.call.effect


class Requirements(Model):
    """What the policy asks for before a version may run; frozen into the version.

    `people` distinct approvers; `groups` lists sets of groups, and from each set somebody must
    be among the approvers; `within_seconds` is how long a decision may take.
    """

    people: Annotated[int, Field(ge=0, le=20)] = 1
    groups: tuple[tuple[str, ...], ...] = ()
    emoji: bool = False
    step_up: bool = False
    break_glass: bool = False
    within_seconds: Annotated[int, Field(ge=1)] = 4 * 3600


class Constraints(Model):
    """Limits of the policy merged with those of the request; the narrower wins.

    `hold` is for what is about to start: sentences that say what it has to wait for.
    """

    max_targets: int | None = None
    windows: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()


class Origin(StrEnum):
    """What made somebody, or something, ask for a plan."""

    PERSON = "person"
    ALERT = "alert"
    API = "api"

    @classmethod
    def of(cls, actor: Actor) -> "Origin":
        """A person, or a program that holds a token."""
        return cls.PERSON if actor.kind is ActorKind.PERSON else cls.API


class PlanVersion(Model):
    """A numbered, immutable form of a plan. `digest` binds approvals to it (engine.domain.digest).

    `editors` are all who shaped this or an earlier version; with the requester they never
    approve a write. `changed_by` made this version out of the one before; `warnings` are what a
    step takes along beside what was asked for; `wanted` is the asker's part of the `constraints`,
    which later versions keep; `break_glass` is why a program asks for break-glass. Times are UTC.
    """

    schema_version: int = 1
    tenant: Tenant
    plan_id: PlanId
    reference: str
    version: Annotated[int, Field(ge=1)]
    conversation_id: ConversationId
    requester: PersonId
    requester_name: str
    editors: tuple[PersonId, ...] = ()
    origin: Origin = Origin.PERSON
    intent: Sentence
    title: str
    why: Sentence = ""
    context: ContextRef
    constraints: Constraints = Constraints()
    wanted: Constraints = Constraints()
    requirements: Requirements
    decide_before: datetime
    start_before: datetime
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    risk: Risk
    risk_reasons: tuple[str, ...] = ()
    dependants: int = 0
    planner: str = ""
    used: tuple[str, ...] = ()
    knowledge: tuple[Used, ...] = ()
    session: SessionId | None = None
    evidence: tuple[EvidenceId, ...] = ()
    changes: tuple[str, ...] = ()
    changed_by: str = ""
    warnings: tuple[str, ...] = ()
    label: str = ""
    break_glass: str = ""
    digest: str = ""
    created_at: datetime

    @property
    def writes(self) -> bool:
        """Whether any step changes something."""
        return any(step.effect is not Effect.READ for step in self.steps)


class VersionRef(Model):
    """Names one version of one plan; also the argument of its workflow."""

    plan_id: PlanId
    version: int
    epoch: int = 0

    def __str__(self) -> str:
        return f"{self.plan_id}/{self.version}"


class DraftStep(Model):
    """A step as a planner says it: data, not yet checked against anything.

    `context` is where it acts when that is another cluster or service than the plan's; the
    environment is always the plan's. Reads next to each other with the same `group` run side by
    side. `relied` are the facts of now that a write relies on; we read them, no planner says them.
    """

    tool: str
    action: str
    input: dict[str, Json] = {}
    title: str = ""
    why: str = ""
    expect: Expectation | None = None
    context: ContextRef | None = None
    group: str = ""
    relied: dict[str, str] = {}


class Proposal(Model):
    """What a planner proposes for an intent. A `label` is shown on the card; it needs a person.

    `evidence` is what an earlier version was drafted from, where nothing is looked at anew.
    """

    title: str
    why: str = ""
    context: ContextRef
    steps: Annotated[tuple[DraftStep, ...], Field(min_length=1, max_length=50)]
    planner: str
    used: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    knowledge: tuple[Used, ...] = ()
    understood: str = ""
    label: str = ""
    evidence: tuple[EvidenceId, ...] = ()
