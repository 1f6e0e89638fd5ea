"""Links, revoked tokens and sign-ins in Postgres."""

from datetime import datetime

import orjson

from engine.domain.identity import Claims, Link, Revocation, RevocationKind, SignIn
from engine.domain.ids import PersonId
from engine.store.connection import Connection, Row, touched

SIGN_IN = (
    "SELECT ticket, tenant, person, purpose, plan_id::text AS plan_id, version, digest, asked, "
    "made_at, expires_at, started_at, ended_at FROM sign_ins "
)


class PostgresIdentities:
    """The `Identities` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def link(self, link: Link) -> bool:
        status = await self._db.execute(
            "INSERT INTO identity_links (tenant, issuer, subject, person, email, at) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            self._tenant,
            link.issuer,
            link.subject,
            link.person,
            link.email,
            link.at,
        )
        return touched(status) == 1

    async def linked(self, issuer: str, subject: str) -> Link | None:
        row = await self._db.fetchrow(
            "SELECT issuer, subject, person, email, at FROM identity_links "
            "WHERE tenant = $1 AND issuer = $2 AND subject = $3",
            self._tenant,
            issuer,
            subject,
        )
        return Link.model_validate(dict(row)) if row else None

    async def unlink(self, issuer: str, person: PersonId) -> bool:
        status = await self._db.execute(
            "DELETE FROM identity_links WHERE tenant = $1 AND issuer = $2 AND person = $3",
            self._tenant,
            issuer,
            person,
        )
        return touched(status) > 0

    async def revoke(self, revocation: Revocation) -> None:
        await self._db.execute(
            "INSERT INTO revocations "
            "(id, tenant, issuer, kind, value, issued_before, reason, by_name, at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            revocation.id,
            self._tenant,
            revocation.issuer,
            revocation.kind.value,
            revocation.value,
            revocation.issued_before,
            revocation.reason,
            revocation.by_name,
            revocation.at,
        )

    async def revoked(self, claims: Claims) -> bool:
        found = await self._db.fetchval(
            "SELECT true FROM revocations WHERE tenant = $1 AND issuer = $2 "
            "AND issued_before >= $3 AND ((kind = $4 AND value = $5) OR (kind = $6 AND value = $7))"
            " LIMIT 1",
            self._tenant,
            claims.issuer,
            claims.issued_at,
            RevocationKind.SUBJECT.value,
            claims.subject,
            RevocationKind.TOKEN.value,
            claims.token_id or None,
        )
        return bool(found)

    async def revocations(self, limit: int) -> list[Revocation]:
        rows = await self._db.fetch(
            "SELECT id::text AS id, issuer, kind, value, issued_before, reason, by_name, at "
            "FROM revocations WHERE tenant = $1 ORDER BY at DESC LIMIT $2",
            self._tenant,
            limit,
        )
        return [Revocation.model_validate(dict(row)) for row in rows]

    async def invite(self, sign_in: SignIn) -> None:
        await self._db.execute(
            "INSERT INTO sign_ins (ticket, tenant, person, purpose, plan_id, version, digest, "
            "asked, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            sign_in.ticket,
            self._tenant,
            sign_in.person,
            sign_in.purpose.value,
            sign_in.plan_id,
            sign_in.version,
            sign_in.digest,
            orjson.dumps(sign_in.asked).decode(),
            sign_in.made_at,
            sign_in.expires_at,
        )

    async def by_ticket(self, ticket: str) -> SignIn | None:
        return sign_in(
            await self._db.fetchrow(
                SIGN_IN + "WHERE tenant = $1 AND ticket = $2", self._tenant, ticket
            )
        )

    async def begin(self, ticket: str, state: str, now: datetime) -> bool:
        status = await self._db.execute(
            "UPDATE sign_ins SET state = $3, started_at = $4 WHERE tenant = $1 AND ticket = $2 "
            "AND ended_at IS NULL AND expires_at > $4",
            self._tenant,
            ticket,
            state,
            now,
        )
        return touched(status) == 1

    async def by_state(self, state: str) -> SignIn | None:
        return sign_in(
            await self._db.fetchrow(
                SIGN_IN + "WHERE tenant = $1 AND state = $2", self._tenant, state
            )
        )

    async def end(self, ticket: str, now: datetime) -> bool:
        status = await self._db.execute(
            "UPDATE sign_ins SET ended_at = $3 WHERE tenant = $1 AND ticket = $2 "
            "AND ended_at IS NULL AND expires_at > $3",
            self._tenant,
            ticket,
            now,
        )
        return touched(status) == 1

    async def tidy(self, before: datetime) -> None:
        await self._db.execute(
            "DELETE FROM sign_ins WHERE tenant = $1 AND expires_at < $2", self._tenant, before
        )


def sign_in(row: Row | None) -> SignIn | None:
    """A row as what it is."""
    if row is None:
        return None
    return SignIn.model_validate({**dict(row), "asked": orjson.loads(row["asked"])})
