"""What an execution leaves behind in Postgres: tool calls, people's choices, log lines."""

from collections.abc import Sequence
from datetime import datetime

from engine.domain.call import CallResult
from engine.domain.execution import CallKey, CallRow, Choice, Decision, LogLine, Takes
from engine.domain.ids import ExecutionId
from engine.store.connection import Connection, Row, touched

# Whoever counts running calls holds this lock until its transaction ends.
COUNTING = 5_220_417_915


class PostgresCalls:
    """Part of the `Executions` port."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def begin_call(self, row: CallRow) -> bool:
        """Insert the call; False when it was already begun by anybody."""
        status = await self._db.execute(
            "INSERT INTO tool_calls "
            "(execution_id, step, phase, attempt, worker, lease_until, started_at, "
            "tool, environment, target) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
            *identity(row.key),
            row.worker,
            row.lease_until,
            row.started_at,
            row.takes.tool,
            row.takes.environment,
            row.takes.target,
        )
        return touched(status) == 1

    async def renew_call(self, key: CallKey, worker: str, until: datetime) -> bool:
        """Extend the lease; False when the call is no longer this worker's."""
        status = await self._db.execute(
            "UPDATE tool_calls SET lease_until = $6 WHERE execution_id = $1 AND step = $2 "
            "AND phase = $3 AND attempt = $4 AND worker = $5 AND ended_at IS NULL",
            *identity(key),
            worker,
            until,
        )
        return touched(status) == 1

    async def end_call(self, key: CallKey, result: CallResult, at: datetime) -> None:
        """Record the result; the first one stays."""
        await self._db.execute(
            "UPDATE tool_calls SET ended_at = $5, result = $6 WHERE execution_id = $1 "
            "AND step = $2 AND phase = $3 AND attempt = $4 AND ended_at IS NULL",
            *identity(key),
            at,
            result.model_dump_json(),
        )

    async def call(self, key: CallKey) -> CallRow | None:
        row = await self._db.fetchrow(
            "SELECT worker, lease_until, started_at, ended_at, result FROM tool_calls "
            "WHERE execution_id = $1 AND step = $2 AND phase = $3 AND attempt = $4",
            *identity(key),
        )
        return call_row(key, row) if row else None

    async def add_decision(self, decision: Decision) -> None:
        await self._db.execute(
            "INSERT INTO decisions (execution_id, choice, step, person, person_name, at, signed) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            decision.execution_id,
            decision.choice.value,
            decision.step,
            decision.person,
            decision.person_name,
            decision.at,
            decision.signed,
        )

    async def take_decision(self, execution_id: ExecutionId) -> Decision | None:
        """The oldest choice not yet acted on, marked as taken."""
        row = await self._db.fetchrow(
            "UPDATE decisions SET taken_at = now() WHERE id = ("
            "SELECT id FROM decisions WHERE execution_id = $1 AND taken_at IS NULL "
            "ORDER BY id LIMIT 1 FOR UPDATE) "
            "RETURNING id, execution_id::text AS execution_id, choice, step, person, "
            "person_name, at, signed",
            execution_id,
        )
        return Decision.model_validate(dict(row)) if row else None

    async def overrides(self, execution_id: ExecutionId) -> list[str]:
        """What the gate signed of choices that override what was approved, as JSON."""
        rows = await self._db.fetch(
            "SELECT signed FROM decisions WHERE execution_id = $1 AND signed <> '' ORDER BY id",
            execution_id,
        )
        return [row["signed"] for row in rows]

    async def running(self, takes: Takes, now: datetime) -> dict[str, int]:
        """How many calls of this tool, environment and target run anywhere.

        Until the transaction ends nobody else counts, so that two do not take one last place.
        """
        await self._db.execute("SELECT pg_advisory_xact_lock($1)", COUNTING)
        row = await self._db.fetchrow(
            "SELECT count(*) FILTER (WHERE tool = $1) AS tool, "
            "count(*) FILTER (WHERE environment = $2) AS environment, "
            "count(*) FILTER (WHERE target = $3 AND environment = $2) AS target "
            "FROM tool_calls WHERE ended_at IS NULL AND lease_until > $4",
            takes.tool,
            takes.environment,
            takes.target,
            now,
        )
        return {kind: int(count) for kind, count in dict(row or {}).items()}

    async def held_back(self, execution_id: ExecutionId) -> bool:
        """Whether somebody has paused or cancelled it, and that was not acted on yet."""
        return bool(
            await self._db.fetchval(
                "SELECT EXISTS (SELECT FROM decisions WHERE execution_id = $1 "
                "AND taken_at IS NULL AND choice = ANY($2))",
                execution_id,
                [Choice.PAUSE.value, Choice.CANCEL.value],
            )
        )

    async def stop(self, execution_id: ExecutionId) -> tuple[str, datetime | None]:
        """Who wants its running step stopped, and when it is stopped in any case."""
        row = await self._db.fetchrow(
            "SELECT stopped_by, deadline_at FROM executions WHERE id = $1", execution_id
        )
        return (row["stopped_by"], row["deadline_at"]) if row else ("", None)

    async def undecided(self, execution_id: ExecutionId) -> Decision | None:
        """The oldest choice not yet acted on."""
        row = await self._db.fetchrow(
            "SELECT id, execution_id::text AS execution_id, choice, step, person, person_name, at, "
            "signed FROM decisions WHERE execution_id = $1 AND taken_at IS NULL "
            "ORDER BY id LIMIT 1",
            execution_id,
        )
        return Decision.model_validate(dict(row)) if row else None

    async def add_lines(self, lines: Sequence[LogLine]) -> None:
        """Append lines in one round trip; ids follow their order."""
        await self._db.execute(
            "INSERT INTO log_lines (execution_id, step, at, line) "
            "SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[])",
            [line.execution_id for line in lines],
            [line.step for line in lines],
            [line.at for line in lines],
            [line.text for line in lines],
        )

    async def lines(
        self, execution_id: ExecutionId, *, after: int = 0, limit: int = 1000
    ) -> list[LogLine]:
        """Lines with an id above `after`, oldest first."""
        rows = await self._db.fetch(
            "SELECT id, execution_id::text AS execution_id, step, at, line AS text "
            "FROM log_lines WHERE execution_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            execution_id,
            after,
            limit,
        )
        return [LogLine.model_validate(dict(row)) for row in rows]

    async def last_lines(self, execution_id: ExecutionId, limit: int) -> list[LogLine]:
        """The newest lines, oldest first."""
        rows = await self._db.fetch(
            "SELECT id, execution_id::text AS execution_id, step, at, line AS text "
            "FROM log_lines WHERE execution_id = $1 ORDER BY id DESC LIMIT $2",
            execution_id,
            limit,
        )
        return [LogLine.model_validate(dict(row)) for row in reversed(rows)]

    async def count_lines(self, execution_id: ExecutionId) -> int:
        return int(
            await self._db.fetchval(
                "SELECT count(*) FROM log_lines WHERE execution_id = $1", execution_id
            )
        )


def identity(key: CallKey) -> tuple[str, int, str, int]:
    """The primary key's columns."""
    return key.execution_id, key.step, key.phase.value, key.attempt


def call_row(key: CallKey, row: Row) -> CallRow:
    """A row as the domain knows it."""
    values = dict(row)
    result = values.pop("result")
    return CallRow(
        key=key, result=CallResult.model_validate_json(result) if result else None, **values
    )
