"""What an identity provider says about somebody, and what we keep of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from engine.domain.actor import Actor
from engine.domain.approval import UNPROVEN, Proof
from engine.domain.ids import PersonId, PlanId, Tenant
from engine.domain.model import Json, Model


class Claims(Model):
    """A verified token. `subject` counts within its issuer only; an e-mail is no identity."""

    issuer: str
    subject: str
    token_id: str = ""
    issued_at: datetime
    expires_at: datetime
    email: str = ""
    groups: tuple[str, ...] = ()
    nonce: str = ""
    signed_in_at: datetime | None = None
    acr: str = ""


class Caller(Model):
    """A person who showed a token: who it is, what the token lets them ask, what it proves."""

    actor: Actor
    scopes: frozenset[str] = frozenset()
    proof: Proof = UNPROVEN


class Link(Model):
    """A subject of an issuer is this person; made once, by the person."""

    issuer: str
    subject: str
    person: PersonId
    email: str = ""
    at: datetime


class RevocationKind(StrEnum):
    """One token by its `jti`, or all tokens of a subject."""

    TOKEN = "token"  # noqa: S105 - a word
    SUBJECT = "subject"


class Revocation(Model):
    """Tokens that count no more: those of `value` that were issued before a moment."""

    id: str
    issuer: str
    kind: RevocationKind
    value: str
    issued_before: datetime
    reason: str = ""
    by_name: str
    at: datetime


class Purpose(StrEnum):
    """What somebody signs in for."""

    APPROVE = "approve"
    LINK = "link"


class SignIn(Model):
    """One sign-in that a person was asked for; `ticket` is the hash of what the link holds."""

    ticket: str
    tenant: Tenant
    person: PersonId
    purpose: Purpose
    plan_id: PlanId | None = None
    version: int = 0
    digest: str = ""
    asked: dict[str, Json] = {}
    made_at: datetime
    expires_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


def mapped(groups: tuple[str, ...], to: Mapping[str, str]) -> tuple[str, ...]:
    """Directory groups that groups of a token stand for; the others mean nothing here."""
    return tuple(dict.fromkeys(to[group] for group in groups if group in to))
