"""Tool definitions by digest in Postgres."""

from engine.store.connection import Connection


class PostgresDefinitions:
    """The `Definitions` port."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def keep(self, digest: str, body: str) -> None:
        await self._db.execute(
            "INSERT INTO tool_definitions (digest, body) VALUES ($1, $2) "
            "ON CONFLICT (digest) DO NOTHING",
            digest,
            body,
        )

    async def body(self, digest: str) -> str | None:
        body: str | None = await self._db.fetchval(
            "SELECT body FROM tool_definitions WHERE digest = $1", digest
        )
        return body
