"""What a card shows, put together from rows; rendering needs nothing else."""

from engine.domain.approval import Signed
from engine.domain.conversation import Place
from engine.domain.draft import Draft, Evidence, Outcome
from engine.domain.execution import Execution, LogLine
from engine.domain.freeze import Hold
from engine.domain.model import Model
from engine.domain.plan import PlanVersion, VersionState
from engine.domain.problem import Problem
from engine.domain.reminding import Nudge


class Again(Model):
    """Who asked for a plan that is over to run again, and the plan that this became, if any."""

    by: str
    reference: str = ""


class PlanView(Model):
    """A plan's current version with everything that its card tells.

    `approvers` are mentions of who may still approve, `groups` mentions of the groups asked for;
    `effects` are sentences about what changed ("Error rate 37 % -> 0.4 %"), filled at the end.
    `holds` are the freezes and windows that keep it from starting now; `stage` is what changes in
    this place may do at most; `nudges` are the reminders and escalations of it so far, `called`
    mentions of whom the last escalation called; `session` is the one it belongs to, and whose.
    """

    version: PlanVersion
    state: VersionState
    reason: str = ""
    approvals: tuple[Signed, ...] = ()
    have: int = 0
    need: int = 0
    missing: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    execution: Execution | None = None
    evidence: tuple[Evidence, ...] = ()
    effects: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    stage: str = ""
    again: Again | None = None
    nudges: tuple[Nudge, ...] = ()
    called: tuple[str, ...] = ()
    session: str = ""


class LogView(Model):
    """The end of an execution's log; `total` counts all of its lines.

    `waiting` complete outputs are on their worker still, since the artifact store is away.
    """

    execution: Execution
    lines: tuple[LogLine, ...] = ()
    total: int = 0
    waiting: int = 0


class FindingsView(Model):
    """What was looked at for a request, and what came of it. `done` is False while looking.

    `missing` tells what nobody could look at, with the reason: no such tool is connected.
    """

    draft: Draft
    evidence: tuple[Evidence, ...] = ()
    outcome: Outcome | None = None
    missing: tuple[str, ...] = ()
    done: bool = False
    seconds: float = 0.0


class ProblemView(Model):
    """A problem with its thread, and the plan that was drafted for it, if any."""

    problem: Problem
    place: Place | None = None
    plan_reference: str = ""
    plan_state: VersionState | None = None
