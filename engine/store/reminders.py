"""Who was reminded of a version that waits, in Postgres; insert-only."""

import json

from engine.domain.ids import PlanId
from engine.domain.plan import PlanVersion
from engine.domain.reminding import Nudge
from engine.store.connection import Connection, touched


class PostgresReminders:
    """The `Reminders` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def add(self, version: PlanVersion, nudge: Nudge) -> bool:
        """False when somebody has told it already."""
        status = await self._db.execute(
            "INSERT INTO reminders (plan_id, version, tenant, kind, number, told, at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            version.plan_id,
            version.version,
            self._tenant,
            nudge.kind.value,
            nudge.number,
            json.dumps(nudge.told),
            nudge.at,
        )
        return touched(status) == 1

    async def of(self, plan_id: PlanId, version: int) -> list[Nudge]:
        """All of a version, oldest first."""
        rows = await self._db.fetch(
            "SELECT kind, number, told, at FROM reminders "
            "WHERE tenant = $1 AND plan_id = $2 AND version = $3 ORDER BY at, kind, number",
            self._tenant,
            plan_id,
            version,
        )
        return [
            Nudge.model_validate({**dict(row), "told": json.loads(row["told"])}) for row in rows
        ]
