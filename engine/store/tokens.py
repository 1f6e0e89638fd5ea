"""Service tokens in Postgres, as digests."""

from collections.abc import Sequence

from engine.store.connection import Connection


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
