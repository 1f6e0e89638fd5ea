"""What candidates of the policy would answer, in Postgres; bounded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from engine.domain.shadow import Difference, Shadowed, Tally
from engine.store.connection import Connection, Pool, Row, answering

CANDIDATES, DIFFERENCES = 10, 500
TALLY = """
INSERT INTO shadow_candidates AS kept
    (tenant, candidate, asked, different, dropped, failed, problem, since, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant, candidate) DO UPDATE SET asked = kept.asked + EXCLUDED.asked,
    different = kept.different + EXCLUDED.different, dropped = kept.dropped + EXCLUDED.dropped,
    failed = kept.failed + EXCLUDED.failed, problem = EXCLUDED.problem,
    at = greatest(kept.at, EXCLUDED.at)
"""
FORGET_CANDIDATES = """
DELETE FROM shadow_candidates WHERE tenant = $1 AND candidate NOT IN (
    SELECT candidate FROM shadow_candidates WHERE tenant = $1 ORDER BY at DESC, candidate LIMIT $2)
"""
DIFFERENCE = """
INSERT INTO shadow_differences AS kept
    (tenant, candidate, key, action, question, live, shadow, count, since, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant, candidate, key) DO UPDATE SET count = kept.count + EXCLUDED.count,
    at = greatest(kept.at, EXCLUDED.at)
"""
FORGET_DIFFERENCES = """
DELETE FROM shadow_differences WHERE tenant = $1 AND candidate = $2 AND key NOT IN (
    SELECT key FROM shadow_differences WHERE tenant = $1 AND candidate = $2
    ORDER BY at DESC, key LIMIT $3)
"""


@dataclass(frozen=True, slots=True)
class PostgresShadows:
    """The `Shadows` port. Of differences and candidates the newest are kept."""

    pool: Pool
    tenant: str

    async def note(self, tally: Tally, differences: Sequence[Difference]) -> None:
        async with answering(), self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                TALLY,
                self.tenant,
                tally.candidate,
                tally.asked,
                tally.different,
                tally.dropped,
                tally.failed,
                tally.problem,
                tally.since,
                tally.at,
            )
            for one in sorted(differences, key=lambda each: each.key):
                await self._add(connection, tally.candidate, one)
            if differences:
                await connection.execute(
                    FORGET_DIFFERENCES, self.tenant, tally.candidate, DIFFERENCES
                )
            await connection.execute(FORGET_CANDIDATES, self.tenant, CANDIDATES)

    async def _add(self, connection: Connection, candidate: str, one: Difference) -> None:
        await connection.execute(
            DIFFERENCE,
            self.tenant,
            candidate,
            one.key,
            one.question.action,
            one.question.model_dump_json(),
            one.live.model_dump_json(),
            one.shadow.model_dump_json(),
            one.count,
            one.since,
            one.at,
        )

    async def report(self, limit: int = 50) -> list[Shadowed]:
        async with answering(), self.pool.acquire() as connection:
            candidates = await connection.fetch(
                "SELECT candidate, asked, different, dropped, failed, problem, since, at "
                "FROM shadow_candidates WHERE tenant = $1 ORDER BY at DESC, candidate",
                self.tenant,
            )
            rows = await connection.fetch(
                "SELECT candidate, question, live, shadow, count, since, at FROM ("
                "SELECT *, row_number() OVER (PARTITION BY candidate ORDER BY count DESC, key) "
                "AS place FROM shadow_differences WHERE tenant = $1) ranked "
                "WHERE place <= $2 ORDER BY candidate, place",
                self.tenant,
                limit,
            )
        found: dict[str, list[Difference]] = {}
        for row in rows:
            found.setdefault(row["candidate"], []).append(difference(row))
        return [
            Shadowed(
                tally=Tally.model_validate(dict(row)),
                differences=tuple(found.get(row["candidate"], ())),
            )
            for row in candidates
        ]


def difference(row: Row) -> Difference:
    """A row as the domain knows it."""
    values = {name: row[name] for name in ("count", "since", "at")}
    told = {name: json.loads(row[name]) for name in ("question", "live", "shadow")}
    return Difference.model_validate({**values, **told})
