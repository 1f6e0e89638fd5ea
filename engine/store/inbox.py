"""What arrived from outside, as it came, in Postgres."""

from engine.errors import NotFound
from engine.store.connection import Connection


class PostgresInbox:
    """The `Inbox` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def receive(self, *, source: str, key: str, thread: str, body: bytes) -> int | None:
        """Insert; None when this key is already there."""
        found: int | None = await self._db.fetchval(
            "INSERT INTO inbox (tenant, source, key, thread, body) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (tenant, source, key) DO NOTHING RETURNING id",
            self._tenant,
            source,
            key,
            thread,
            body,
        )
        return found

    async def body(self, inbox_id: int) -> bytes:
        body: bytes | None = await self._db.fetchval(
            "SELECT body FROM inbox WHERE id = $1 AND tenant = $2", inbox_id, self._tenant
        )
        if body is None:
            raise NotFound("There is no such inbox row.")
        return body

    async def waiting(self, thread: str) -> list[int]:
        """Ids not handled yet, oldest first."""
        rows = await self._db.fetch(
            "SELECT id FROM inbox WHERE tenant = $1 AND thread = $2 AND handled_at IS NULL "
            "ORDER BY id",
            self._tenant,
            thread,
        )
        return [row["id"] for row in rows]

    async def handled(self, inbox_id: int, outcome: str) -> None:
        await self._db.execute(
            "UPDATE inbox SET handled_at = now(), outcome = $2 WHERE id = $1",
            inbox_id,
            outcome[:500],
        )

    async def lock_thread(self, thread: str) -> bool:
        """Take the thread for this transaction; False when somebody else handles it now."""
        return bool(
            await self._db.fetchval(
                "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 11))", thread
            )
        )
