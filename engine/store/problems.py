"""Problems in Postgres."""

from datetime import datetime

from engine.domain.ids import ProblemId
from engine.domain.problem import Problem
from engine.errors import NotFound
from engine.store.connection import Connection


class PostgresProblems:
    """The `Problems` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def lock_key(self, key: str) -> Problem | None:
        """The newest problem of this key; others with the key wait until the transaction ends."""
        await self._db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", key)
        body = await self._db.fetchval(
            "SELECT body FROM problems WHERE tenant = $1 AND key = $2 "
            "ORDER BY started_at DESC LIMIT 1",
            self._tenant,
            key,
        )
        return Problem.model_validate_json(body) if body else None

    async def new_reference(self) -> str:
        return f"INC-{await self._db.fetchval('SELECT nextval($1)', 'problem_reference')}"

    async def add(self, problem: Problem) -> None:
        await self._db.execute(
            "INSERT INTO problems (id, tenant, reference, key, status, body, started_at, ended_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            problem.id,
            self._tenant,
            problem.reference,
            problem.key,
            problem.status.value,
            problem.model_dump_json(),
            problem.started_at,
            problem.ended_at,
        )

    async def save(self, problem: Problem) -> None:
        await self._db.execute(
            "UPDATE problems SET status = $3, body = $4, ended_at = $5 "
            "WHERE id = $1 AND tenant = $2",
            problem.id,
            self._tenant,
            problem.status.value,
            problem.model_dump_json(),
            problem.ended_at,
        )

    async def get(self, problem_id: ProblemId) -> Problem:
        body = await self._db.fetchval(
            "SELECT body FROM problems WHERE id = $1 AND tenant = $2", problem_id, self._tenant
        )
        if body is None:
            raise NotFound("There is no such problem.")
        return Problem.model_validate_json(body)

    async def firing(self, limit: int) -> list[Problem]:
        rows = await self._db.fetch(
            "SELECT body FROM problems WHERE tenant = $1 AND status = 'firing' "
            "ORDER BY started_at DESC LIMIT $2",
            self._tenant,
            limit,
        )
        return [Problem.model_validate_json(row["body"]) for row in rows]

    async def count_since(self, key: str, since: datetime) -> int:
        """How often this key has been a problem since then."""
        return int(
            await self._db.fetchval(
                "SELECT count(*) FROM problems WHERE tenant = $1 AND key = $2 AND started_at > $3",
                self._tenant,
                key,
                since,
            )
        )
