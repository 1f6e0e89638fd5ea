"""Break-glass: what people sign who approve a change of high risk, and what is told of it later."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from engine.domain.ids import PlanId
from engine.domain.model import Model
from engine.errors import Invalid

SHORTEST, LONGEST, LONGEST_TICKET = 20, 500, 64
WORDS = 3
TOO_SHORT = f"Say in a sentence why this can't be done otherwise ({SHORTEST} characters or more)."
NO_TICKET = "This is no ticket; it looks like {}."

BreakGlassReason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=SHORTEST, max_length=LONGEST)
]


class Glass(Model):
    """Why the glass is broken, and the ticket that tells more."""

    reason: str = ""
    ticket: str = ""


class Use(Model):
    """A version that was approved by break-glass, as the digest tells it."""

    plan_id: PlanId
    version: int
    reference: str
    title: str
    place: str
    asked_by: str
    approved_by: tuple[str, ...]
    reason: str
    ticket: str
    at: datetime


def wrong(glass: Glass, pattern: str) -> dict[str, str]:
    """What is wrong with which field; empty when it is enough."""
    found = {}
    if len(glass.reason) < SHORTEST or len(glass.reason.split()) < WORDS:
        found["reason"] = TOO_SHORT
    if len(glass.ticket) > LONGEST_TICKET or not re.fullmatch(pattern, glass.ticket):
        found["ticket"] = NO_TICKET.format(pattern)
    return found


def checked(glass: Glass, pattern: str) -> Glass:
    """The same, trimmed. Raises `Invalid` with an entry per field."""
    tidy = Glass(reason=" ".join(glass.reason.split())[:LONGEST], ticket=glass.ticket.strip())
    if fields := wrong(tidy, pattern):
        raise Invalid(f"Break-glass needs more. {' '.join(fields.values())}", fields)
    return tidy
