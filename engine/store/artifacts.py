"""Rows of stored files, in Postgres."""

from collections.abc import Sequence
from datetime import datetime

from engine.domain.artifact import Artifact, ArtifactState, Kept, Source
from engine.domain.ids import DraftId, ExecutionId
from engine.errors import NotFound
from engine.store.connection import Connection, Row

SOURCE = ("execution_id", "step", "phase", "attempt", "draft_id", "number")
COLUMNS = (
    "id::text AS id, tenant, key, name, content_type, execution_id::text AS execution_id, step, "
    "phase, attempt, draft_id::text AS draft_id, number, state, size, sha256, unseen, partial, "
    "waits, worker, created_at, stored_at, purged_at"
)


class PostgresArtifacts:
    """The `Artifacts` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def put(self, artifact: Artifact) -> None:
        source = artifact.source
        await self._db.execute(
            "INSERT INTO artifacts (id, tenant, key, name, content_type, execution_id, step, "
            "phase, attempt, draft_id, number, state, size, sha256, unseen, partial, waits, "
            "worker, created_at, stored_at, purged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
            "$9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) "
            "ON CONFLICT (id) DO UPDATE SET state = $12, size = $13, sha256 = $14, unseen = $15, "
            "partial = $16, waits = $17, worker = $18, stored_at = $20, purged_at = $21",
            artifact.id,
            self._tenant,
            artifact.key,
            artifact.name,
            artifact.content_type,
            source.execution_id,
            source.step,
            source.phase.value if source.phase else None,
            source.attempt,
            source.draft_id,
            source.number,
            artifact.state.value,
            artifact.size,
            artifact.sha256,
            artifact.unseen,
            artifact.partial,
            artifact.waits,
            artifact.worker,
            artifact.created_at,
            artifact.stored_at,
            artifact.purged_at,
        )

    async def get(self, artifact_id: str) -> Artifact:
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM artifacts WHERE tenant = $1 AND id::text = lower($2)",  # noqa: S608 - a constant of this file
            self._tenant,
            artifact_id,
        )
        if row is None:
            raise NotFound("There is no such artifact.")
        return as_artifact(row)

    async def of_execution(self, execution_id: ExecutionId) -> list[Artifact]:
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM artifacts WHERE tenant = $1 AND execution_id = $2 ORDER BY id",  # noqa: S608 - a constant of this file
            self._tenant,
            execution_id,
        )
        return [as_artifact(row) for row in rows]

    async def of_drafts(self, draft_ids: Sequence[DraftId]) -> list[Artifact]:
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM artifacts WHERE tenant = $1 AND draft_id = ANY($2::uuid[]) "  # noqa: S608 - a constant of this file
            "ORDER BY draft_id, number, id",
            self._tenant,
            list(draft_ids),
        )
        return [as_artifact(row) for row in rows]

    async def waiting(self, execution_id: ExecutionId) -> int:
        return int(
            await self._db.fetchval(
                "SELECT count(*) FROM artifacts WHERE tenant = $1 AND execution_id = $2 AND waits",
                self._tenant,
                execution_id,
            )
        )

    async def old(self, before: datetime, limit: int) -> list[Artifact]:
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM artifacts WHERE tenant = $1 AND state = $2 "  # noqa: S608 - a constant of this file
            "AND stored_at < $3 AND NOT EXISTS (SELECT FROM executions "
            "WHERE executions.id = artifacts.execution_id AND executions.ended_at IS NULL) "
            # Evidence goes with the plan of its thread: not while that is open, or kept.
            "AND NOT EXISTS (SELECT FROM drafts JOIN conversations "
            "ON conversations.id = drafts.conversation_id "
            "LEFT JOIN version_states ON version_states.plan_id = conversations.plan_id "
            "LEFT JOIN executions ON executions.plan_id = conversations.plan_id "
            "LEFT JOIN artifact_holds ON artifact_holds.execution_id = executions.id "
            "WHERE drafts.id = artifacts.draft_id AND (artifact_holds.at IS NOT NULL "
            "OR version_states.state IN ('drafting', 'waiting', 'approved', 'executing'))) "
            "AND NOT EXISTS (SELECT FROM artifact_holds "
            "WHERE artifact_holds.execution_id = artifacts.execution_id) "
            "ORDER BY stored_at LIMIT $4 FOR UPDATE SKIP LOCKED",
            self._tenant,
            ArtifactState.STORED.value,
            before,
            limit,
        )
        return [as_artifact(row) for row in rows]

    async def keep(self, execution_id: ExecutionId, kept: Kept) -> None:
        """The first reason stays."""
        await self._db.execute(
            "INSERT INTO artifact_holds (tenant, execution_id, reason, person, person_name, at) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            self._tenant,
            execution_id,
            kept.reason,
            kept.person,
            kept.person_name,
            kept.at,
        )

    async def release(self, execution_id: ExecutionId) -> None:
        await self._db.execute(
            "DELETE FROM artifact_holds WHERE tenant = $1 AND execution_id = $2",
            self._tenant,
            execution_id,
        )

    async def kept(self, execution_id: ExecutionId) -> Kept | None:
        row = await self._db.fetchrow(
            "SELECT reason, person, person_name, at FROM artifact_holds "
            "WHERE tenant = $1 AND execution_id = $2",
            self._tenant,
            execution_id,
        )
        return Kept.model_validate(dict(row)) if row else None


def as_artifact(row: Row) -> Artifact:
    """A row as the domain knows it."""
    values = dict(row)
    source = Source.model_validate({name: values.pop(name) for name in SOURCE})
    return Artifact.model_validate({**values, "source": source})
