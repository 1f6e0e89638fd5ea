"""Sessions in Postgres. Who may see one is decided in the query itself."""

import asyncpg

from engine.domain.ids import SessionId
from engine.domain.session import Session, Viewer
from engine.errors import Conflict, NotFound
from engine.store.connection import Connection, Row, touched

COLUMNS = (
    "id::text AS id, tenant, name, visibility, state, members, groups, owner, owner_name, "
    "revision, created_at, closed_at"
)
# The same rule as `Session.admits`; $1 is the tenant, $2 to $4 are the viewer.
VISIBLE = (
    "sessions.tenant = $1 AND ($4 OR sessions.owner = $2 OR sessions.visibility = 'everyone' "
    "OR (sessions.visibility = 'members' "
    "AND ($2 = ANY(sessions.members) OR sessions.groups && $3::text[])))"
)


class PostgresSessions:
    """The `Sessions` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def add(self, session: Session) -> bool:
        """Insert; False when its owner has an open one of this name."""
        status = await self._db.execute(
            "INSERT INTO sessions (id, tenant, name, visibility, state, members, groups, owner, "
            "owner_name, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
            "ON CONFLICT DO NOTHING",
            session.id,
            self._tenant,
            session.name,
            session.visibility.value,
            session.state.value,
            list(session.members),
            list(session.groups),
            session.owner,
            session.owner_name,
            session.created_at,
        )
        return touched(status) == 1

    async def get(self, session_id: SessionId) -> Session | None:
        """For the engine's own checks; people ask with `find`."""
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM sessions WHERE tenant = $1 AND id = $2",  # noqa: S608 - constants of this file
            self._tenant,
            session_id,
        )
        return session(row) if row else None

    async def find(self, name: str, viewer: Viewer) -> Session:
        """The visible session of this id or name; an open one and one's own come first."""
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM sessions WHERE {VISIBLE} "  # noqa: S608 - constants of this file
            "AND (id::text = lower($5) OR lower(name) = lower($5)) "
            "ORDER BY state DESC, owner = $2 DESC, id DESC LIMIT 1",
            *self._eyes(viewer),
            name,
        )
        if row is None:
            raise NotFound("There is no such session, or it is not yours to see.")
        return session(row)

    async def listed(
        self, viewer: Viewer, *, after: str | None = None, limit: int = 50
    ) -> list[Session]:
        """Visible sessions, newest first; `after` is the id that the page before ended with."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM sessions WHERE {VISIBLE} "  # noqa: S608 - constants of this file
            "AND ($5::text IS NULL OR id < $5::text::uuid) ORDER BY id DESC LIMIT $6",
            *self._eyes(viewer),
            after,
            limit,
        )
        return [session(row) for row in rows]

    async def save(self, changed: Session, *, revision: int) -> bool:
        """Replace what can change; False when it is no longer at this revision.

        Raises `Conflict` when its owner has another open one of this name.
        """
        try:
            return await self._replace(changed, revision)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"There is another open session called {changed.name}.") from None

    async def _replace(self, changed: Session, revision: int) -> bool:
        status = await self._db.execute(
            "UPDATE sessions SET name = $4, visibility = $5, state = $6, members = $7, "
            "groups = $8, closed_at = $9, revision = revision + 1 "
            "WHERE tenant = $1 AND id = $2 AND revision = $3",
            self._tenant,
            changed.id,
            revision,
            changed.name,
            changed.visibility.value,
            changed.state.value,
            list(changed.members),
            list(changed.groups),
            changed.closed_at,
        )
        return touched(status) == 1

    async def use(self, channel: str, session_id: SessionId | None) -> None:
        """What is begun in this channel from now on belongs to this session, or to none."""
        if session_id is None:
            await self._db.execute(
                "DELETE FROM session_channels WHERE tenant = $1 AND channel = $2",
                self._tenant,
                channel,
            )
            return
        await self._db.execute(
            "INSERT INTO session_channels (tenant, channel, session_id) VALUES ($1, $2, $3) "
            "ON CONFLICT (tenant, channel) DO UPDATE SET session_id = EXCLUDED.session_id",
            self._tenant,
            channel,
            session_id,
        )

    async def of_channel(self, channel: str) -> Session | None:
        """The session of a channel, also when it is closed by now."""
        found = await self._db.fetchval(
            "SELECT session_id::text FROM session_channels WHERE tenant = $1 AND channel = $2",
            self._tenant,
            channel,
        )
        return await self.get(SessionId(found)) if found else None

    def _eyes(self, viewer: Viewer) -> tuple[object, ...]:
        return (self._tenant, viewer.person, list(viewer.groups), viewer.everything)


def session(row: Row) -> Session:
    """A row as the domain knows it."""
    return Session.model_validate(dict(row))
