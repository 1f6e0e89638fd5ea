"""Workflows that people wrote here, in Postgres."""

from engine.domain.template import TemplateState, TemplateText
from engine.store.connection import Connection, Row, touched

TEXT = "t.name, t.version, t.body, t.digest, t.author, t.author_name, t.at"
STATE = "s.enabled, s.enabled_by, s.enabled_by_name, s.removed"


class PostgresTemplates:
    """The `Templates` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def texts(self, name: str) -> list[TemplateText]:
        rows = await self._db.fetch(
            f"SELECT {TEXT} FROM templates t WHERE t.tenant = $1 AND t.name = $2 "  # noqa: S608 - constants of this file
            "ORDER BY t.version DESC",
            self._tenant,
            name,
        )
        return [_text(row) for row in rows]

    async def authors(self, name: str) -> list[str]:
        rows = await self._db.fetch(
            "SELECT DISTINCT author FROM templates WHERE tenant = $1 AND name = $2 ORDER BY author",
            self._tenant,
            name,
        )
        return [row["author"] for row in rows]

    async def current(self) -> list[tuple[TemplateState, TemplateText]]:
        rows = await self._db.fetch(
            f"SELECT {TEXT}, {STATE} FROM template_states s "  # noqa: S608 - constants of this file
            "JOIN templates t USING (tenant, name, version) "
            "WHERE s.tenant = $1 AND NOT s.removed ORDER BY s.name",
            self._tenant,
        )
        return [(_state(row), _text(row)) for row in rows]

    async def lock(self, name: str) -> TemplateState | None:
        row = await self._db.fetchrow(
            f"SELECT s.name, s.version, {STATE} FROM template_states s "  # noqa: S608 - constants of this file
            "WHERE s.tenant = $1 AND s.name = $2 FOR UPDATE",
            self._tenant,
            name,
        )
        return _state(row) if row else None

    async def add(self, text: TemplateText) -> bool:
        status = await self._db.execute(
            "INSERT INTO templates (tenant, name, version, body, digest, author, author_name, at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            self._tenant,
            text.name,
            text.version,
            text.body,
            text.digest,
            text.author,
            text.author_name,
            text.at,
        )
        return touched(status) == 1

    async def stand(self, state: TemplateState) -> None:
        await self._db.execute(
            "INSERT INTO template_states "
            "(tenant, name, version, enabled, enabled_by, enabled_by_name, removed) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, name) DO UPDATE SET "
            "version = excluded.version, enabled = excluded.enabled, "
            "enabled_by = excluded.enabled_by, enabled_by_name = excluded.enabled_by_name, "
            "removed = excluded.removed",
            self._tenant,
            state.name,
            state.version,
            state.enabled,
            state.enabled_by,
            state.enabled_by_name,
            state.removed,
        )


def _text(row: Row) -> TemplateText:
    return TemplateText.model_validate(
        {name: row[name] for name in TemplateText.model_fields if name in row.keys()}  # noqa: SIM118 - a Record is no dict
    )


def _state(row: Row) -> TemplateState:
    return TemplateState.model_validate(
        {name: row[name] for name in TemplateState.model_fields if name in row.keys()}  # noqa: SIM118 - a Record is no dict
    )
