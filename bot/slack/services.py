"""What the listeners ask of the engine, one field per noun; `engine.services` fills it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.slack.rights import Access
from engine.domain.actor import Actor, Surface
from engine.domain.approval import Decided, Verdict
from engine.domain.conversation import Place
from engine.domain.draft import Evidence
from engine.domain.execution import Choice
from engine.domain.feedback import Rating, Thumb
from engine.domain.form import PlanForm
from engine.domain.glass import Tickets
from engine.domain.ids import DraftId, EvidenceId, ExecutionId, PlanId, ProblemId
from engine.domain.model import Json
from engine.domain.template import TemplateRecord
from engine.domain.views import PlanView
from engine.services.freezes import Freezes
from engine.services.knowledge import Knowledge
from engine.services.memory import Memory
from engine.services.runbook_steps import RunbookSteps
from engine.services.sessions import Sessions
from engine.services.templates import Start

# Shows a reaction (channel, ts, name) before the row that asks for it is there.
Glance = Callable[[str, str, str], None]


class Conversations(Protocol):
    """Threads that people write in."""

    async def hear(
        self, place: Place, *, actor: Actor, text: str, ts: str, addressed: bool
    ) -> bool: ...
    async def begin(self, channel: str, *, actor: Actor, text: str, ts: str) -> bool: ...
    async def choose(self, actor: Actor, draft_id: DraftId, number: int, *, ts: str) -> None: ...
    async def stop(self, place: Place, actor: Actor) -> bool: ...


class Answers(Protocol):
    """What stands behind an answer, and what can be asked here."""

    async def result(self, evidence_id: EvidenceId, place: Place) -> Evidence: ...
    def examples(self) -> list[str]: ...


class Feedback(Protocol):
    """What people think of answers and plans."""

    async def rate(self, actor: Actor, subject: str, verdict: Thumb, words: str = "") -> Rating: ...


class Presence(Protocol):
    """What people are told who spoke while nobody was there."""

    async def late(self, place: Place, said_at: str) -> None: ...


class Approvals(Protocol):
    """The one gate."""

    async def decide(
        self,
        actor: Actor,
        plan_id: PlanId,
        version: int,
        verdict: Verdict,
        *,
        surface: Surface,
        reason: str = "",
        ticket: str = "",
        acted_at: str = "",
    ) -> Decided: ...
    async def may(self, actor: Actor, plan_id: PlanId, number: int) -> str: ...
    @property
    def tickets(self) -> Tickets: ...


class Accounts(Protocol):
    """Accounts at the identity provider."""

    async def link(self, actor: Actor) -> None: ...


class Executions(Protocol):
    """What an operator can do while something runs."""

    async def choose(
        self, actor: Actor, execution_id: ExecutionId, choice: Choice, *, step: int | None
    ) -> str: ...


class Drafts(Protocol):
    """The private question before a correction costs something."""

    async def confirm(self, actor: Actor, draft_id: DraftId) -> None: ...
    async def drop(self, actor: Actor, draft_id: DraftId) -> None: ...


class Revisions(Protocol):
    """The next version by hand, or the same steps once more."""

    async def form(self, plan_id: PlanId, number: int) -> PlanForm: ...
    async def problems(
        self, plan_id: PlanId, number: int, given: Mapping[int, Mapping[str, Json]]
    ) -> dict[str, str]: ...
    async def edit(
        self, actor: Actor, plan_id: PlanId, number: int, given: Mapping[int, Mapping[str, Json]]
    ) -> DraftId: ...
    async def again(self, actor: Actor, plan_id: PlanId, number: int) -> DraftId: ...


class Previews(Protocol):
    """What a plan would change."""

    async def ask(self, actor: Actor, plan_id: PlanId, number: int) -> None: ...


class Alerts(Protocol):
    """Problems that alerts made."""

    async def acknowledge(self, actor: Actor, problem_id: ProblemId) -> str: ...
    async def draft(self, actor: Actor, problem_id: ProblemId) -> None: ...


class Plans(Protocol):
    """Plans as their cards show them."""

    async def plan(self, plan_id: PlanId) -> PlanView: ...


class Templates(Protocol):
    """Workflows of the catalog."""

    def known_services(self) -> list[str]: ...
    def known_places(self) -> list[str]: ...
    async def listed(self) -> list[TemplateRecord]: ...
    async def get(self, name: str) -> TemplateRecord: ...
    async def switch(self, actor: Actor, name: str, *, enabled: bool) -> TemplateRecord: ...
    async def start(
        self, actor: Actor, name: str, start: Start, *, channel: str = "", key: str = ""
    ) -> DraftId: ...


@dataclass(frozen=True, slots=True)
class Library:
    """What a team writes down."""

    knowledge: Knowledge
    memory: Memory
    sessions: Sessions
    steps: RunbookSteps


@dataclass(frozen=True, slots=True)
class Services:
    """All of them, and the relay's quick way to an emoji."""

    access: Access
    conversations: Conversations
    approvals: Approvals
    accounts: Accounts
    executions: Executions
    drafts: Drafts
    revisions: Revisions
    previews: Previews
    answers: Answers
    feedback: Feedback
    presence: Presence
    alerts: Alerts
    views: Plans
    library: Library
    glance: Glance
    freezes: Freezes
    templates: Templates
