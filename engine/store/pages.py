"""What people are paged for, in Postgres."""

from engine.domain.ids import ExecutionId, PlanId
from engine.domain.page import RESOLVED, Page, PageRow
from engine.store.connection import Connection, Row, touched

COLUMNS = "key, plan_id::text AS plan_id, version, body, wanted, sent"


class PostgresPages:
    """The `Pages` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def critical(self, limit: int) -> list[ExecutionId]:
        rows = await self._db.fetch(
            "SELECT id::text AS id FROM executions WHERE tenant = $1 AND ended_at IS NULL "
            "AND state IN ('rollback_failed', 'needs_decision') ORDER BY id LIMIT $2",
            self._tenant,
            limit,
        )
        return [ExecutionId(row["id"]) for row in rows]

    async def broken_glass(self, limit: int) -> list[tuple[PlanId, int]]:
        rows = await self._db.fetch(
            "SELECT b.plan_id::text AS plan_id, b.version FROM break_glass b "
            "JOIN version_states s ON s.plan_id = b.plan_id AND s.version = b.version "
            "WHERE b.tenant = $1 AND s.state IN ('approved', 'executing') AND NOT EXISTS "
            "(SELECT FROM pages p WHERE p.plan_id = b.plan_id AND p.version = b.version "
            "AND p.key LIKE 'carapulse:P-%') ORDER BY b.at LIMIT $2",
            self._tenant,
            limit,
        )
        return [(PlanId(row["plan_id"]), row["version"]) for row in rows]

    async def paging(self) -> list[PageRow]:
        return await self._where(f"wanted < {RESOLVED}")

    async def want(self, row: PageRow) -> bool:
        status = await self._db.execute(
            "INSERT INTO pages (tenant, key, plan_id, version, body, wanted) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, key) DO UPDATE "
            "SET wanted = EXCLUDED.wanted, body = EXCLUDED.body, "
            # What pages again after it was over is a new incident under the same key.
            "sent = CASE WHEN pages.wanted = 3 THEN 0 ELSE pages.sent END "
            "WHERE pages.wanted < EXCLUDED.wanted OR pages.wanted = 3 AND EXCLUDED.wanted = 1",
            self._tenant,
            row.key,
            row.plan_id,
            row.version,
            row.page.model_dump_json(),
            row.wanted,
        )
        return touched(status) == 1

    async def of_key(self, key: str) -> PageRow | None:
        found = await self._where("key = $2", key)
        return found[0] if found else None

    async def unsent(self, limit: int) -> list[PageRow]:
        return (await self._where("sent < wanted"))[:limit]

    async def sent(self, key: str, stage: int, *, refused: str = "") -> None:
        await self._db.execute(
            "UPDATE pages SET sent = $3, refused = $4 WHERE tenant = $1 AND key = $2",
            self._tenant,
            key,
            stage,
            refused[:500],
        )

    async def _where(self, condition: str, *values: str) -> list[PageRow]:
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM pages WHERE tenant = $1 AND {condition} ORDER BY at",  # noqa: S608 - constants of this file
            self._tenant,
            *values,
        )
        return [page(row) for row in rows]


def page(row: Row) -> PageRow:
    """A row as the domain knows it."""
    values = dict(row)
    body = Page.model_validate_json(values.pop("body"))
    return PageRow.model_validate({**values, "page": body})
