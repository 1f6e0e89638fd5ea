"""The relay's side of posts: the lease, what is due, and what became of it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.domain.conversation import Post, PostKind
from engine.store.connection import Connection, Pool, answering, touched
from engine.store.posts import COLUMNS, THREAD, post

CHANNEL = "carapulse_posts"
# A whisper is shown once. What its buttons led to may be a secret: a link to sign in.
FORGOTTEN = "CASE WHEN kind = 'whisper' THEN body - 'buttons' ELSE body END"
# Somebody may have begun a conversation there before the surface's answer arrived; it stays.
MOVE = (
    "UPDATE conversations SET thread = told.ts FROM told WHERE told.ts <> '' "
    "AND conversations.tenant = told.tenant AND conversations.channel = told.channel "
    "AND conversations.thread = 'post:' || told.id AND NOT EXISTS (SELECT 1 "
    "FROM conversations there WHERE there.tenant = told.tenant "
    "AND there.channel = told.channel AND there.thread = told.ts)"
)


@dataclass(frozen=True, slots=True)
class PostgresSurface:
    """Every result carries the epoch of the lease; a former holder changes nothing."""

    pool: Pool
    tenant: str

    async def lease(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew the lease by the database's clock; its epoch, or None if another's."""
        async with answering():
            epoch = await self.pool.fetchval(
                "INSERT INTO leases (name, holder, epoch, until) "
                "VALUES ($1, $2, 1, clock_timestamp() + $3::float8 * interval '1 second') "
                "ON CONFLICT (name) DO UPDATE SET holder = $2, until = EXCLUDED.until, "
                "epoch = leases.epoch + (leases.holder <> $2)::int "
                "WHERE leases.holder = $2 OR leases.until < clock_timestamp() RETURNING epoch",
                name,
                holder,
                seconds,
            )
        return None if epoch is None else int(epoch)

    async def release(self, name: str, holder: str) -> None:
        """Give the lease back, so that another need not wait for its end."""
        async with answering():
            await self.pool.execute(
                "UPDATE leases SET until = clock_timestamp() WHERE name = $1 AND holder = $2",
                name,
                holder,
            )

    async def due(self, limit: int, *, kinds: Sequence[PostKind] | None = None) -> list[Post]:
        """Posts that the surface does not show as they are; what needs a person first.

        Posts in the thread under a post that is not shown yet wait for it.
        """
        async with answering():
            rows = await self.pool.fetch(
                f"SELECT {COLUMNS} FROM posts WHERE tenant = $1 AND wanted > shown "  # noqa: S608 - a constant of the store
                "AND not_before <= now() AND ($3::text[] IS NULL OR kind = ANY($3)) "
                f"AND {THREAD} NOT LIKE 'post:%' "
                "ORDER BY urgent DESC, created_at LIMIT $2",
                self.tenant,
                limit,
                None if kinds is None else [kind.value for kind in kinds],
            )
        return [post(row) for row in rows]

    async def claim(self, post_id: str, epoch: int) -> bool:
        """Say that its first post is under way; from here its outcome is unsure until told."""
        async with answering():
            status = await self.pool.execute(
                "UPDATE posts SET unsure = true, epoch = $2 WHERE id = $1 AND epoch <= $2",
                post_id,
                epoch,
            )
        return touched(status) == 1

    async def posted(
        self,
        post_id: str,
        *,
        shown: int,
        ts: str,
        epoch: int,
        shown_version: int = 0,
        shown_at: str = "",
    ) -> bool:
        """The surface shows the post as of change `shown`.

        A conversation in the thread under it learns where that is (`Place.under`).
        `shown_at` is the surface's own time of this edit; it is kept from the first edit that
        showed a version, because acts on that version count from then.
        """
        async with answering():
            changed = await self.pool.fetchval(
                "WITH told AS (UPDATE posts SET shown = $2, ts = $3, unsure = false, "  # noqa: S608 - a constant of this file
                "attempts = 0, error = '', "
                "urgent = urgent AND wanted > $2, epoch = $4, shown_clock = now(), "
                "shown_at = CASE WHEN shown_version = $5 AND shown_at <> '' THEN shown_at "
                f"ELSE $6 END, shown_version = $5, body = {FORGOTTEN} "
                "WHERE id = $1 AND epoch <= $4 "
                "RETURNING id, tenant, channel, ts), "
                f"moved AS ({MOVE}) SELECT count(*) FROM told",
                post_id,
                shown,
                ts,
                epoch,
                shown_version,
                shown_at,
            )
        return bool(changed)

    async def failed(self, post_id: str, *, error: str, retry_in: float | None, epoch: int) -> None:
        """It could not be shown: again in `retry_in` seconds, or never (None)."""
        async with answering():
            await self.pool.execute(
                "UPDATE posts SET error = $2, attempts = attempts + 1, epoch = $4, "  # noqa: S608 - a constant of this file
                f"body = CASE WHEN $3::float8 IS NULL THEN {FORGOTTEN} ELSE body END, "
                "shown = CASE WHEN $3::float8 IS NULL THEN wanted ELSE shown END, "
                "not_before = now() + coalesce($3::float8, 0) * interval '1 second' "
                "WHERE id = $1 AND epoch <= $4",
                post_id,
                error[:500],
                retry_in,
                epoch,
            )

    async def live(self) -> int:
        """How many executions are under way, for the pace of card edits."""
        async with answering():
            return int(
                await self.pool.fetchval(
                    "SELECT count(*) FROM executions WHERE tenant = $1 AND ended_at IS NULL",
                    self.tenant,
                )
            )

    async def lag(self) -> float:
        """Age in seconds of the oldest change that the surface does not show."""
        async with answering():
            age = await self.pool.fetchval(
                "SELECT extract(epoch FROM now() - min(greatest(created_at, shown_clock))) "
                "FROM posts WHERE tenant = $1 AND wanted > shown",
                self.tenant,
            )
        return float(age or 0)

    @asynccontextmanager
    async def listening(self, wake: Callable[[], None]) -> AsyncIterator[Connection]:
        """Call `wake` whenever a post is added or touched, for as long as the block lasts."""

        def on_notify(*_: object) -> None:
            wake()

        async with answering(), self.pool.acquire() as connection:
            await connection.add_listener(CHANNEL, on_notify)
            try:
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.remove_listener(CHANNEL, on_notify)
