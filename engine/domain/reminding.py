"""When people are reminded of a version that waits for them, and to whom it goes on after that."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field, field_validator

from engine.domain.call import Risk
from engine.domain.model import Model
from engine.domain.plan import PlanVersion


class NudgeKind(StrEnum):
    """Those who may decide are asked again; or others are told too."""

    REMINDED = "reminded"
    ESCALATED = "escalated"


class Nudge(Model):
    """It happened. `told` are the groups that were called, of an escalation."""

    kind: NudgeKind
    number: int
    told: tuple[str, ...] = ()
    at: datetime


class Escalation(Model):
    """Whom to call once `after`, a fraction of the time to decide, is over.

    It is for versions that ask for one of `groups` and have one of these `risks`; empty is any.
    `channel` hears it too, beside the thread.
    """

    to: tuple[str, ...] = Field(min_length=1, max_length=5)
    after: float = Field(default=0.75, gt=0, lt=1)
    groups: tuple[str, ...] = ()
    risks: tuple[Risk, ...] = ()
    channel: str = ""

    @field_validator("risks", mode="before")
    @classmethod
    def _by_word(cls, given: object) -> object:
        """Settings say `high`."""
        if not isinstance(given, list | tuple):
            return given
        words = {risk.word: risk for risk in Risk}
        if unknown := [one for one in given if isinstance(one, str) and one not in words]:
            raise ValueError(f"{unknown[0]} is none of {', '.join(words)}")
        return tuple(words[one] if isinstance(one, str) else one for one in given)

    def fits(self, version: PlanVersion) -> bool:
        """Whether it is for this version."""
        asked = {name for names in version.requirements.groups for name in names}
        right_groups = not self.groups or bool(asked & set(self.groups))
        return right_groups and (not self.risks or version.risk in self.risks)


class Nagging(Model):
    """`remind_after` are fractions of the time to decide; the first escalation that fits counts."""

    remind_after: tuple[float, ...] = ()
    escalations: tuple[Escalation, ...] = ()

    def due(self, version: PlanVersion) -> list[tuple[datetime, NudgeKind, int]]:
        """Every moment at which something is told, in order."""
        if not version.requirements.people:
            return []
        marks = [
            (at(version, fraction), NudgeKind.REMINDED, number)
            for number, fraction in enumerate(sorted(self.remind_after), 1)
        ]
        if found := self.escalation(version):
            marks.append((at(version, found.after), NudgeKind.ESCALATED, 1))
        return sorted(marks)

    def escalation(self, version: PlanVersion) -> Escalation | None:
        """The one for this version."""
        return next((one for one in self.escalations if one.fits(version)), None)


def at(version: PlanVersion, fraction: float) -> datetime:
    """The moment at which this fraction of the time to decide is over."""
    whole: timedelta = version.decide_before - version.created_at
    return version.created_at + whole * fraction
