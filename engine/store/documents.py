"""Runbooks and playbooks in Postgres, and the full-text search over them."""

from collections.abc import Sequence

from engine.domain.ids import DocumentId, PersonId
from engine.domain.knowledge import Document, DocumentKind, Found
from engine.domain.passage import Passage
from engine.errors import NotFound
from engine.store.connection import Connection, Row, touched

COLUMNS = (
    "id::text AS id, tenant, kind, name, title, body, tags, services, environments, language, "
    "source, reference, author, author_name, authors, revision, created_at, updated_at"
)
# Titles weigh most, then tags and services, then the text. Names of things are not stemmed.
SEARCH = (
    "setweight(to_tsvector($10::text::regconfig, $5), 'A') "
    "|| setweight(to_tsvector('simple', array_to_string($7::text[] || $8::text[], ' ')), 'B') "
    "|| setweight(to_tsvector($10::text::regconfig, $6), 'C')"
)
# Each language reads the query its own way; 'simple' finds tags and services.
ASKED = """
asked AS (
    SELECT l AS language,
        websearch_to_tsquery(l::regconfig, $2) || websearch_to_tsquery('simple', $2) AS strict,
        replace((plainto_tsquery(l::regconfig, $2) || plainto_tsquery('simple', $2))::text,
            ' & ', ' | ')::tsquery AS loose
    FROM (SELECT DISTINCT language FROM documents WHERE tenant = $1) AS languages (l)
)
"""
# Any word of the request counts; a service of one's own lifts, another one's lowers.
RELEVANT = f"""
WITH {ASKED}, named AS (
    SELECT l AS language, replace((plainto_tsquery(l::regconfig, $6)
        || plainto_tsquery('simple', $6))::text, ' & ', ' | ')::tsquery AS words
    FROM (SELECT DISTINCT language FROM documents WHERE tenant = $1) AS languages (l)
)
SELECT id::text AS id, kind, name, title, left(body, $5) AS text, source, reference,
    (ts_rank('{{0.05, 0.2, 0.6, 1.0}}', search, loose)
        + CASE WHEN search @@ strict THEN 0.5 ELSE 0 END)
    * CASE WHEN $3 = ANY(services) THEN 1.5 WHEN $3 IS NOT NULL AND services <> '{{}}' THEN 0.3
        ELSE 1 END AS rank,
    ts_filter(search, '{{a,b}}') @@ words AS fits
FROM documents JOIN asked USING (language) JOIN named USING (language)
WHERE tenant = $1 AND search @@ loose
    AND (environments = '{{}}' OR $4::text IS NULL OR $4 = ANY(environments))
ORDER BY fits DESC, rank DESC, id LIMIT $7
"""  # noqa: S608 - constants of this file
LISTED = f"""
WITH {ASKED}
SELECT {COLUMNS}, ts_headline(language::regconfig, left(body, 20000), strict,
    'StartSel="",StopSel="",MaxFragments=1,MaxWords=24,MinWords=8') AS excerpt,
    ts_rank(search, strict) AS rank
FROM documents JOIN asked USING (language)
WHERE tenant = $1 AND kind = $3 AND search @@ strict
    AND ($4 = '' OR $4 = ANY(services)) AND ($5 = '' OR $5 = ANY(tags))
ORDER BY rank DESC, id DESC LIMIT $6
"""  # noqa: S608 - constants of this file
LONGEST_PASSAGE = 8_000


