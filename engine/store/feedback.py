"""Ratings of answers and plans, and the bot's presence, in Postgres."""

from datetime import datetime

from engine.domain.conversation import Place
from engine.domain.feedback import Absence, Rating, Thumb
from engine.domain.ids import PersonId, new_id
from engine.store.connection import Connection

# Threads with something to press: an open plan, one that runs, or a problem that goes on.
PRESSABLE = """
SELECT c.channel, c.thread FROM conversations c
LEFT JOIN plans p ON p.id = c.plan_id
LEFT JOIN version_states s ON s.plan_id = p.id AND s.version = p.current
LEFT JOIN executions e ON e.plan_id = p.id AND e.version = p.current
LEFT JOIN problems b ON b.id = c.problem_id
WHERE c.tenant = $1 AND c.thread NOT LIKE 'post:%' AND (
    s.state IN ('waiting', 'approved')
    OR (s.state = 'executing' AND e.ended_at IS NULL)
    OR b.status = 'firing'
)
ORDER BY c.created_at DESC LIMIT $2
"""


class PostgresRatings:
    """The `Ratings` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def give(self, rating: Rating) -> None:
        await self._db.execute(
            "INSERT INTO ratings (id, tenant, subject, person, person_name, verdict, words, at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, subject, person) "
            "DO UPDATE SET verdict = EXCLUDED.verdict, words = EXCLUDED.words, at = EXCLUDED.at",
            rating.id,
            self._tenant,
            rating.subject,
            rating.person,
            rating.person_name,
            rating.verdict.value,
            rating.words,
            rating.at,
        )

    async def of(self, subject: str, person: PersonId) -> Rating | None:
        row = await self._db.fetchrow(
            "SELECT id::text AS id, tenant, subject, person, person_name, verdict, words, at "
            "FROM ratings WHERE tenant = $1 AND subject = $2 AND person = $3",
            self._tenant,
            subject,
            person,
        )
        return Rating.model_validate(dict(row)) if row else None

    async def listed(
        self, verdict: Thumb | None = None, *, since: datetime | None = None, limit: int = 1000
    ) -> list[Rating]:
        rows = await self._db.fetch(
            "SELECT id::text AS id, tenant, subject, person, person_name, verdict, words, at "
            "FROM ratings WHERE tenant = $1 AND ($2::text IS NULL OR verdict = $2) "
            "AND ($3::timestamptz IS NULL OR at >= $3) ORDER BY at DESC LIMIT $4",
            self._tenant,
            verdict.value if verdict else None,
            since,
            limit,
        )
        return [Rating.model_validate(dict(row)) for row in rows]


class PostgresPresence:
    """The `Presence` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def beat(self, now: datetime) -> datetime | None:
        before = await self._db.fetchval(
            "SELECT seen_at FROM presence WHERE tenant = $1 FOR UPDATE", self._tenant
        )
        await self._db.execute(
            "INSERT INTO presence (tenant, seen_at) VALUES ($1, $2) ON CONFLICT (tenant) "
            "DO UPDATE SET seen_at = greatest(presence.seen_at, EXCLUDED.seen_at)",
            self._tenant,
            now,
        )
        return before if isinstance(before, datetime) else None

    async def away(self, absence: Absence) -> None:
        await self._db.execute(
            "INSERT INTO absences (id, tenant, since, until) VALUES ($1, $2, $3, $4)",
            new_id(),
            self._tenant,
            absence.since,
            absence.until,
        )

    async def absence_at(self, moment: datetime) -> Absence | None:
        row = await self._db.fetchrow(
            "SELECT since, until FROM absences WHERE tenant = $1 AND since <= $2 AND until >= $2 "
            "ORDER BY until DESC LIMIT 1",
            self._tenant,
            moment,
        )
        return Absence.model_validate(dict(row)) if row else None

    async def pressable(self, limit: int) -> list[Place]:
        rows = await self._db.fetch(PRESSABLE, self._tenant, limit)
        return [Place(channel=row["channel"], thread=row["thread"]) for row in rows]
