"""A request on its way to a plan, and what the planner made of it."""

from datetime import datetime
from enum import StrEnum

from engine.domain.context import ContextRef
from engine.domain.ids import (
    ConversationId,
    DraftId,
    EvidenceId,
    PersonId,
    PlanId,
    SessionId,
    Tenant,
)
from engine.domain.model import Json, Model
from engine.domain.passage import Passage
from engine.domain.plan import (
    Constraints,
    DraftStep,
    Origin,
    PlanVersion,
    Proposal,
    VersionRef,
    VersionState,
)
from engine.domain.template import Picked


class DraftState(StrEnum):
    """Where a request stands. Asking: the speaker must confirm what the change costs.

    Answered: it became a question, and a button of that question was pressed.
    """

    OPEN = "open"
    ASKING = "asking"
    DONE = "done"
    ANSWERED = "answered"
    FAILED = "failed"
    DROPPED = "dropped"


class How(StrEnum):
    """How a request was made: in words, or by a button that stands for words.

    Given: its steps are known and no planner is asked. Again: they are those of an earlier
    version, and what they were pinned to is read anew. Picked: a workflow of the catalog finds
    them.
    """

    SAID = "said"
    PRESSED = "pressed"
    GIVEN = "given"
    AGAIN = "again"
    PICKED = "picked"

    @property
    def planned(self) -> bool:
        """Whether a planner has to find the steps."""
        return self in (How.SAID, How.PRESSED, How.PICKED)


class Draft(Model):
    """One request in words. `based_on` names the version that the speaker wants changed.

    `beside` are those whose open question these words answer: they have asked for it as well.
    `constraints` are the asker's own; the plan is held to them beside those of the policy.
    `break_glass` is why a program asks for break-glass.
    `repeats` is the plan that is over and whose steps are to run again.
    """

    id: DraftId
    tenant: Tenant
    conversation_id: ConversationId
    requester: PersonId
    requester_name: str
    origin: Origin = Origin.PERSON
    text: str
    context: ContextRef = ContextRef()
    constraints: Constraints = Constraints()
    labels: dict[str, str] = {}
    plan_id: PlanId | None = None
    based_on: int | None = None
    beside: tuple[PersonId, ...] = ()
    how: How = How.SAID
    picked: Picked | None = None
    repeats: PlanId | None = None
    state: DraftState = DraftState.OPEN
    epoch: int = 0
    session: SessionId | None = None
    break_glass: str = ""
    created_at: datetime


class Order(Model):
    """What is said beside the words. With `steps` no planner is asked, `picked` finds them."""

    draft_id: DraftId
    context: ContextRef
    constraints: Constraints = Constraints()
    session: SessionId | None = None
    steps: tuple[DraftStep, ...] = ()
    picked: Picked | None = None
    break_glass: str = ""


class Evidence(Model):
    """A stored result that a claim points to. `facts` are what code extracted from it."""

    id: EvidenceId
    draft_id: DraftId
    number: int
    name: str = ""
    input: dict[str, Json] = {}
    tool: str
    action: str
    title: str
    summary: str
    facts: dict[str, str] = {}
    body: str = ""
    unit: str = ""
    ok: bool = True
    at: datetime


class Reading(Model):
    """A read that somebody (a playbook, a model) wants to be made. `name` is its key.

    `refused` says why it is not made; it is told with what could not be looked at. `context` is
    where to look when that is another place than the request's.
    """

    name: str = ""
    tool: str
    action: str
    input: dict[str, Json] = {}
    title: str = ""
    unit: str = ""
    refused: str = ""
    context: ContextRef | None = None


class OutcomeKind(StrEnum):
    """What a request can become."""

    PLAN = "plan"
    ANSWER = "answer"
    QUESTION = "question"
    REFUSE = "refuse"
    REMARK = "remark"


class Offer(Model):
    """A button below an answer: what pressing it does, with its value."""

    text: str
    action: str
    value: str


class Outcome(Model):
    """What the planner answers. A remark asks for nothing and changes nothing.

    `graph` names the service whose dependencies are drawn beside the answer. `chosen` is the one of
    the `choices` that somebody pressed. With `dry_run` the answer is what the current version would
    change. `cost` is what the speaker was asked before a change, `made` the version it became.
    """

    kind: OutcomeKind
    proposal: Proposal | None = None
    text: str = ""
    choices: tuple[str, ...] = ()
    note: str = ""
    dry_run: bool = False
    graph: str = ""
    chosen: str = ""
    chosen_by: str = ""
    offers: tuple[Offer, ...] = ()
    cost: str = ""
    made: VersionRef | None = None


class Briefing(Model):
    """All that a planner may know: the words, the facts, and the version to be changed.

    `state` is where that version stands.
    """

    draft: Draft
    evidence: tuple[Evidence, ...] = ()
    current: PlanVersion | None = None
    state: VersionState | None = None
    history: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    knowledge: tuple[Passage, ...] = ()
