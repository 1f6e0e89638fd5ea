"""A plan as an issue of an issue tracker: what it shows, what was said there, who moved it."""

from datetime import datetime
from enum import StrEnum

from engine.domain.ids import PlanId
from engine.domain.model import Model


class Standing(StrEnum):
    """What a workflow state of the tracker means to us."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


class NoteKind(StrEnum):
    """One thing to do in an issue: open it, show another version, say something, move it."""

    OPEN = "open"
    REWRITE = "rewrite"
    COMMENT = "comment"
    MOVE = "move"


class Filing(Model):
    """A version as its issue shows it; it stands where a decision is waited for."""

    version: int
    title: str
    description: str
    labels: tuple[str, ...] = ()


class Note(Model):
    """What a row asks for: the part that its kind needs."""

    kind: NoteKind
    filing: Filing | None = None
    text: str = ""
    standing: Standing | None = None


class NoteRow(Model):
    """A note with its place in the order; `remote_id` is what the tracker is to call it."""

    id: int
    plan_id: PlanId
    issue_id: str
    remote_id: str
    attempts: int
    note: Note


class Told(Model):
    """What was noted for an issue so far. `votes` are the nonces of signed statements."""

    version: int = 0
    state: str = ""
    execution: str = ""
    votes: tuple[str, ...] = ()


class Issue(Model):
    """A plan's issue. `shown` says since when it shows a version, by the tracker's clock."""

    plan_id: PlanId
    issue_id: str
    identifier: str = ""
    told: Told = Told()
    shown: dict[int, datetime] = {}
    closed: bool = False

    def shown_at(self, moment: datetime) -> int:
        """The version that could be read there at that moment; 0 for none."""
        return max((number for number, at in self.shown.items() if at <= moment), default=0)


class Shown(Model):
    """What the tracker answers to a change: the issue's name for people, and when it was."""

    identifier: str
    at: datetime


class IssueMove(Model):
    """Somebody moved an issue. `actor` is their account there; empty for programs."""

    id: str
    at: datetime
    to: Standing | None
    state: str
    actor: str = ""
    name: str = ""
