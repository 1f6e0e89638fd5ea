"""What arrived from outside, as it came, in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.store.connection import Connection, Pool, Row, answering

ONCE = (
    "INSERT INTO inbox (tenant, source, key, thread, body, handled_at, outcome) "
    "VALUES ($1, $2, $3, '', '', now(), 'once') "
    "ON CONFLICT (tenant, source, key) DO NOTHING RETURNING id"
)
FIRST = (
    "INSERT INTO inbox (tenant, source, key, thread, body, handled_at, outcome) "
    "VALUES ($1, $2, $3, '', $4, now(), 'once') "
    "ON CONFLICT (tenant, source, key) DO NOTHING RETURNING body"
)
# Held from the start where nothing of the thread waits: its process needs no second statement.
RECEIVE = (
    "INSERT INTO inbox (tenant, source, key, thread, body, holder, held_until, attempts) "
    "SELECT $1, source, key, thread, body, CASE WHEN free THEN $2 ELSE '' END, "
    "CASE WHEN free THEN clock_timestamp() + $3::float8 * interval '1 second' "
    "ELSE '-infinity' END, free::int "
    "FROM unnest($4::text[], $5::text[], $6::text[], $7::bytea[], $8::bool[]) "
    "WITH ORDINALITY AS came (source, key, thread, body, take, number) "
    "CROSS JOIN LATERAL (SELECT take AND NOT EXISTS (SELECT FROM inbox WHERE tenant = $1 "
    "AND inbox.thread = came.thread AND handled_at IS NULL) AS free) AS now ORDER BY number "
    "ON CONFLICT (tenant, source, key) DO NOTHING RETURNING id, source, key, attempts"
)


class PostgresInbox:
    """The `Inbox` port: rows that need nobody to carry them out."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def once(self, source: str, key: str) -> bool:
        """Whether this is the first time; committed with the rest of the transaction."""
        return await self._db.fetchval(ONCE, self._tenant, source, key) is not None

    async def first(self, source: str, key: str, body: bytes) -> bytes:
        """What came with this key the first time: this, unless something did before."""
        kept = await self._db.fetchval(FIRST, self._tenant, source, key, body)
        if kept is None:  # a new statement sees what another transaction has committed meanwhile
            query = "SELECT body FROM inbox WHERE (tenant, source, key) = ($1, $2, $3)"
            kept = await self._db.fetchval(query, self._tenant, source, key)
        return bytes(kept)


@dataclass(frozen=True, slots=True)
class Stored:
    """A payload that waits; `attempts` counts the times that somebody took it."""

    id: int
    body: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class Arriving:
    """A payload from outside; with `take` whoever stores it carries it out."""

    source: str
    key: str
    thread: str
    body: bytes
    take: bool


@dataclass(frozen=True, slots=True)
class InboxQueue:
    """The inbox as a queue by thread. `holder` names this process; a hold lasts `seconds`."""

    pool: Pool
    tenant: str
    holder: str
    seconds: float

    async def following(
        self,
        source: str,
        thread: str,
        *,
        done: Sequence[int] = (),
        outcome: str = "",
        at_most: int = 1,
        bytes_at_most: int = 0,
    ) -> list[Stored]:
        """Mark what is done; take the thread's oldest payloads, unless another process has them.

        At least one is taken, and more while they have at most `bytes_at_most` together.
        """
        async with answering():
            rows = await self.pool.fetch(
                "SELECT id, body, attempts FROM inbox_next($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                self.tenant,
                source,
                thread,
                self.holder,
                self.seconds,
                list(done),
                outcome[:500],
                at_most,
                bytes_at_most,
            )
        return [Stored(row["id"], row["body"], row["attempts"]) for row in rows]

    async def postpone(self, ids: Sequence[int], seconds: float, *, counts: bool) -> None:
        """Nobody takes them so long; unless it `counts`, this was no attempt."""
        async with answering():
            await self.pool.execute(
                "UPDATE inbox SET holder = '', attempts = attempts - (NOT $3::bool)::int, "
                "held_until = clock_timestamp() + $2::float8 * interval '1 second' "
                "WHERE id = ANY ($1) AND handled_at IS NULL",
                list(ids),
                seconds,
                counts,
            )

    async def renew(self) -> None:
        """Keep what this process holds."""
        async with answering():
            await self.pool.execute(
                "UPDATE inbox SET held_until = clock_timestamp() + $3::float8 * interval '1 second'"
                " WHERE tenant = $1 AND holder = $2 AND handled_at IS NULL",
                self.tenant,
                self.holder,
                self.seconds,
            )

    async def left(self, sources: Sequence[str], limit: int = 100) -> list[tuple[str, str]]:
        """(source, thread) of what waits and nobody holds, oldest first."""
        async with answering():
            rows = await self.pool.fetch(
                "SELECT source, thread FROM inbox WHERE tenant = $1 AND source = ANY ($2) "
                "AND handled_at IS NULL GROUP BY source, thread "
                "HAVING max(held_until) < clock_timestamp() ORDER BY min(id) LIMIT $3",
                self.tenant,
                list(sources),
                limit,
            )
        return [(row["source"], row["thread"]) for row in rows]


async def receive(
    connection: Connection, tenant: str, holder: str, seconds: float, payloads: Sequence[Arriving]
) -> list[Stored | None]:
    """Store these in this order, in one statement; None for each whose key is known.

    The first of a thread is held by `holder` at once (`attempts` is 1) if it is to be taken and
    nothing of its thread waits.
    """
    firsts = {each.thread: number for number, each in reversed(list(enumerate(payloads)))}
    rows = await connection.fetch(
        RECEIVE,
        tenant,
        holder,
        seconds,
        [each.source for each in payloads],
        [each.key for each in payloads],
        [each.thread for each in payloads],
        [each.body for each in payloads],
        [each.take and firsts[each.thread] == number for number, each in enumerate(payloads)],
    )
    new = {(row["source"], row["key"]): row for row in rows}
    return [stored(each, new.pop((each.source, each.key), None)) for each in payloads]


def stored(payload: Arriving, row: Row | None) -> Stored | None:
    """The new row, with the body that went into it."""
    return Stored(row["id"], payload.body, row["attempts"]) if row else None
