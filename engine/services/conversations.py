"""What people say in a thread becomes a request, once."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.actor import Actor
from engine.domain.context import ContextRef
from engine.domain.conversation import Conversation, Place, PostKind, Turn
from engine.domain.draft import Draft
from engine.domain.ids import ConversationId, DraftId, SessionId, Tenant, new_id
from engine.domain.text import storable
from engine.ports import Clock, Store, Unit

LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Conversations:
    """Hear what is said; `defaults` gives a channel's context, the empty key everybody's."""

    store: Store
    clock: Clock
    tenant: Tenant
    defaults: Mapping[str, ContextRef]

    async def hear(
        self, place: Place, *, actor: Actor, text: str, ts: str, addressed: bool
    ) -> bool:
        """Store the sentence and start a request; False when it does not concern us.

        `addressed` says that we were spoken to (a mention, a direct message). Replies in a thread
        that we take part in need no mention.
        """
        async with self.store.begin() as unit:
            conversation = await unit.conversations.at(place)
            if conversation is None:
                if not addressed:
                    return False
                session = await unit.sessions.of_channel(place.channel)
                inside = session.id if session and session.open else None
                conversation = await unit.conversations.add(self._opened(place, inside))
            turn = Turn(
                conversation_id=conversation.id,
                person=actor.id,
                person_name=actor.name,
                text=storable(text)[:LONGEST],
                ts=ts,
                at=self.clock(),
            )
            if not await unit.conversations.add_turn(turn):
                return False
            if addressed:
                await unit.posts.want(
                    PostKind.REACTION,
                    f"{place.channel}:{ts}",
                    place,
                    body={"name": "eyes", "ts": ts},
                    urgent=True,
                )
            await self._request(unit, conversation, turn)
            return True

    async def known(self, place: Place) -> bool:
        """Whether we take part in this thread."""
        async with self.store.begin() as unit:
            return await unit.conversations.at(place) is not None

    async def _request(self, unit: Unit, conversation: Conversation, turn: Turn) -> None:
        based_on = None
        if conversation.plan_id:
            based_on = (await unit.plans.current(conversation.plan_id)).version
        draft = Draft(
            id=DraftId(new_id()),
            tenant=self.tenant,
            conversation_id=conversation.id,
            requester=turn.person,
            requester_name=turn.person_name,
            text=turn.text,
            context=conversation.context,
            plan_id=conversation.plan_id,
            based_on=based_on,
            session=conversation.session,
            created_at=turn.at,
        )
        await unit.drafts.add(draft)
        await unit.jobs.add("draft.start", {"draft_id": draft.id})

    def _opened(self, place: Place, session: SessionId | None) -> Conversation:
        context = self.defaults.get(place.channel) or self.defaults.get("") or ContextRef()
        return Conversation(
            id=ConversationId(new_id()),
            tenant=self.tenant,
            place=place,
            context=context.model_copy(update={"tenant": self.tenant}),
            session=session,
            created_at=self.clock(),
        )
