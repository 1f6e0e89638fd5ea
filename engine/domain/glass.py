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
NO_TICKET = "This is no ticket{}."

BreakGlassReason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=SHORTEST, max_length=LONGEST)
]


class Glass(Model):
    """Why the glass is broken, and the ticket that tells more."""

    reason: str = ""
    ticket: str = ""


class Tickets(Model):
    """What tickets look like: a regular expression, and one of them for people."""

    pattern: str = ".+"
    example: str = ""

    def fits(self, ticket: str) -> bool:
        """Whether it looks like one."""
        return len(ticket) <= LONGEST_TICKET and bool(re.fullmatch(self.pattern, ticket))

    @property
    def refusal(self) -> str:
        """What is said of something else."""
        return NO_TICKET.format(f"; one looks like {self.example}" if self.example else "")


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


def wrong(glass: Glass, tickets: Tickets) -> dict[str, str]:
    """What is wrong with which field; empty when it is enough."""
    found = {}
    if len(glass.reason) < SHORTEST or len(glass.reason.split()) < WORDS:
        found["reason"] = TOO_SHORT
    if not tickets.fits(glass.ticket):
        found["ticket"] = tickets.refusal
    return found


def checked(glass: Glass, tickets: Tickets) -> Glass:
    """The same, trimmed. Raises `Invalid` with an entry per field."""
    tidy = Glass(reason=" ".join(glass.reason.split())[:LONGEST], ticket=glass.ticket.strip())
    if fields := wrong(tidy, tickets):
        raise Invalid(f"Break-glass needs more. {' '.join(fields.values())}", fields)
    return tidy
