"""What people think of an answer or a plan, and when nobody could be heard."""

from datetime import datetime
from enum import StrEnum

from engine.domain.ids import PersonId, Tenant
from engine.domain.model import Model


class Thumb(StrEnum):
    """The two verdicts."""

    UP = "up"
    DOWN = "down"


class Rating(Model):
    """One person's verdict on one thing; the last one counts.

    `subject` is `answer:DRAFT` or `plan:PLAN:VERSION`.
    """

    id: str
    tenant: Tenant
    subject: str
    person: PersonId
    person_name: str
    verdict: Thumb
    words: str = ""
    at: datetime


class Absence(Model):
    """A time in which no bot was connected: presses were lost, everything else came later."""

    since: datetime
    until: datetime
