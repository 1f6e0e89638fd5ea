"""Signed decisions in Postgres; insert-only."""

from pydantic import ValidationError

from engine.domain.approval import Signed
from engine.domain.ids import PlanId
from engine.errors import Tampered
from engine.store.connection import Connection


class PostgresApprovals:
    """The `Approvals` port."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def add(self, signed: Signed) -> None:
        statement = signed.statement
        await self._db.execute(
            "INSERT INTO approvals (plan_id, version, person, verdict, nonce, body, at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            statement.plan_id,
            statement.version,
            statement.person,
            statement.verdict.value,
            statement.nonce,
            signed.model_dump_json(),
            statement.at,
        )

    async def of(self, plan_id: PlanId, version: int) -> list[Signed]:
        """All decisions on a version, oldest first."""
        rows = await self._db.fetch(
            "SELECT body FROM approvals WHERE plan_id = $1 AND version = $2 ORDER BY id",
            plan_id,
            version,
        )
        return [stored(row["body"]) for row in rows]


def stored(body: str) -> Signed:
    """A decision as it was written. Raises `Tampered`: we write none that can't be read again."""
    try:
        return Signed.model_validate_json(body)
    except ValidationError as error:
        raise Tampered(
            "A stored decision can't be read. Someone put it there outside of Carapulse."
        ) from error
