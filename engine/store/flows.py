"""The queue of what is worked on without Temporal; all times are the database's."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from engine.domain.flow import FlowKey, HeldFlow
from engine.store.connection import Pool, Row, answering

CHANNEL = "carapulse_flows"
IDENTITY = "tenant = $1 AND kind = $2 AND subject = $3 AND version = $4 AND epoch = $5"
OURS = f"{IDENTITY} AND fence = $6 AND ended_at IS NULL"
KEPT = "interval '7 days'"


@dataclass(frozen=True, slots=True)
class PostgresFlows:
    """The `Flows` port. A fence grows with each claim, so a former holder changes nothing."""

    pool: Pool
    tenant: str

    async def wake(self, key: FlowKey) -> None:
        async with answering():
            await self.pool.execute(
                "WITH woken AS (INSERT INTO flows (tenant, kind, subject, version, epoch) "
                "VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (tenant, kind, subject, version, epoch) DO UPDATE "
                "SET wakes = flows.wakes + 1, due_at = least(flows.due_at, now()) "
                "WHERE flows.ended_at IS NULL RETURNING tenant) "
                "SELECT pg_notify($6, tenant) FROM woken",
                *self._identity(key),
                CHANNEL,
            )

    async def lives(self, key: FlowKey) -> bool:
        async with answering():
            found = await self.pool.fetchval(
                f"SELECT ended_at IS NULL FROM flows WHERE {IDENTITY}",  # noqa: S608 - a constant
                *self._identity(key),
            )
        return bool(found)

    async def claim(self, holder: str, seconds: float, at_most: int) -> list[HeldFlow]:
        async with answering():
            rows = await self.pool.fetch(
                "UPDATE flows SET holder = $2, fence = flows.fence + 1, "
                "held_until = clock_timestamp() + $3::float8 * interval '1 second' "
                "FROM (SELECT kind, subject, version, epoch FROM flows WHERE tenant = $1 "
                "AND ended_at IS NULL AND due_at <= now() AND held_until <= now() "
                "ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED) due "
                "WHERE flows.tenant = $1 AND flows.kind = due.kind "
                "AND flows.subject = due.subject AND flows.version = due.version "
                "AND flows.epoch = due.epoch RETURNING flows.*",
                self.tenant,
                holder,
                seconds,
                at_most,
            )
        return [held(row) for row in rows]

    async def renew(self, holder: str, seconds: float) -> list[HeldFlow]:
        async with answering():
            rows = await self.pool.fetch(
                "UPDATE flows SET held_until = clock_timestamp() + $3::float8 * interval "
                "'1 second' WHERE tenant = $1 AND holder = $2 AND ended_at IS NULL RETURNING *",
                self.tenant,
                holder,
                seconds,
            )
        return [held(row) for row in rows]

    async def let_go(self, held: HeldFlow, seconds: float) -> None:
        async with answering():
            await self.pool.execute(
                "UPDATE flows SET holder = '', held_until = '-infinity', "  # noqa: S608 - a constant
                "due_at = now() + CASE WHEN wakes > $7 THEN 0 ELSE $8::float8 END "
                f"* interval '1 second' WHERE {OURS}",
                *self._identity(held.key),
                held.fence,
                held.wakes,
                seconds,
            )

    async def end(self, held: HeldFlow) -> None:
        """What ended long ago is forgotten with it."""
        async with answering():
            await self.pool.execute(
                f"WITH old AS (DELETE FROM flows WHERE ended_at < now() - {KEPT}) "  # noqa: S608 - constants
                f"UPDATE flows SET ended_at = now(), holder = '' WHERE {OURS}",
                *self._identity(held.key),
                held.fence,
            )

    async def next_in(self) -> float | None:
        async with answering():
            seconds = await self.pool.fetchval(
                "SELECT extract(epoch FROM min(greatest(due_at, held_until)) - now())::float8 "
                "FROM flows WHERE tenant = $1 AND ended_at IS NULL",
                self.tenant,
            )
        return None if seconds is None else float(seconds)

    async def late(self) -> tuple[int, float]:
        """How many wait for a worker, and the longest for how many seconds."""
        async with answering():
            row = await self.pool.fetchrow(
                "SELECT count(*) AS waiting, coalesce(max(extract(epoch FROM now() - "
                "greatest(due_at, held_until))), 0)::float8 AS longest FROM flows "
                "WHERE tenant = $1 AND ended_at IS NULL AND due_at <= now() "
                "AND held_until <= now()",
                self.tenant,
            )
        assert row is not None
        return int(row["waiting"]), float(row["longest"])

    async def listen(self, wake: Callable[[], None]) -> None:
        gone = asyncio.Event()

        def heard(*_: object) -> None:
            wake()

        def ended(*_: object) -> None:
            gone.set()

        async with answering(), self.pool.acquire() as connection:
            connection.add_termination_listener(ended)
            await connection.add_listener(CHANNEL, heard)
            wake()
            try:
                await gone.wait()
            finally:
                if not connection.is_closed():
                    connection.remove_termination_listener(ended)
                    await connection.remove_listener(CHANNEL, heard)

    def _identity(self, key: FlowKey) -> tuple[str, str, str, int, int]:
        return self.tenant, key.kind.value, key.subject, key.version, key.epoch


def held(row: Row) -> HeldFlow:
    """A row as its holder knows it."""
    key = FlowKey(
        kind=row["kind"], subject=row["subject"], version=row["version"], epoch=row["epoch"]
    )
    return HeldFlow(key=key, fence=row["fence"], wakes=row["wakes"])
