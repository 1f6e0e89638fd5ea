"""From a token of the identity provider to a person of the directory, and which tokens are over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.domain.actor import Actor, ActorKind
from engine.domain.approval import Proof
from engine.domain.audit import AuditEvent
from engine.domain.identity import Caller, Claims, Link, Revocation, RevocationKind, mapped
from engine.domain.ids import PersonId, Tenant, new_id
from engine.errors import Conflict, NotAllowed, Unidentified
from engine.ports import Clock, Directory, Store, Unit
from engine.ports.identity import IdentityProvider, Links

FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
EVERYBODY = "*"
PROVIDER = Actor(
    kind=ActorKind.SERVICE, id=PersonId("service:identity-provider"), name="Identity provider"
)
REVOKED = "This token was revoked."
UNLINKED = (
    "You are signed in, but nobody of the directory is linked with this account. Write "
    "`/carapulse link` in Slack, or have it written into the directory."
)
NO_MATCH = (
    "The directory must know your e-mail address, and the account that you signed in with must "
    "have the same. Have the link written into the directory."
)
TAKEN = "This account or this person has a link already. Whoever keeps the directory can end it."


@dataclass(frozen=True, slots=True)
class Standing:
    """What groups of a token mean here, and what people may ask, by directory group."""

    groups: Mapping[str, str]
    scopes: Mapping[str, tuple[str, ...]]

    def allowed(self, groups: tuple[str, ...]) -> frozenset[str]:
        """Every scope of somebody in these groups."""
        named = (EVERYBODY, *groups)
        return frozenset(scope for name in named for scope in self.scopes.get(name, ()))


@dataclass(frozen=True, slots=True)
class Identities:
    """Who calls. The directory says who somebody is; the provider only that they are it."""

    store: Store
    directory: Directory
    links: Links
    provider: IdentityProvider
    clock: Clock
    tenant: Tenant
    standing: Standing

    async def caller(self, token: str) -> Caller:
        """The person who holds this access token.

        Raises:
            Unidentified: the token proves nothing.
            NotAllowed: it is genuine, and belongs to nobody of the directory.
        """
        return await self.known(await self.provider.bearer(token))

    async def known(self, claims: Claims) -> Caller:
        """The person of these claims; raises like `caller`."""
        async with self.store.begin() as unit:
            await refuse_revoked(unit, claims)
            link = await unit.identities.linked(claims.issuer, claims.subject)
        person = self.links.linked(claims.issuer, claims.subject) or (link.person if link else None)
        actor = await self.directory.by_id(person) if person else None
        if actor is None or actor.tenant != self.tenant:
            raise NotAllowed(UNLINKED)
        vouched = mapped(claims.groups, self.standing.groups)
        groups = tuple(dict.fromkeys((*actor.groups, *vouched)))
        return Caller(
            actor=actor.model_copy(update={"groups": groups}),
            scopes=self.standing.allowed(groups),
            proof=Proof(groups=vouched),
        )

    async def bind(self, person: PersonId, claims: Claims) -> Link:
        """Link the account that somebody has just signed in with.

        A chat account alone must not be enough to become somebody at the provider, so the address
        that the directory knows has to be the account's too. Raises `NotAllowed`, `Conflict`.
        """
        known = self.links.email(person)
        actor = await self.directory.by_id(person)
        if actor is None or not known or known.casefold() != claims.email.casefold():
            raise NotAllowed(NO_MATCH)
        link = Link(
            issuer=claims.issuer,
            subject=claims.subject,
            person=person,
            email=claims.email,
            at=self.clock(),
        )
        if self.links.linked(claims.issuer, claims.subject):
            raise Conflict(TAKEN)
        async with self.store.begin() as unit:
            await refuse_revoked(unit, claims)
            if not await unit.identities.link(link):
                raise Conflict(TAKEN)
            await self._audit(unit, actor, "identity.link", person, account=claims.subject)
        return link

    async def unbind(self, by: Actor, person: PersonId) -> bool:
        """End the link that somebody has made; False when there was none."""
        async with self.store.begin() as unit:
            ended = await unit.identities.unlink(self.provider.issuer, person)
            if ended:
                await self._audit(unit, by, "identity.unlink", person)
        return ended

    async def revoke(
        self,
        by: Actor,
        kind: RevocationKind,
        value: str,
        *,
        reason: str = "",
        issued_before: datetime | None = None,
    ) -> Revocation:
        """Let a token, or all of a subject's that were issued before a moment, count no more."""
        revocation = Revocation(
            id=new_id(),
            issuer=self.provider.issuer,
            kind=kind,
            value=value,
            issued_before=issued_before or FOR_EVER,
            reason=reason,
            by_name=by.name,
            at=self.clock(),
        )
        async with self.store.begin() as unit:
            await unit.identities.revoke(revocation)
            await self._audit(
                unit, by, "token.revoke", f"{kind.value}:{value}", reason=reason, id=revocation.id
            )
        return revocation

    async def signed_out(self, token: str) -> None:
        """The provider says that somebody signed out: what they had until then is over.

        Raises `Unidentified`.
        """
        claims = await self.provider.logout(token)
        await self.revoke(
            PROVIDER,
            RevocationKind.SUBJECT,
            claims.subject,
            reason="signed out at the identity provider",
            issued_before=claims.issued_at,
        )

    async def revocations(self, limit: int = 200) -> list[Revocation]:
        """Newest first."""
        async with self.store.begin() as unit:
            return await unit.identities.revocations(limit)

    async def _audit(
        self,
        unit: Unit,
        actor: Actor,
        action: str,
        subject: str,
        *,
        reason: str = "",
        **detail: str,
    ) -> None:
        await unit.audit.record(
            AuditEvent(
                actor=actor,
                action=action,
                subject=subject,
                decision="allow",
                reason=reason,
                detail=dict(detail),
                at=self.clock(),
            )
        )


async def refuse_revoked(unit: Unit, claims: Claims) -> None:
    """Raises `Unidentified` for a token that counts no more."""
    if await unit.identities.revoked(claims):
        raise Unidentified(REVOKED)
