"""What was approved by break-glass, in Postgres, and which days have had their digest."""

from datetime import date

from engine.domain.glass import Use
from engine.store.connection import Connection


class PostgresBreakGlass:
    """The `BreakGlass` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def add(self, use: Use) -> None:
        await self._db.execute(
            "INSERT INTO break_glass (plan_id, version, tenant, body, at) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (plan_id, version) DO NOTHING",
            use.plan_id,
            use.version,
            self._tenant,
            use.model_dump_json(),
            use.at,
        )

    async def digest(self, day: date) -> list[Use] | None:
        """What no digest has told yet, marked as told; None when this day has had its digest.

        What commits a moment later is in the digest of the next day.
        """
        first = await self._db.fetchval(
            "INSERT INTO break_glass_digests (tenant, day) VALUES ($1, $2) "
            "ON CONFLICT DO NOTHING RETURNING day",
            self._tenant,
            day,
        )
        if first is None:
            return None
        rows = await self._db.fetch(
            "WITH told AS (UPDATE break_glass SET told_on = $2 "
            "WHERE tenant = $1 AND told_on IS NULL RETURNING body, at) "
            "SELECT body FROM told ORDER BY at",
            self._tenant,
            day,
        )
        return [Use.model_validate_json(row["body"]) for row in rows]
