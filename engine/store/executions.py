"""Executions and their steps in Postgres."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from engine.domain.execution import Execution, ExecutionState, Start, StepRecord, StepState
from engine.domain.ids import ExecutionId, PlanId, new_id
from engine.domain.plan import PlanVersion
from engine.errors import NotFound
from engine.store.calls import PostgresCalls
from engine.store.connection import Connection, Row

COLUMNS = (
    "id::text AS id, reference, tenant, plan_id::text AS plan_id, version, state, reason, "
    "question_step, countdown_until, choices, started_at, ended_at, epoch, started_by, "
    "stopped_by, deadline_at, asked_at, remind_at, reminded, pins::text AS pins"
)
STEP_COLUMNS = (
    "number, kind, title, effect, state, attempt, message, outputs::text AS outputs, "
    "rollback_message, has_rollback, started_at, ended_at"
)

# One that has ended holds nothing; of two at once the second sees what the first has taken.
TAKE_LOCK = (
    "INSERT INTO execution_locks (tenant, key, execution_id) VALUES ($1, $2, $3) "
    "ON CONFLICT (tenant, key) DO UPDATE SET execution_id = EXCLUDED.execution_id "
    "WHERE execution_locks.execution_id = EXCLUDED.execution_id OR EXISTS (SELECT FROM executions "
    "WHERE id = execution_locks.execution_id AND ended_at IS NOT NULL) RETURNING key"
)

OUTPUTS = TypeAdapter(dict[str, str])


class PostgresExecutions(PostgresCalls):
    """The `Executions` port; calls, decisions and lines are in `engine.store.calls`."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        super().__init__(connection)
        self._tenant = tenant

    async def create(self, version: PlanVersion, now: datetime) -> Execution:
        """Insert with its steps, or return the one that there is: unique by (plan, version).

        It is locked until the transaction ends.
        """
        execution_id = await self._db.fetchval(
            "INSERT INTO executions "
            "(id, reference, tenant, plan_id, version, state, created_at) "
            # What waits asks again and again: only a row that is really made takes a number.
            "SELECT $1, 'X-' || nextval('execution_reference'), $2, $3, $4, $5, $6 "
            "WHERE NOT EXISTS (SELECT FROM executions WHERE plan_id = $3 AND version = $4) "
            "ON CONFLICT (plan_id, version) DO NOTHING RETURNING id",
            new_id(),
            self._tenant,
            version.plan_id,
            version.version,
            ExecutionState.PENDING.value,
            now,
        )
        if execution_id is not None:
            await self._db.executemany(
                "INSERT INTO steps (execution_id, number, kind, title, effect, state, "
                "has_rollback, environment, cluster) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                [
                    (
                        execution_id,
                        step.number,
                        step.kind.value,
                        step.title,
                        step.effect.value,
                        StepState.PENDING.value,
                        step.rollback is not None,
                        (step.context or version.context).environment,
                        (step.context or version.context).cluster,
                    )
                    for step in version.steps
                ],
            )
        return await self.lock_of(version.plan_id, version.version)

    async def get(self, execution_id: ExecutionId) -> Execution:
        """Return the execution with its steps, or raise `NotFound`."""
        return await self._one("id = $1 AND tenant = $2", execution_id, self._tenant)

    async def lock(self, execution_id: ExecutionId) -> Execution:
        """The same, locked until the transaction ends."""
        return await self._one("id = $1 AND tenant = $2 FOR UPDATE", execution_id, self._tenant)

    async def lock_of(self, plan_id: PlanId, version: int) -> Execution:
        """The execution of a version, locked likewise."""
        return await self._one("plan_id = $1 AND version = $2 FOR UPDATE", plan_id, version)

    async def of_version(self, plan_id: PlanId, version: int) -> Execution | None:
        try:
            return await self._one("plan_id = $1 AND version = $2", plan_id, version)
        except NotFound:
            return None

    async def find(self, reference: str) -> ExecutionId:
        """The execution with this reference (`X-311`) or id."""
        found = await self._db.fetchval(
            "SELECT id::text FROM executions WHERE tenant = $1 AND (reference = upper($2) "
            "OR id::text = lower($2))",
            self._tenant,
            reference,
        )
        if found is None:
            raise NotFound(f"There is no execution {reference}.")
        return ExecutionId(found)

    async def in_state(self, *states: ExecutionState) -> list[Execution]:
        rows = await self._db.fetch(
            "SELECT id::text AS id FROM executions WHERE tenant = $1 AND state = ANY($2) "
            "ORDER BY created_at",
            self._tenant,
            [state.value for state in states],
        )
        return [await self.get(ExecutionId(row["id"])) for row in rows]

    async def save(self, execution: Execution) -> None:
        """Write everything but the steps."""
        await self._db.execute(
            "UPDATE executions SET state = $2, reason = $3, question_step = $4, "
            "countdown_until = $5, choices = $6, started_at = $7, ended_at = $8, epoch = $9, "
            "started_by = $10, stopped_by = $11, deadline_at = $12, asked_at = $13, "
            "remind_at = $14, reminded = $15, pins = $16 WHERE id = $1",
            execution.id,
            execution.state.value,
            execution.reason,
            execution.question_step,
            execution.countdown_until,
            [choice.value for choice in execution.choices],
            execution.started_at,
            execution.ended_at,
            execution.epoch,
            execution.started_by,
            execution.stopped_by,
            execution.deadline_at,
            execution.asked_at,
            execution.remind_at,
            execution.reminded,
            OUTPUTS.dump_json(execution.pins).decode(),
        )

    async def save_step(self, execution_id: ExecutionId, step: StepRecord) -> None:
        await self._db.execute(
            "UPDATE steps SET state = $3, attempt = $4, message = $5, outputs = $6, "
            "rollback_message = $7, started_at = $8, ended_at = $9 "
            "WHERE execution_id = $1 AND number = $2",
            execution_id,
            step.number,
            step.state.value,
            step.attempt,
            step.message,
            outputs_json(step),
            step.rollback_message,
            step.started_at,
            step.ended_at,
        )

    async def take_locks(
        self, execution_id: ExecutionId, keys: Sequence[str]
    ) -> ExecutionId | None:
        """Take all of them until the execution ends, or none; who holds the first that is taken.

        In one order for everybody, and nothing is kept while something is waited for.
        """
        for key in sorted(set(keys)):
            taken = await self._db.fetchval(TAKE_LOCK, self._tenant, key, execution_id)
            if taken is None:
                await self._db.execute(
                    "DELETE FROM execution_locks WHERE tenant = $1 AND execution_id = $2",
                    self._tenant,
                    execution_id,
                )
                return ExecutionId(
                    await self._db.fetchval(
                        "SELECT execution_id::text FROM execution_locks "
                        "WHERE tenant = $1 AND key = $2",
                        self._tenant,
                        key,
                    )
                )
        return None

    async def note_start(self, execution: Execution) -> None:
        """Record for good that this version was started; the database says when."""
        await self._db.execute(
            "INSERT INTO execution_starts (plan_id, version, execution_id) VALUES ($1, $2, $3)",
            execution.plan_id,
            execution.version,
            execution.id,
        )

    async def start_of(self, plan_id: PlanId, version: int) -> Start | None:
        row = await self._db.fetchrow(
            "SELECT execution_id::text AS execution_id, at FROM execution_starts "
            "WHERE plan_id = $1 AND version = $2",
            plan_id,
            version,
        )
        return Start.model_validate(dict(row)) if row else None

    async def _one(self, where: str, *values: object) -> Execution:
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM executions WHERE {where}",  # noqa: S608 - constants of this file
            *values,
        )
        if row is None:
            raise NotFound("There is no such execution.")
        steps = await self._db.fetch(
            f"SELECT {STEP_COLUMNS} FROM steps WHERE execution_id = $1 ORDER BY number",  # noqa: S608 - a constant of this file
            row["id"],
        )
        pins = OUTPUTS.validate_json(row["pins"])
        records = [step_record(step) for step in steps]
        return Execution.model_validate({**dict(row), "pins": pins, "steps": records})


def outputs_json(step: StepRecord) -> str:
    """The step's outputs as the column holds them."""
    return OUTPUTS.dump_json(step.outputs).decode()


def step_record(row: Row) -> StepRecord:
    """A row as the domain knows it."""
    return StepRecord.model_validate(
        {**dict(row), "outputs": OUTPUTS.validate_json(row["outputs"])}
    )
