"""Who somebody is at an identity provider, as protocols."""

from datetime import datetime
from typing import Protocol

from engine.domain.identity import Claims, Link, Revocation, SignIn
from engine.domain.ids import PersonId


class IdentityProvider(Protocol):
    """Verifies tokens, and lets people sign in anew."""

    @property
    def issuer(self) -> str: ...
    async def bearer(self, token: str) -> Claims:
        """Raises `Unidentified`."""
        ...

    async def logout(self, token: str) -> Claims:
        """Who has signed out. Raises `Unidentified`."""
        ...

    async def authorise_url(self, state: str, nonce: str, verifier: str) -> str:
        """Raises `Unavailable`."""
        ...

    async def redeem(self, code: str, *, nonce: str, verifier: str) -> Claims:
        """Raises `Unidentified`, `Unavailable`."""
        ...


class Links(Protocol):
    """What the directory's file says of accounts at the identity provider."""

    def linked(self, issuer: str, subject: str) -> PersonId | None: ...
    def email(self, person_id: PersonId) -> str: ...


class Identities(Protocol):
    """Links, revoked tokens and one-time sign-ins, in one transaction with the rest."""

    async def link(self, link: Link) -> bool:
        """Insert; False when the subject or the person has a link with this issuer."""
        ...

    async def linked(self, issuer: str, subject: str) -> Link | None: ...
    async def unlink(self, issuer: str, person: PersonId) -> bool: ...
    async def revoke(self, revocation: Revocation) -> None: ...
    async def revoked(self, claims: Claims) -> bool: ...
    async def revocations(self, limit: int) -> list[Revocation]:
        """Newest first."""
        ...

    async def invite(self, sign_in: SignIn) -> None: ...
    async def by_ticket(self, ticket: str) -> SignIn | None: ...
    async def begin(self, ticket: str, state: str, now: datetime) -> bool:
        """Bind a sign-in to a browser; False when it has expired or was used."""
        ...

    async def by_state(self, state: str) -> SignIn | None: ...
    async def end(self, ticket: str, now: datetime) -> bool:
        """Use it up; False when somebody already has, or it has expired."""
        ...

    async def tidy(self, before: datetime) -> None:
        """Forget sign-ins that expired earlier than that."""
        ...