class PostgresDocuments:
    """The `Documents` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def put(self, document: Document, *, revision: int = 0) -> bool:
        """Insert, or replace the one at this revision; False when the name or revision differs.

        Whoever inserts the same name at the same moment waits, and is then told False.
        """
        insert = (
            "INSERT INTO documents (id, tenant, kind, name, title, body, tags, services, "
            "environments, language, source, reference, author, author_name, authors, created_at, "
            "updated_at, search) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
            f"$14, $15, $16, $17, {SEARCH} WHERE $18 = 0 ON CONFLICT DO NOTHING"
        )
        update = (
            "UPDATE documents SET title = $5, body = $6, tags = $7, services = $8, "  # noqa: S608 - constants of this file
            "environments = $9, language = $10, reference = $12, author = $13, "
            "author_name = $14, authors = $15, updated_at = $17, revision = revision + 1, "
            f"search = {SEARCH} WHERE id = $1::uuid AND tenant = $2 AND revision = $18 "
            "AND (kind, name, source, created_at) = ($3, $4, $11, $16)"
        )
        status = await self._db.execute(
            update if revision else insert,
            document.id,
            self._tenant,
            document.kind.value,
            document.name,
            document.title,
            document.body,
            list(document.tags),
            list(document.services),
            list(document.environments),
            document.language,
            document.source,
            document.reference,
            document.author,
            document.author_name,
            list(document.authors),
            document.created_at,
            document.updated_at,
            revision,
        )
        return touched(status) == 1

    async def get(self, kind: DocumentKind, name: str) -> Document:
        """The document of this id, name or title. Raises `NotFound`."""
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM documents WHERE tenant = $1 AND kind = $2 "  # noqa: S608 - constants of this file
            "AND (id::text = lower($3) OR name = lower($3) OR lower(title) = lower($3)) "
            "ORDER BY name = lower($3) DESC, id LIMIT 1",
            self._tenant,
            kind.value,
            name,
        )
        if row is None:
            raise NotFound(f"There is no {kind.value} of that name.")
        return document(row)

    async def names(self, kind: DocumentKind) -> dict[str, str]:
        """All names with the source of each."""
        rows = await self._db.fetch(
            "SELECT name, source FROM documents WHERE tenant = $1 AND kind = $2",
            self._tenant,
            kind.value,
        )
        return {row["name"]: row["source"] for row in rows}

    async def of_source(self, kind: DocumentKind, source: str) -> list[Document]:
        """All documents that one source holds."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM documents WHERE tenant = $1 AND kind = $2 AND source = $3 "  # noqa: S608 - constants of this file
            "ORDER BY name",
            self._tenant,
            kind.value,
            source,
        )
        return [document(row) for row in rows]

    async def listed(
        self,
        kind: DocumentKind,
        *,
        query: str = "",
        service: str = "",
        tag: str = "",
        after: str | None = None,
        limit: int = 50,
    ) -> list[Found]:
        """Newest first and paged by id; with a query the best first, and no further page."""
        if query:
            rows = await self._db.fetch(
                LISTED, self._tenant, query, kind.value, service, tag, limit
            )
            return [found(row) for row in rows]
        rows = await self._db.fetch(
            f"SELECT {COLUMNS}, '' AS excerpt, 0 AS rank FROM documents "  # noqa: S608 - constants of this file
            "WHERE tenant = $1 AND kind = $2 AND ($3 = '' OR $3 = ANY(services)) "
            "AND ($4 = '' OR $4 = ANY(tags)) AND ($5::text IS NULL OR id < $5::text::uuid) "
            "ORDER BY id DESC LIMIT $6",
            self._tenant,
            kind.value,
            service,
            tag,
            after,
            limit,
        )
        return [found(row) for row in rows]

    async def remove(self, document_id: DocumentId, *, revision: int) -> bool:
        """Delete; False when it is no longer at this revision."""
        status = await self._db.execute(
            "DELETE FROM documents WHERE tenant = $1 AND id = $2 AND revision = $3",
            self._tenant,
            document_id,
            revision,
        )
        return touched(status) == 1

    async def authors(self, titles: Sequence[str]) -> tuple[PersonId, ...]:
        """Who wrote the playbooks of these titles here; files have no author."""
        rows = await self._db.fetch(
            "SELECT DISTINCT unnest(authors) AS author FROM documents "
            "WHERE tenant = $1 AND kind = 'playbook' AND source = 'api' AND title = ANY($2) "
            "ORDER BY author",
            self._tenant,
            list(titles),
        )
        return tuple(PersonId(row["author"]) for row in rows)

    async def stamp(self, kind: DocumentKind) -> str:
        """Changes whenever a document of this kind that was written here does."""
        return str(
            await self._db.fetchval(
                "SELECT count(*) || '/' || coalesce(sum(revision), 0) || '/' "
                "|| coalesce(max(updated_at)::text, '') FROM documents "
                "WHERE tenant = $1 AND kind = $2 AND source = 'api'",
                self._tenant,
                kind.value,
            )
        )

    async def relevant(
        self,
        query: str,
        *,
        named: str,
        service: str | None,
        environment: str | None,
        limit: int,
    ) -> list[Passage]:
        """What shares words with a request, best first; `named` are its telling words."""
        rows = await self._db.fetch(
            RELEVANT, self._tenant, query, service, environment, LONGEST_PASSAGE, named, limit
        )
        return [passage(row) for row in rows]


def document(row: Row) -> Document:
    """A row as the domain knows it."""
    return Document.model_validate(
        {name: row[name] for name in Document.model_fields if name in row.keys()}  # noqa: SIM118 - a Record is no dict
    )


def found(row: Row) -> Found:
    """A row of a listing."""
    return Found(document=document(row), excerpt=row["excerpt"], rank=row["rank"])


def passage(row: Row) -> Passage:
    """A row as a prompt quotes it."""
    return Passage(
        kind=row["kind"],
        id=row["id"],
        title=row["title"],
        text=row["text"],
        source=row["source"],
        reference=row["reference"] or row["name"],
        rank=row["rank"],
        fits=bool(row["fits"]),
    )
