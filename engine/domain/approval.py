"""Decisions on a plan version: what is signed, and when it is enough."""

from datetime import datetime
from enum import StrEnum

from engine.domain.actor import Surface
from engine.domain.ids import PersonId, PlanId, Tenant
from engine.domain.model import Model


class Verdict(StrEnum):
    """What somebody says to a version. A withdrawn vote is a new row."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


class Statement(Model):
    """What is signed when somebody decides (Ed25519 over its canonical JSON).

    An approval by break-glass names its reason and its ticket.
    """

    tenant: Tenant
    plan_id: PlanId
    version: int
    digest: str
    verdict: Verdict
    person: PersonId
    person_name: str
    groups: tuple[str, ...] = ()
    surface: Surface
    step_up: bool = False
    policy_decision: str = ""
    reason: str = ""
    ticket: str = ""
    at: datetime
    nonce: str
    key_id: str


class Proof(Model):
    """What a token of the identity provider showed beyond who it is.

    `step_up`: the person signed in again for this very decision. `groups` are directory groups
    that the provider vouches for.
    """

    step_up: bool = False
    groups: tuple[str, ...] = ()


UNPROVEN = Proof()


class Signed(Model):
    """A statement with its signature, base64 without padding."""

    statement: Statement
    signature: str


class Decided(Model):
    """What the gate answers to whoever decided."""

    text: str
    complete: bool = False
    have: int = 0
    need: int = 0
    missing: tuple[str, ...] = ()
