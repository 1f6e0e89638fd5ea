"""Remembered facts in Postgres, and how they are found."""

from engine.domain.ids import FactId, SessionId
from engine.domain.knowledge import Fact
from engine.domain.passage import Passage
from engine.domain.session import Viewer
from engine.errors import NotFound
from engine.store.connection import Connection, Row, touched
from engine.store.sessions import VISIBLE

COLUMNS = (
    "facts.id::text AS id, facts.tenant, facts.text, facts.service, facts.environment, "
    "facts.session_id::text AS session, facts.author, facts.author_name, facts.revision, "
    "facts.created_at, facts.expires_at"
)
LIVE = "(facts.expires_at IS NULL OR facts.expires_at > now())"
# A fact without a session is everybody's; another one belongs to who may see its session.
SEEN = (
    f"facts.tenant = $1 AND {LIVE} AND (facts.session_id IS NULL OR EXISTS "
    f"(SELECT FROM sessions WHERE sessions.id = facts.session_id AND {VISIBLE}))"
)
# Words of the request, any of them; what a scope says counts beside them.
RELEVANT = f"""
SELECT {COLUMNS}, ts_rank(search, asked.words)
    + CASE WHEN service <> '' THEN 0.3 ELSE 0 END
    + CASE WHEN environment <> '' THEN 0.1 ELSE 0 END AS rank
FROM facts, (SELECT replace(plainto_tsquery('english', $2)::text, ' & ', ' | ')::tsquery AS words)
    AS asked
WHERE tenant = $1 AND {LIVE}
    AND (session_id IS NULL OR session_id = $5::text::uuid)
    AND (service IN ('', coalesce($3, '')) OR ($3::text IS NULL AND search @@ asked.words))
    AND (environment IN ('', coalesce($4, '')) OR ($4::text IS NULL AND search @@ asked.words))
ORDER BY rank DESC, id DESC LIMIT $6
"""  # noqa: S608 - constants of this file


class PostgresMemory:
    """The `Memory` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def add(self, fact: Fact) -> None:
        await self._db.execute(
            "INSERT INTO facts (id, tenant, text, service, environment, session_id, author, "
            "author_name, created_at, expires_at, search) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
            "$9, $10, to_tsvector('english', $3 || ' ' || $4))",
            fact.id,
            self._tenant,
            fact.text,
            fact.service,
            fact.environment,
            fact.session,
            fact.author,
            fact.author_name,
            fact.created_at,
            fact.expires_at,
        )

    async def count(self) -> int:
        """How many there are, the expired ones too."""
        return int(
            await self._db.fetchval("SELECT count(*) FROM facts WHERE tenant = $1", self._tenant)
        )

    async def get(self, fact_id: str, viewer: Viewer) -> Fact:
        """Return a live fact that the viewer may see, or raise `NotFound`."""
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM facts WHERE {SEEN} AND facts.id::text = lower($5)",  # noqa: S608 - constants of this file
            *self._eyes(viewer),
            fact_id,
        )
        if row is None:
            raise NotFound("There is no such fact, or it is not yours to see.")
        return fact(row)

    async def listed(
        self,
        viewer: Viewer,
        *,
        query: str = "",
        service: str = "",
        session: SessionId | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Fact]:
        """Live facts that the viewer may see, newest first."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM facts WHERE {SEEN} "  # noqa: S608 - constants of this file
            "AND ($5::text IS NULL OR facts.id < $5::text::uuid) "
            "AND ($6 = '' OR facts.search @@ websearch_to_tsquery('english', $6)) "
            "AND ($7 = '' OR facts.service = $7) "
            "AND ($8::text IS NULL OR facts.session_id = $8::text::uuid) "
            "ORDER BY facts.id DESC LIMIT $9",
            *self._eyes(viewer),
            after,
            query,
            service,
            session,
            limit,
        )
        return [fact(row) for row in rows]

    async def save(self, changed: Fact, *, revision: int) -> bool:
        """Replace what can change; False when it is no longer at this revision."""
        status = await self._db.execute(
            "UPDATE facts SET text = $4, service = $5, environment = $6, expires_at = $7, "
            "search = to_tsvector('english', $4 || ' ' || $5), revision = revision + 1 "
            "WHERE tenant = $1 AND id = $2 AND revision = $3",
            self._tenant,
            changed.id,
            revision,
            changed.text,
            changed.service,
            changed.environment,
            changed.expires_at,
        )
        return touched(status) == 1

    async def forget(self, fact_id: FactId, *, revision: int) -> bool:
        """Delete; False when it is no longer at this revision."""
        status = await self._db.execute(
            "DELETE FROM facts WHERE tenant = $1 AND id = $2 AND revision = $3",
            self._tenant,
            fact_id,
            revision,
        )
        return touched(status) == 1

    async def purge(self) -> int:
        """Delete what expired a month ago; how many that were."""
        status = await self._db.execute(
            "DELETE FROM facts WHERE tenant = $1 AND expires_at < now() - interval '30 days'",
            self._tenant,
        )
        return touched(status)

    async def relevant(
        self,
        query: str,
        *,
        service: str | None,
        environment: str | None,
        session: str | None,
        limit: int,
    ) -> list[Passage]:
        """Facts for a request: its session's and everybody's, never another session's."""
        rows = await self._db.fetch(
            RELEVANT, self._tenant, query, service, environment, session, limit
        )
        return [passage(row) for row in rows]

    def _eyes(self, viewer: Viewer) -> tuple[object, ...]:
        return (self._tenant, viewer.person, list(viewer.groups), viewer.everything)


def fact(row: Row) -> Fact:
    """A row as the domain knows it."""
    return Fact.model_validate(dict(row))


def passage(row: Row) -> Passage:
    """A row as a prompt quotes it."""
    return Passage(
        kind="memory",
        id=row["id"],
        title=row["text"][:80],
        text=row["text"],
        source=row["author_name"],
        rank=row["rank"],
    )
