"""Service tokens in Postgres, as digests."""

from collections.abc import Sequence
from datetime import datetime

from engine.store.connection import Connection, touched


class PostgresTokens:
    """The `Tokens` port."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def add(self, name: str, digest: str, scopes: Sequence[str]) -> None:
        """Insert; a token that is already there stays as it is."""
        await self._db.execute(
            "INSERT INTO service_tokens (digest, name, scopes) VALUES ($1, $2, $3) "
            "ON CONFLICT (digest) DO NOTHING",
            digest,
            name,
            list(scopes),
        )

    async def scopes(self, digest: str) -> tuple[str, tuple[str, ...]] | None:
        """(name, scopes) of a live token."""
        row = await self._db.fetchrow(
            "SELECT name, scopes FROM service_tokens WHERE digest = $1 AND revoked_at IS NULL",
            digest,
        )
        return (row["name"], tuple(row["scopes"])) if row else None

    async def live(self) -> list[tuple[str, tuple[str, ...]]]:
        """(name, scopes) of all live tokens."""
        rows = await self._db.fetch(
            "SELECT name, scopes FROM service_tokens WHERE revoked_at IS NULL ORDER BY name"
        )
        return [(row["name"], tuple(row["scopes"])) for row in rows]

    async def revoke(self, name: str, now: datetime) -> int:
        """End every live token of this name."""
        status = await self._db.execute(
            "UPDATE service_tokens SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL",
            name,
            now,
        )
        return touched(status)
