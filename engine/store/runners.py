"""Runners and their beats in Postgres; the database's clock says who is alive."""

from engine.domain.context import ContextRef
from engine.domain.site import Served, Site
from engine.store.connection import Connection, Row

# A runner beats every 5 s; one that was not heard for this long is taken for dead.
ALIVE = "b.at > clock_timestamp() - interval '20 seconds'"
SERVED = (
    f"SELECT r.environment, r.cluster, r.login, count(*) FILTER (WHERE {ALIVE}) AS alive, "  # noqa: S608 - a constant of this file
    "max(b.at) AS heard_at FROM runners r LEFT JOIN runner_beats b ON b.login = r.login "
    "WHERE r.tenant = $1"
)
GROUPED = "GROUP BY r.environment, r.cluster, r.login ORDER BY r.environment, r.cluster"


class PostgresRunners:
    """The `Runners` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def at(self, context: ContextRef) -> Served | None:
        row = await self._db.fetchrow(
            f"{SERVED} AND r.environment = $2 AND r.cluster = $3 {GROUPED}",
            self._tenant,
            context.environment,
            context.cluster,
        )
        return served(row) if row else None

    async def listed(self) -> list[Served]:
        rows = await self._db.fetch(f"{SERVED} {GROUPED}", self._tenant)
        return [served(row) for row in rows]

    async def mine(self) -> Site | None:
        row = await self._db.fetchrow(
            "SELECT environment, cluster FROM runners WHERE login = session_user AND tenant = $1",
            self._tenant,
        )
        return Site.model_validate(dict(row)) if row else None

    async def beat(self, worker: str) -> None:
        """Those that have been silent for a day are forgotten."""
        await self._db.execute(
            "INSERT INTO runner_beats (worker, at) VALUES ($1, clock_timestamp()) "
            "ON CONFLICT (login, worker) DO UPDATE SET at = EXCLUDED.at",
            worker,
        )
        await self._db.execute(
            "DELETE FROM runner_beats WHERE at < clock_timestamp() - interval '1 day'"
        )


def served(row: Row) -> Served:
    """A row as the domain knows it."""
    values = dict(row)
    site = Site(environment=values.pop("environment"), cluster=values.pop("cluster"))
    return Served(site=site, **values)
