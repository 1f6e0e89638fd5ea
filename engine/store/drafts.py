"""Requests on their way to a plan, and their evidence, in Postgres."""

from collections.abc import Sequence

from engine.domain.draft import Draft, DraftState, Evidence, Outcome, OutcomeKind
from engine.domain.ids import ConversationId, DraftId, EvidenceId, PlanId
from engine.errors import NotFound
from engine.store.connection import Connection, touched


class PostgresDrafts:
    """The `Drafts` port."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def add(self, draft: Draft) -> None:
        await self._db.execute(
            "INSERT INTO drafts (id, tenant, conversation_id, state, body, created_at) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            draft.id,
            draft.tenant,
            draft.conversation_id,
            draft.state.value,
            draft.model_dump_json(),
            draft.created_at,
        )

    async def get(self, draft_id: DraftId) -> Draft:
        """Return the draft, or raise `NotFound`."""
        row = await self._db.fetchrow(
            "SELECT body, state, epoch FROM drafts WHERE id = $1", draft_id
        )
        if row is None:
            raise NotFound("There is no such request.")
        draft = Draft.model_validate_json(row["body"])
        changes = {"state": DraftState(row["state"]), "epoch": row["epoch"]}
        return draft.model_copy(update=changes)

    async def move(self, draft_id: DraftId, *, frm: DraftState, to: DraftState) -> bool:
        """Compare-and-set; a draft that leaves `open` ends."""
        status = await self._db.execute(
            "UPDATE drafts SET state = $3, ended_at = coalesce(ended_at, now()) "
            "WHERE id = $1 AND state = $2",
            draft_id,
            frm.value,
            to.value,
        )
        return touched(status) == 1

    async def keep_outcome(self, draft_id: DraftId, outcome: Outcome) -> None:
        await self._db.execute(
            "UPDATE drafts SET outcome = $2 WHERE id = $1", draft_id, outcome.model_dump_json()
        )

    async def outcome(self, draft_id: DraftId) -> Outcome | None:
        body = await self._db.fetchval("SELECT outcome FROM drafts WHERE id = $1", draft_id)
        return Outcome.model_validate_json(body) if body else None

    async def seconds(self, draft_id: DraftId) -> float:
        """How long it took, or takes already."""
        taken = await self._db.fetchval(
            "SELECT extract(epoch FROM coalesce(ended_at, now()) - created_at) "
            "FROM drafts WHERE id = $1",
            draft_id,
        )
        return float(taken or 0)

    async def add_evidence(self, evidence: Evidence) -> None:
        """Insert; the same number of the same draft again is ignored."""
        await self._db.execute(
            "INSERT INTO evidence (id, draft_id, number, body, at) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (draft_id, number) DO NOTHING",
            evidence.id,
            evidence.draft_id,
            evidence.number,
            evidence.model_dump_json(),
            evidence.at,
        )

    async def evidence(self, draft_id: DraftId) -> list[Evidence]:
        rows = await self._db.fetch(
            "SELECT body FROM evidence WHERE draft_id = $1 ORDER BY number", draft_id
        )
        return [Evidence.model_validate_json(row["body"]) for row in rows]

    async def evidence_by_id(self, ids: Sequence[EvidenceId]) -> list[Evidence]:
        rows = await self._db.fetch(
            "SELECT body FROM evidence WHERE id = ANY($1::uuid[]) ORDER BY draft_id, number",
            list(ids),
        )
        return [Evidence.model_validate_json(row["body"]) for row in rows]

    async def question_in(self, conversation_id: ConversationId) -> Draft | None:
        """The newest draft of a conversation, if it is a question that nobody has answered."""
        row = await self._db.fetchrow(
            "SELECT body, state, outcome FROM drafts WHERE conversation_id = $1 "
            "ORDER BY created_at DESC LIMIT 1",
            conversation_id,
        )
        if row is None or row["state"] != DraftState.DONE.value or not row["outcome"]:
            return None
        asked = Outcome.model_validate_json(row["outcome"]).kind is OutcomeKind.QUESTION
        return Draft.model_validate_json(row["body"]) if asked else None

    async def repeating(self, conversation_id: ConversationId, plan_id: PlanId) -> Draft | None:
        """The newest request to run a plan of this conversation again that did not fail."""
        found = await self._db.fetchval(
            "SELECT id::text FROM drafts WHERE conversation_id = $1 "
            "AND body::jsonb->>'repeats' = $2 AND state IN ('open', 'done') "
            "ORDER BY created_at DESC LIMIT 1",
            conversation_id,
            plan_id,
        )
        return await self.get(DraftId(found)) if found else None

    async def open_in(self, conversation_id: ConversationId) -> list[DraftId]:
        """The drafts of a conversation that are being worked on."""
        rows = await self._db.fetch(
            "SELECT id::text AS id FROM drafts WHERE conversation_id = $1 AND state = 'open'",
            conversation_id,
        )
        return [DraftId(row["id"]) for row in rows]

    async def open_ids(self) -> list[tuple[DraftId, int]]:
        """(id, epoch) of drafts that a workflow must be working on, oldest first."""
        rows = await self._db.fetch(
            "SELECT id::text AS id, epoch FROM drafts WHERE state = 'open' ORDER BY created_at"
        )
        return [(DraftId(row["id"]), row["epoch"]) for row in rows]

    async def set_epoch(self, draft_id: DraftId, epoch: int) -> None:
        await self._db.execute(
            "UPDATE drafts SET epoch = $2 WHERE id = $1 AND epoch < $2", draft_id, epoch
        )
