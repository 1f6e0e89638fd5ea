"""Freezes in Postgres."""

from datetime import datetime

from engine.domain.actor import Actor
from engine.domain.freeze import Freeze
from engine.domain.ids import FreezeId
from engine.errors import NotFound
from engine.store.connection import Connection, touched

COLUMNS = (
    "id::text AS id, tenant, environment, service, reason, set_by, set_by_name, starts_at, "
    "ends_at, lifted_at, lifted_by_name"
)


class PostgresFreezes:
    """The `Freezes` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def add(self, freeze: Freeze) -> None:
        await self._db.execute(
            "INSERT INTO freezes (id, tenant, environment, service, reason, set_by, set_by_name, "
            "starts_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            freeze.id,
            self._tenant,
            freeze.environment,
            freeze.service,
            freeze.reason,
            freeze.set_by,
            freeze.set_by_name,
            freeze.starts_at,
            freeze.ends_at,
        )

    async def get(self, freeze_id: FreezeId) -> Freeze:
        """Raises `NotFound`."""
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM freezes WHERE tenant = $1 AND id::text = $2",  # noqa: S608 - a constant of this file
            self._tenant,
            freeze_id,
        )
        if row is None:
            raise NotFound("There is no such freeze.")
        return Freeze.model_validate(dict(row))

    async def lift(self, freeze_id: FreezeId, actor: Actor, now: datetime) -> bool:
        """False when it was over already."""
        status = await self._db.execute(
            "UPDATE freezes SET lifted_at = $3, lifted_by = $4, lifted_by_name = $5, done = true "
            "WHERE tenant = $1 AND id::text = $2 AND lifted_at IS NULL "
            "AND (ends_at IS NULL OR ends_at > $3)",
            self._tenant,
            freeze_id,
            now,
            actor.id,
            actor.name,
        )
        return touched(status) == 1

    async def open(self, now: datetime) -> list[Freeze]:
        """Those in force and those to come, in the order in which they begin."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM freezes WHERE tenant = $1 AND NOT done "  # noqa: S608 - a constant of this file
            "AND lifted_at IS NULL AND (ends_at IS NULL OR ends_at > $2) ORDER BY starts_at, id",
            self._tenant,
            now,
        )
        return [Freeze.model_validate(dict(row)) for row in rows]

    async def listed(self, *, after: str | None = None, limit: int = 50) -> list[Freeze]:
        """All there ever were, newest first."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM freezes WHERE tenant = $1 "  # noqa: S608 - a constant of this file
            "AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
            self._tenant,
            after,
            limit,
        )
        return [Freeze.model_validate(dict(row)) for row in rows]

    async def turned(self, now: datetime) -> list[Freeze]:
        """Those that have begun or ended since this was last asked; each is told once."""
        rows = await self._db.fetch(
            "UPDATE freezes SET begun = true, done = coalesce(ends_at <= $2, false) "  # noqa: S608 - a constant of this file
            "WHERE tenant = $1 AND NOT done AND lifted_at IS NULL "
            f"AND ((NOT begun AND starts_at <= $2) OR ends_at <= $2) RETURNING {COLUMNS}",
            self._tenant,
            now,
        )
        return [Freeze.model_validate(dict(row)) for row in rows]
