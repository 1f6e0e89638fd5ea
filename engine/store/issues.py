"""Issues of plans in Postgres, and what is still to be done in them."""

import json

from engine.domain.ids import PlanId
from engine.domain.issue import Issue, Note, NoteRow, Shown, Told
from engine.store.connection import Connection, Row, touched

COLUMNS = "plan_id::text AS plan_id, issue_id::text AS issue_id, identifier, told, shown, closed"
# What is open now, or has an issue that is; the card of a plan counts its changes.
STALE = (
    "WITH now AS (SELECT s.plan_id FROM version_states s "
    "JOIN plans p ON p.id = s.plan_id AND p.current = s.version "
    "WHERE s.state = 'waiting' AND p.tenant = $1 "
    "UNION SELECT plan_id FROM issues WHERE tenant = $1 AND NOT closed) "
    "SELECT now.plan_id::text AS plan_id, card.wanted FROM now "
    "JOIN posts card ON card.tenant = $1 AND card.kind = 'plan' "
    "AND card.subject = now.plan_id::text AND card.card "
    "LEFT JOIN issues i ON i.plan_id = now.plan_id "
    "WHERE card.wanted > coalesce(i.seen, 0) ORDER BY now.plan_id LIMIT $2"
)
LEFT = (
    "SELECT DISTINCT ON (n.plan_id) n.id, n.plan_id::text AS plan_id, "
    "i.issue_id::text AS issue_id, n.remote_id::text AS remote_id, n.attempts, n.body "
    "FROM issue_notes n JOIN issues i ON i.plan_id = n.plan_id "
    "WHERE n.tenant = $1 AND n.done_at IS NULL ORDER BY n.plan_id, n.id LIMIT $2"
)


class PostgresIssues:
    """The `Issues` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def stale(self, limit: int) -> list[tuple[PlanId, int]]:
        rows = await self._db.fetch(STALE, self._tenant, limit)
        return [(PlanId(row["plan_id"]), row["wanted"]) for row in rows]

    async def claim(self, plan_id: PlanId, issue_id: str) -> Issue:
        await self._db.execute(
            "INSERT INTO issues (plan_id, tenant, issue_id) VALUES ($1, $2, $3) "
            "ON CONFLICT (plan_id) DO NOTHING",
            plan_id,
            self._tenant,
            issue_id,
        )
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM issues WHERE plan_id = $1 AND tenant = $2 FOR UPDATE",  # noqa: S608 - a constant of this file
            plan_id,
            self._tenant,
        )
        assert row is not None
        return issue(row)

    async def of_plan(self, plan_id: PlanId) -> Issue | None:
        return await self._one("plan_id = $1", plan_id)

    async def of_issue(self, issue_id: str) -> Issue | None:
        return await self._one("issue_id::text = $1", issue_id)

    async def note(self, plan_id: PlanId, *notes: Note) -> None:
        await self._db.executemany(
            "INSERT INTO issue_notes (tenant, plan_id, kind, body) VALUES ($1, $2, $3, $4)",
            [(self._tenant, plan_id, each.kind.value, each.model_dump_json()) for each in notes],
        )

    async def told(self, plan_id: PlanId, told: Told, *, seen: int, closed: bool) -> None:
        await self._db.execute(
            "UPDATE issues SET told = $3, seen = $4, closed = $5 "
            "WHERE plan_id = $1 AND tenant = $2",
            plan_id,
            self._tenant,
            told.model_dump_json(),
            seen,
            closed,
        )

    async def answered(self, key: str) -> bool:
        return bool(
            await self._db.fetchval(
                "SELECT count(*) FROM issue_moves WHERE tenant = $1 AND key = $2",
                self._tenant,
                key,
            )
        )

    async def answer(self, key: str, plan_id: PlanId) -> bool:
        status = await self._db.execute(
            "INSERT INTO issue_moves (tenant, key, plan_id) VALUES ($1, $2, $3) "
            "ON CONFLICT DO NOTHING",
            self._tenant,
            key,
            plan_id,
        )
        return touched(status) == 1

    async def open_ids(self, limit: int) -> list[str]:
        rows = await self._db.fetch(
            "SELECT issue_id::text AS id FROM issues WHERE tenant = $1 AND NOT closed "
            "AND identifier <> '' ORDER BY created_at DESC LIMIT $2",
            self._tenant,
            limit,
        )
        return [row["id"] for row in rows]

    async def left(self, limit: int) -> list[NoteRow]:
        rows = await self._db.fetch(LEFT, self._tenant, limit)
        return [
            NoteRow(note=Note.model_validate_json(row.pop("body")), **row)
            for row in map(dict, rows)
        ]

    async def begin(self, note_id: int) -> None:
        await self._db.execute(
            "UPDATE issue_notes SET attempts = attempts + 1 WHERE id = $1", note_id
        )

    async def done(self, row: NoteRow, *, shown: Shown | None = None, refused: str = "") -> None:
        """A version counts as shown from the first time on, and it has the tracker's name."""
        await self._db.execute(
            "UPDATE issue_notes SET done_at = now(), refused = $2 WHERE id = $1",
            row.id,
            refused[:500],
        )
        if shown is None or row.note.filing is None:
            return
        await self._db.execute(
            "UPDATE issues SET identifier = $2, shown = jsonb_build_object($3::text, $4::text) "
            "|| shown WHERE plan_id = $1",
            row.plan_id,
            shown.identifier,
            str(row.note.filing.version),
            shown.at.isoformat(),
        )

    async def _one(self, where: str, value: str) -> Issue | None:
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM issues WHERE {where} AND tenant = $2",  # noqa: S608 - constants of this file
            value,
            self._tenant,
        )
        return issue(row) if row else None


def issue(row: Row) -> Issue:
    """A row as the domain knows it."""
    values = dict(row)
    told = Told.model_validate_json(values.pop("told"))
    return Issue.model_validate({**values, "told": told, "shown": json.loads(values["shown"])})
