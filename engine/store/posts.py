"""What the chat surface has to show, in Postgres."""

import json

from engine.domain.conversation import Place, Post, PostKind
from engine.domain.ids import new_id
from engine.domain.model import Json
from engine.store.connection import Connection, Row

CARDS = (PostKind.PLAN, PostKind.LOG, PostKind.PROBLEM, PostKind.FINDINGS, PostKind.HOME)
# The thread under one of our own posts (`Place.under`), as soon as the surface has told its ts.
ROOT = (
    "(SELECT root.ts FROM posts root WHERE root.id = substr(posts.thread, 6)::uuid "
    "AND root.ts <> '')"
)
THREAD = f"CASE WHEN thread LIKE 'post:%' THEN coalesce({ROOT}, thread) ELSE thread END"
COLUMNS = (
    f"id::text AS id, tenant, kind, subject, channel, {THREAD} AS thread, recipient, body, wanted, "
    "shown, ts, shown_version, shown_at, urgent, attempts, unsure, created_at"
)


class PostgresPosts:
    """The `Posts` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def want(
        self,
        kind: PostKind,
        subject: str,
        place: Place,
        *,
        body: dict[str, Json] | None = None,
        recipient: str = "",
        urgent: bool = False,
    ) -> str:
        """Insert a post, or touch the card that is there; return its id."""
        card = kind in CARDS
        conflict = (
            "ON CONFLICT (tenant, kind, subject) WHERE card DO UPDATE "
            "SET wanted = posts.wanted + 1, urgent = posts.urgent OR EXCLUDED.urgent, "
            "body = EXCLUDED.body, not_before = now() "
            if card
            else ""
        )
        return str(
            await self._db.fetchval(
                "INSERT INTO posts (id, tenant, kind, subject, channel, thread, recipient, body, "  # noqa: S608 - a constant of this function
                "card, urgent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
                f"{conflict}RETURNING id",
                new_id(),
                self._tenant,
                kind.value,
                subject,
                place.channel,
                place.thread,
                recipient,
                json.dumps(body or {}),
                card,
                urgent,
            )
        )

    async def touch(self, subject: str, *kinds: PostKind, urgent: bool = False) -> None:
        """Ask for another rendering of the subject's cards (of these kinds, or of all)."""
        await self._db.execute(
            "UPDATE posts SET wanted = wanted + 1, urgent = urgent OR $4 "
            "WHERE tenant = $1 AND subject = $2 AND card AND (kind = ANY($3) OR $3 = '{}')",
            self._tenant,
            subject,
            [kind.value for kind in kinds],
            urgent,
        )

    async def of(self, kind: PostKind, subject: str) -> Post | None:
        """The card of a subject, or its newest post of this kind."""
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM posts WHERE tenant = $1 AND kind = $2 AND subject = $3 "  # noqa: S608 - a constant of this file
            "ORDER BY created_at DESC LIMIT 1",
            self._tenant,
            kind.value,
            subject,
        )
        return post(row) if row else None

    async def at(self, channel: str, ts: str) -> Post | None:
        """The post that the surface shows there."""
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM posts WHERE tenant = $1 AND channel = $2 AND ts = $3 "  # noqa: S608 - a constant of this file
            "AND kind <> 'reaction' LIMIT 1",
            self._tenant,
            channel,
            ts,
        )
        return post(row) if row else None


def post(row: Row) -> Post:
    """A row as the domain knows it."""
    values = dict(row)
    place = {"channel": values.pop("channel"), "thread": values.pop("thread")}
    return Post.model_validate({**values, "place": place, "body": json.loads(values["body"])})
