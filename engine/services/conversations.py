"""What people say in a thread becomes a request, once."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.context import ContextRef
from engine.domain.conversation import Conversation, Place, PostKind, Turn
from engine.domain.draft import Draft, DraftState, How, Order, Outcome, OutcomeKind
from engine.domain.ids import ConversationId, DraftId, SessionId, Tenant, new_id
from engine.domain.plan import Constraints, Origin, Proposal
from engine.domain.session import Viewer
from engine.domain.template import Picked
from engine.domain.text import storable
from engine.errors import Conflict, NotAllowed, NotFound
from engine.ports import Clock, Store, Unit

LONGEST = 4000
BEGUN = "conversation.begun"


@dataclass(frozen=True, slots=True)
class Conversations:
    """Hear what is said; `defaults` gives a channel's context, the empty key everybody's."""

    store: Store
    clock: Clock
    tenant: Tenant
    defaults: Mapping[str, ContextRef]

    async def hear(
        self,
        place: Place,
        *,
        actor: Actor,
        text: str,
        ts: str,
        addressed: bool,
    ) -> bool:
        """Store the sentence and start a request; False when it does not concern us.

        `addressed` says that we were spoken to (a mention, a direct message). Replies in a thread
        that we take part in need no mention.
        """
        async with self.store.begin() as unit:
            # Where a mention is its thread's first message, nothing is looked for.
            first = addressed and place.thread == ts
            conversation, begins = None if first else await unit.conversations.at(place), False
            if conversation is None:
                if not addressed:
                    return False
                conversation, begins = await self._join(unit, place, actor)
            turn = self._turn(conversation, actor, text, ts)
            seen_at = place if addressed else None
            return await self._request(unit, conversation, turn, begins=begins, seen_at=seen_at)

    async def begin(
        self, channel: str, *, actor: Actor, text: str, ts: str, order: Order | None = None
    ) -> bool:
        """A request that came without a message: a thread of its own, under a post that quotes it.

        What it is about is the channel's default, or what the `order` of a program says.
        False when this very request (`ts`) has been taken already.
        """
        async with self.store.begin() as unit:
            if not await unit.inbox.once(BEGUN, f"{channel}:{ts}"):
                return False
            said = f"{actor.mention} asks: “{quotable(text)}”"
            root = await unit.posts.want(
                PostKind.NOTE,
                f"begun:{ts}"[:200],
                Place(channel=channel, thread=""),
                body={"text": said},
                urgent=True,
            )
            place = Place.under(channel, root)
            conversation, _ = await self._join(unit, place, actor, order)
            turn = self._turn(conversation, actor, text, ts)
            await self._request(unit, conversation, turn, Origin.of(actor), order, begins=True)
            if order and order.picked:
                await unit.audit.record(started(actor, order.draft_id, order.picked))
        return True

    async def say(
        self, conversation_id: ConversationId, *, actor: Actor, text: str, draft_id: DraftId
    ) -> None:
        """What a program says in a thread; everybody there reads it. Said again it is said once."""
        async with self.store.begin() as unit:
            conversation = await unit.conversations.get(conversation_id)
            turn = self._turn(conversation, actor, text, f"said:{draft_id}")
            order = Order(draft_id=draft_id, context=conversation.context)
            if not await self._request(unit, conversation, turn, Origin.of(actor), order):
                return
            said = f"{actor.mention} says: “{quotable(text)}”"
            await unit.posts.want(
                PostKind.NOTE, f"said:{draft_id}", conversation.place, body={"text": said}
            )

    async def choose(self, actor: Actor, draft_id: DraftId, number: int, *, ts: str) -> None:
        """A press on an answer of a question counts as if the asker had written it.

        Only who was asked presses; everybody else can say it in words, and has then asked for it.

        Raises:
            NotFound: there is no such question or answer.
            NotAllowed: somebody else was asked.
            Conflict: it was answered before.
        """
        async with self.store.begin() as unit:
            draft = await unit.drafts.get(draft_id)
            asked = await unit.drafts.outcome(draft_id)
            if asked is None or not 0 < number <= len(asked.choices):
                raise NotFound("This question is out of date. Say in the thread what you mean.")
            text = asked.choices[number - 1]
            if draft.origin is Origin.PERSON and actor.id != draft.requester:
                raise NotAllowed(
                    f"I asked {draft.requester_name}. To ask for it yourself, write it in the "
                    "thread."
                )
            if not await unit.drafts.move(draft_id, frm=DraftState.DONE, to=DraftState.ANSWERED):
                raise Conflict(
                    f"{asked.chosen_by or 'Somebody'} chose {quotable(asked.chosen or text)} "
                    "already. To change it, write it in the thread."
                )
            told = {"chosen": text, "chosen_by": actor.name}
            await unit.drafts.keep_outcome(draft_id, asked.model_copy(update=told))
            await unit.posts.touch(draft_id, urgent=True)
            conversation = await unit.conversations.get(draft.conversation_id)
            turn = self._turn(conversation, actor, text, ts)
            await self._request(unit, conversation, turn)

    async def stop(self, place: Place, actor: Actor) -> bool:
        """Nobody wants the answer any more; False when nothing is being looked at here."""
        stopped = False
        async with self.store.begin() as unit:
            conversation = await unit.conversations.at(place)
            if conversation is None:
                return False
            for draft_id in await unit.drafts.open_in(conversation.id):
                outcome = Outcome(kind=OutcomeKind.REMARK, text=f"Stopped by {actor.name}.")
                await unit.drafts.keep_outcome(draft_id, outcome)
                await unit.drafts.move(draft_id, frm=DraftState.OPEN, to=DraftState.DROPPED)
                await unit.posts.touch(draft_id, urgent=True)
                stopped = True
        return stopped

    async def known(self, place: Place) -> bool:
        """Whether we take part in this thread."""
        async with self.store.begin() as unit:
            return await unit.conversations.at(place) is not None

    async def _join(
        self, unit: Unit, place: Place, actor: Actor, order: Order | None = None
    ) -> tuple[Conversation, bool]:
        """The conversation of this thread, and whether it begins with this."""
        inside = order.session if order else None
        if not inside:
            session = await unit.sessions.of_channel(place.channel)
            ours = session is not None and session.open and session.admits(Viewer.of(actor))
            inside = session.id if session and ours else None
        opened = self._opened(place, inside, order)
        joined = await unit.conversations.add(opened)
        return joined, joined.id == opened.id

    def _turn(self, conversation: Conversation, actor: Actor, text: str, ts: str) -> Turn:
        return Turn(
            conversation_id=conversation.id,
            person=actor.id,
            person_name=actor.name,
            text=storable(text)[:LONGEST],
            ts=ts,
            at=self.clock(),
        )

    async def _request(
        self,
        unit: Unit,
        conversation: Conversation,
        turn: Turn,
        origin: Origin = Origin.PERSON,
        order: Order | None = None,
        *,
        begins: bool = False,
        seen_at: Place | None = None,
    ) -> bool:
        """Whoever speaks where a question is open speaks with those who asked it.

        A thread that begins has none. False when this very message was a request before.
        """
        based_on = None
        if conversation.plan_id:
            based_on = (await unit.plans.current(conversation.plan_id)).version
        open_ = None if begins else await unit.drafts.question_in(conversation.id)
        others = (open_.requester, *open_.beside) if open_ else ()
        draft = Draft(
            id=order.draft_id if order else DraftId(new_id()),
            tenant=self.tenant,
            conversation_id=conversation.id,
            requester=turn.person,
            requester_name=turn.person_name,
            origin=origin,
            text=turn.text,
            context=conversation.context,
            constraints=order.constraints if order else Constraints(),
            how=how(order),
            picked=order.picked if order else None,
            break_glass=order.break_glass if order else "",
            plan_id=conversation.plan_id,
            based_on=based_on,
            beside=tuple(one for one in others if one != turn.person),
            session=conversation.session,
            created_at=turn.at,
        )
        if not await unit.conversations.ask(turn, draft, seen_at=seen_at):
            return False
        if order and order.steps:
            await unit.drafts.keep_outcome(draft.id, given(order, turn))
        await unit.jobs.add("draft.start", {"draft_id": draft.id})
        return True

    def _opened(
        self, place: Place, session: SessionId | None, order: Order | None = None
    ) -> Conversation:
        usual = self.defaults.get(place.channel) or self.defaults.get("") or ContextRef()
        context = order.context if order else usual
        return Conversation(
            id=ConversationId(new_id()),
            tenant=self.tenant,
            place=place,
            context=context.model_copy(update={"tenant": self.tenant}),
            session=session,
            created_at=self.clock(),
        )


def how(order: Order | None) -> How:
    """Who finds the steps of this request."""
    if order and order.picked:
        return How.PICKED
    return How.GIVEN if order and order.steps else How.SAID


def started(actor: Actor, draft_id: DraftId, picked: Picked) -> AuditEvent:
    """That a workflow of the catalog was started, as the audit keeps it."""
    template = picked.template
    return AuditEvent(
        actor=actor,
        action="workflow.start",
        subject=template.workflow,
        decision="allow",
        detail={"version": template.version, "digest": picked.digest, "draft": draft_id},
    )


def given(order: Order, turn: Turn) -> Outcome:
    """The plan of a request that brought its steps along."""
    proposal = Proposal(
        title=" ".join(turn.text.split())[:200],
        context=order.context,
        steps=order.steps,
        planner=turn.person_name,
    )
    return Outcome(kind=OutcomeKind.PLAN, proposal=proposal)


def quotable(text: str) -> str:
    """Somebody's words inside a sentence of ours: on one line, without our tokens."""
    return " ".join(storable(text).split())[:300].replace("{@", "{ @")
