"""The audit in Postgres; insert-only."""

from engine.domain.audit import AuditEvent
from engine.store.connection import Connection


class PostgresAudit:
    """The `AuditLog` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def record(self, event: AuditEvent) -> None:
        await self._db.execute(
            "INSERT INTO audit (tenant, actor, action, subject, decision, body) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            self._tenant,
            event.actor.id,
            event.action,
            event.subject,
            event.decision,
            event.model_dump_json(),
        )

    async def of(self, subject: str, limit: int = 100) -> list[AuditEvent]:
        """The subject's events, oldest first."""
        rows = await self._db.fetch(
            "SELECT body, at FROM audit WHERE tenant = $1 AND subject = $2 ORDER BY id LIMIT $3",
            self._tenant,
            subject,
            limit,
        )
        return [
            AuditEvent.model_validate_json(row["body"]).model_copy(update={"at": row["at"]})
            for row in rows
        ]
