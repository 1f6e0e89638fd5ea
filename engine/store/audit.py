"""The audit in Postgres; insert-only."""

from engine.domain.audit import AuditEvent
from engine.domain.ids import ExecutionId, PlanId
from engine.domain.model import Json
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

    async def nonces(self, plan_id: PlanId, version: int) -> set[str]:
        """Of the decisions on this version that the audit tells of."""
        details = await self._details(plan_id, "plan.")
        told = [one.get("nonce") for one in details if one.get("version") == version]
        return {nonce for nonce in told if isinstance(nonce, str) and nonce}

    async def outputs(self, execution_id: ExecutionId) -> dict[int, set[str]]:
        """By step: digests of the results that its last attempt is told to have left."""
        found: dict[int, tuple[Json, set[str]]] = {}
        for one in await self._details(execution_id, "step."):
            left, number = one.get("outputs"), one.get("step")
            if not (left and isinstance(left, str) and isinstance(number, int)):
                continue
            call = [one.get("phase"), one.get("attempt")]
            before, digests = found.get(number, (call, set()))
            found[number] = (call, {*digests, left} if before == call else {left})
        return {number: digests for number, (_, digests) in found.items()}

    async def _details(self, subject: str, kind: str) -> list[dict[str, Json]]:
        """Of the subject's events of a kind, oldest first."""
        rows = await self._db.fetch(
            "SELECT body FROM audit WHERE tenant = $1 AND subject = $2 "
            "AND starts_with(action, $3) ORDER BY id",
            self._tenant,
            subject,
            kind,
        )
        return [AuditEvent.model_validate_json(row["body"]).detail for row in rows]
