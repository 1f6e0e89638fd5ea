"""The audit's chain in Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.crossing import crossing
from engine.domain.audit import (
    START,
    Anchor,
    AuditQuery,
    AuditRow,
    Checkpoint,
    Link,
    Tail,
    linked,
)
from engine.ports.audit import Sealer
from engine.store.connection import Connection, Pool, Row, answering

LOCK = 5_220_417_905
PREFETCH = 2000
COLUMNS = "a.id, a.tenant, a.at, a.actor, a.action, a.subject, a.decision, a.body"
# A row counts once no transaction older than its own is under way: from then on no row can come
# to stand before it.
SEALABLE = f"""
SELECT {COLUMNS} FROM audit a
WHERE a.txid < pg_snapshot_xmin(pg_current_snapshot())
  AND (a.txid, a.id) > ($1::xid8, $2::bigint)
ORDER BY a.txid, a.id LIMIT $3
"""  # noqa: S608 (fixed words)
BEHIND = f"""
SELECT {COLUMNS} FROM audit a
WHERE a.txid < pg_snapshot_xmin(pg_current_snapshot())
  AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)
ORDER BY a.txid, a.id LIMIT $1
"""  # noqa: S608

# The last entry before which all is older, but never the chain's end: what follows needs it.
ANCHORABLE = """
SELECT c.seq, c.link FROM audit_chain c
WHERE c.seq < coalesce(
    (SELECT n.seq FROM audit_chain n JOIN audit a ON a.id = n.audit_id
     WHERE a.at >= $1 ORDER BY n.seq LIMIT 1),
    (SELECT max(seq) FROM audit_chain)
) AND c.seq > coalesce((SELECT max(seq) FROM audit_anchors), 0)
ORDER BY c.seq DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class PostgresChain:
    """The `AuditChain` port. The chain is of the whole database; rows are read by tenant."""

    pool: Pool
    tenant: str

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresReading"]:
        """One snapshot, for as long as the reader takes."""
        async with (
            answering(),
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(
                "SET LOCAL statement_timeout = 0; "
                "SET LOCAL idle_in_transaction_session_timeout = '10min'"
            )
            yield PostgresReading(connection, self.tenant)

    async def page(self, query: AuditQuery, limit: int) -> list[AuditRow]:
        below = query.after
        where, values = conditions(query.model_copy(update={"after": 0}), self.tenant)
        if below:
            values.append(below)
            where += f" AND a.id < ${len(values)}"
        async with answering(), self.pool.acquire() as connection:
            rows = await connection.fetch(
                f"SELECT {COLUMNS} FROM audit a WHERE {where} "  # noqa: S608 (fixed words)
                f"ORDER BY a.id DESC LIMIT ${len(values) + 1}",
                *values,
                limit,
            )
        return [stored(row) for row in rows]

    async def seal(self, sealer: Sealer, *, limit: int, behind: bool = False) -> int:
        async with answering(), self.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
                return 0
            return await self._seal(connection, sealer, limit, behind=behind)

    async def _seal(
        self, connection: Connection, sealer: Sealer, limit: int, *, behind: bool
    ) -> int:
        last = await connection.fetchrow(
            "SELECT c.seq, c.link, a.txid::text AS txid, c.audit_id FROM audit_chain c "
            "LEFT JOIN audit a ON a.id = c.audit_id ORDER BY c.seq DESC LIMIT 1"
        )
        if behind or (last and last["txid"] is None):
            rows = await connection.fetch(BEHIND, limit)
        else:
            at = (int(last["txid"]), last["audit_id"]) if last else (0, 0)
            rows = await connection.fetch(SEALABLE, *at, limit)
        if not rows:
            return 0
        crossing("K17")
        await self._link(connection, sealer, last, [stored(row) for row in rows])
        return len(rows)

    async def _link(
        self, connection: Connection, sealer: Sealer, last: Row | None, rows: list[AuditRow]
    ) -> None:
        seq, link = (last["seq"], last["link"]) if last else (0, START)
        entries = []
        for row in rows:
            seq, row_hash = seq + 1, row.hash
            link = linked(link, seq, row_hash)
            entries.append((seq, row.id, row_hash, link))
        await connection.execute(
            "INSERT INTO audit_chain (seq, audit_id, row_hash, link) "
            "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])",
            *map(list, zip(*entries, strict=True)),
        )
        end = Checkpoint(seq=seq, link=link, key_id=sealer.key_id, signature="")
        await connection.execute(
            "INSERT INTO audit_checkpoints (seq, link, key_id, signature) VALUES ($1, $2, $3, $4)",
            seq,
            link,
            sealer.key_id,
            sealer.seal(end.message),
        )

    async def anchor(self, sealer: Sealer, *, before: datetime) -> int | None:
        async with answering(), self.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
                return None
            row = await connection.fetchrow(ANCHORABLE, before)
            if row is None:
                return None
            key_id = sealer.key_id
            anchor = Anchor(seq=row["seq"], link=row["link"], key_id=key_id, signature="")
            await connection.execute(
                "INSERT INTO audit_anchors (seq, link, key_id, signature) VALUES ($1, $2, $3, $4)",
                anchor.seq,
                anchor.link,
                key_id,
                sealer.anchor(anchor.message),
            )
            return anchor.seq

    async def purge(self, up_to: int, at_most: int) -> int:
        async with answering(), self.pool.acquire() as connection:
            return int(await connection.fetchval("SELECT purge_audit($1, $2)", up_to, at_most))


@dataclass(frozen=True, slots=True)
class PostgresReading:
    """The `AuditReading` port, on one connection."""

    connection: Connection
    tenant: str

    async def links(self) -> AsyncIterator[Link]:
        """Every entry of the chain, in its order."""
        query = (
            f"SELECT c.seq, c.audit_id, c.row_hash, c.link, {COLUMNS} FROM audit_chain c "  # noqa: S608
            "LEFT JOIN audit a ON a.id = c.audit_id ORDER BY c.seq"
        )
        async for row in self.connection.cursor(query, prefetch=PREFETCH):
            yield Link(
                seq=row["seq"],
                audit_id=row["audit_id"],
                row_hash=row["row_hash"],
                link=row["link"],
                row=stored(row) if row["id"] is not None else None,
            )

    async def rows(self, query: AuditQuery) -> AsyncIterator[AuditRow]:
        """The rows that are asked for, oldest first."""
        where, values = conditions(query, self.tenant)
        text = f"SELECT {COLUMNS} FROM audit a WHERE {where} ORDER BY a.id"  # noqa: S608
        async for row in self.connection.cursor(text, *values, prefetch=PREFETCH):
            yield stored(row)

    async def checkpoints(self) -> list[Checkpoint]:
        """The last of each thousand, and the last of all: one vouches for all before it."""
        rows = await self.connection.fetch(
            "SELECT DISTINCT ON (seq / 1000) seq, link, key_id, signature FROM audit_checkpoints "
            "ORDER BY seq / 1000, seq DESC"
        )
        return [Checkpoint.model_validate(dict(row)) for row in rows]

    async def anchor(self) -> Anchor | None:
        """The newest one."""
        row = await self.connection.fetchrow(
            "SELECT seq, link, key_id, signature FROM audit_anchors ORDER BY seq DESC LIMIT 1"
        )
        return Anchor.model_validate(dict(row)) if row else None

    async def tail(self) -> Tail:
        """What no entry seals yet."""
        row = await self.connection.fetchrow(
            "SELECT count(*) AS count, min(a.id) AS first, max(a.id) AS last, min(a.at) AS oldest "
            "FROM audit a WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)"
        )
        assert row is not None
        return Tail.model_validate(dict(row))


def stored(row: Row) -> AuditRow:
    """A row as it is; its values are ours, so they need no second look."""
    names = ("id", "tenant", "at", "actor", "action", "subject", "decision", "body")
    return AuditRow.model_construct(**{name: row[name] for name in names})


def conditions(query: AuditQuery, tenant: str) -> tuple[str, list[Any]]:
    """What to ask for, as SQL with numbered values."""
    parts: list[str] = []
    values: list[Any] = []

    def ask(condition: str, value: object) -> None:
        values.append(value)
        parts.append(condition.format(f"${len(values)}"))

    ask("a.tenant = {}", tenant)
    by_kind = query.action.endswith(".*")
    asked = (
        ("a.actor = {}", query.actor),
        ("a.subject = {}", query.subject),
        ("a.decision = {}", query.decision),
        ("starts_with(a.action, {})", query.action[:-1] if by_kind else ""),
        ("a.action = {}", "" if by_kind else query.action),
        ("a.at >= {}", query.since),
        ("a.at < {}", query.until),
        ("a.id > {}", query.after),
    )
    for condition, value in asked:
        if value:
            ask(condition, value)
    return " AND ".join(parts), values
