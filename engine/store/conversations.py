"""Threads and what was said in them, in Postgres."""

import json

from engine.domain.context import ContextRef
from engine.domain.conversation import HEARD, Conversation, Place, Turn
from engine.domain.draft import Draft
from engine.domain.ids import ConversationId, PlanId, ProblemId, new_id
from engine.errors import NotFound
from engine.store.connection import Connection, Row

COLUMNS = (
    "id::text AS id, tenant, channel, thread, context, plan_id::text AS plan_id, "
    "problem_id::text AS problem_id, session_id::text AS session_id, created_at"
)

ASK = (
    "WITH said AS (INSERT INTO turns (conversation_id, person, person_name, body, ts, at) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (conversation_id, ts) DO NOTHING RETURNING ts), "
    "seen AS (INSERT INTO posts "
    "(id, tenant, kind, subject, channel, thread, recipient, body, card, urgent) "
    "SELECT $13, $7, 'reaction', $14 || ':' || ts, $14, $15, '', $16, false, true "
    "FROM said WHERE $12) "
    "INSERT INTO drafts (id, tenant, conversation_id, state, body, created_at) "
    "SELECT $8, $7, $1, $9, $10, $11 FROM said RETURNING id"
)


class PostgresConversations:
    """The `Conversations` port."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def at(self, place: Place) -> Conversation | None:
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM conversations "  # noqa: S608 - a constant of this file
            "WHERE tenant = $1 AND channel = $2 AND thread = $3",
            self._tenant,
            place.channel,
            place.thread,
        )
        return conversation_of(row) if row else None

    async def get(self, conversation_id: ConversationId) -> Conversation:
        row = await self._db.fetchrow(
            f"SELECT {COLUMNS} FROM conversations "  # noqa: S608 - a constant of this file
            "WHERE id = $1 AND tenant = $2",
            conversation_id,
            self._tenant,
        )
        if row is None:
            raise NotFound("There is no such conversation.")
        return conversation_of(row)

    async def lock(self, conversation_id: ConversationId) -> Conversation:
        """The same, locked until the transaction ends."""
        await self._db.execute(
            "SELECT FROM conversations WHERE id = $1 FOR UPDATE", conversation_id
        )
        return await self.get(conversation_id)

    async def add(self, conversation: Conversation) -> Conversation:
        """Insert, or return the one that is already at this place."""
        row = await self._db.fetchrow(
            "INSERT INTO conversations "  # noqa: S608 - a constant of this file
            "(id, tenant, channel, thread, context, plan_id, problem_id, created_at, session_id) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
            "ON CONFLICT (tenant, channel, thread) DO UPDATE SET channel = EXCLUDED.channel "
            f"RETURNING {COLUMNS}",
            conversation.id,
            self._tenant,
            conversation.place.channel,
            conversation.place.thread,
            conversation.context.model_dump_json(),
            conversation.plan_id,
            conversation.problem_id,
            conversation.created_at,
            conversation.session,
        )
        assert row is not None, "inserted, or there before"
        return conversation_of(row)

    async def attach(
        self,
        conversation_id: ConversationId,
        *,
        plan_id: PlanId | None = None,
        problem_id: ProblemId | None = None,
    ) -> None:
        """Say what the thread is about; what is None stays."""
        await self._db.execute(
            "UPDATE conversations SET plan_id = coalesce($2, plan_id), "
            "problem_id = coalesce($3, problem_id) WHERE id = $1",
            conversation_id,
            plan_id,
            problem_id,
        )

    async def move(self, conversation_id: ConversationId, place: Place) -> None:
        """The surface has told where the thread really is."""
        await self._db.execute(
            "UPDATE conversations SET channel = $2, thread = $3 WHERE id = $1",
            conversation_id,
            place.channel,
            place.thread,
        )

    async def ask(self, turn: Turn, draft: Draft, *, seen_at: Place | None = None) -> bool:
        """The sentence, the request that it is, and the emoji on it; one statement."""
        place = seen_at or Place(channel="", thread="")
        found = await self._db.fetchval(
            ASK,
            turn.conversation_id,
            turn.person,
            turn.person_name,
            turn.text,
            turn.ts,
            turn.at,
            self._tenant,
            draft.id,
            draft.state.value,
            draft.model_dump_json(),
            draft.created_at,
            seen_at is not None,
            new_id(),
            place.channel,
            place.thread,
            json.dumps({"name": HEARD, "ts": turn.ts}),
        )
        return found is not None

    async def turns(self, conversation_id: ConversationId, limit: int = 50) -> list[Turn]:
        """The last turns, oldest first."""
        rows = await self._db.fetch(
            "SELECT conversation_id::text AS conversation_id, person, person_name, body AS text, "
            "ts, at FROM turns WHERE conversation_id = $1 ORDER BY id DESC LIMIT $2",
            conversation_id,
            limit,
        )
        return [Turn.model_validate(dict(row)) for row in reversed(rows)]


def conversation_of(row: Row) -> Conversation:
    """A row as the domain knows it."""
    return Conversation.model_validate(
        {
            "id": row["id"],
            "tenant": row["tenant"],
            "place": {"channel": row["channel"], "thread": row["thread"]},
            "context": ContextRef.model_validate_json(row["context"]),
            "plan_id": row["plan_id"],
            "problem_id": row["problem_id"],
            "session": row["session_id"],
            "created_at": row["created_at"],
        }
    )
