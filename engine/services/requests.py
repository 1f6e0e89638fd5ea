"""What programs ask for: the same conversations as people's, without a message of theirs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

import orjson

from engine.domain.actor import Actor
from engine.domain.call import Effect
from engine.domain.context import ContextRef
from engine.domain.draft import Draft, Order
from engine.domain.grouping import placed
from engine.domain.ids import DraftId, PlanId, SessionId, Tenant, new_id
from engine.domain.plan import Constraints, DraftStep
from engine.domain.revising import Values
from engine.domain.session import Viewer
from engine.domain.template import Picked
from engine.domain.wanted import Standing, Wanted
from engine.errors import Conflict, Invalid, NotFound
from engine.ports import Services, Store, Tools
from engine.services.conversations import Conversations
from engine.services.places import completed, contradictions
from engine.services.revisions import Revisions

ASKED = "api.asked"
POLL = 0.1
NO_CHANNEL = (
    "There is no channel where approvers would see the plan. Set CARAPULSE_SLACK__CHANNEL, and "
    "invite the bot there."
)
OTHER = "This Idempotency-Key came before with another request. Use a new key."
CONTEXT = "The context does not fit the request."


@dataclass(frozen=True, slots=True)
class Requests:
    """`channel` is where what was asked for is shown. With a `key` a repeated call asks once."""

    store: Store
    conversations: Conversations
    revisions: Revisions
    services: Services
    tools: Tools
    tenant: Tenant
    channel: str

    async def ask(
        self,
        actor: Actor,
        wanted: Wanted,
        *,
        key: str = "",
        picked: Picked | None = None,
        channel: str = "",
        break_glass: str = "",
    ) -> DraftId:
        """Begin a thread with this request, in the `channel` where there is one.

        With the reason of `break_glass` two people decide on it, however small its risk is.

        What was `picked` is a workflow of the catalog, which finds the steps.

        Raises:
            Invalid: with an entry for each field that is unknown, missing or contradictory.
            Conflict: the key belongs to another request, or nobody would see the plan.
        """
        context = self.context(wanted)
        session = await self._session(actor, wanted.session)
        steps = tuple(DraftStep.model_validate(dict(step)) for step in wanted.steps)
        self._check(steps, context)
        channel = channel or self.channel
        if not channel:
            raise Conflict(NO_CHANNEL)
        said = wanted.model_dump_json() + (picked.model_dump_json() if picked else "") + break_glass
        order = Order(
            draft_id=await self._once(actor, key, said),
            context=context,
            constraints=Constraints(**dict(wanted.constraints)),
            session=session,
            steps=steps,
            picked=picked,
            break_glass=break_glass,
        )
        await self.conversations.begin(
            channel, actor=actor, text=wanted.intent, ts=order.draft_id, order=order
        )
        return order.draft_id

    async def correct(self, actor: Actor, name: str, text: str, *, key: str = "") -> DraftId:
        """Say it in the thread of a plan. Raises `NotFound`, `Conflict`."""
        async with self.store.begin() as unit:
            version = await unit.plans.current(await unit.plans.find(name))
        draft_id = await self._once(actor, key, f"{version.plan_id}:{text}")
        await self.conversations.say(
            version.conversation_id, actor=actor, text=text, draft_id=draft_id
        )
        return draft_id

    async def reply(self, actor: Actor, draft_id: DraftId, text: str, *, key: str = "") -> DraftId:
        """Say it in the thread of a request of one's own. Raises `NotFound`, `Conflict`."""
        draft = await self._own(actor, draft_id)
        next_id = await self._once(actor, key, f"{draft_id}:{text}")
        await self.conversations.say(
            draft.conversation_id, actor=actor, text=text, draft_id=next_id
        )
        return next_id

    async def edit(
        self, actor: Actor, plan_id: PlanId, number: int, given: Mapping[int, Values]
    ) -> DraftId:
        """Other values for a version's inputs. Raises `Invalid`, `NotFound`, `Conflict`."""
        if wrong := await self.revisions.problems(plan_id, number, given):
            named = {f"steps.{name.replace(':', '.')}": text for name, text in wrong.items()}
            raise Invalid("The plan can't be changed like that.", named)
        return await self.revisions.edit(actor, plan_id, number, given)

    async def standing(self, actor: Actor, draft_id: DraftId) -> Standing:
        """What has become of a request of one's own. Raises `NotFound`."""
        draft = await self._own(actor, draft_id)
        async with self.store.begin() as unit:
            outcome = await unit.drafts.outcome(draft_id)
            found = Standing(
                draft=draft, outcome=outcome, evidence=tuple(await unit.drafts.evidence(draft_id))
            )
            if outcome is None or outcome.made is None:
                return found
            ref = outcome.made
            made = {
                "version": await unit.plans.version(ref.plan_id, ref.version),
                "plan_state": await unit.plans.state(ref.plan_id, ref.version),
                "signed": tuple(await unit.approvals.of(ref.plan_id, ref.version)),
            }
        return found.model_copy(update=made)

    async def settled(self, actor: Actor, draft_id: DraftId, *, seconds: float) -> Standing:
        """The same, once it is settled or the time is over. Raises `NotFound`."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        found = await self.standing(actor, draft_id)
        while not found.settled and clock() < until:
            await asyncio.sleep(POLL)
            found = await self.standing(actor, draft_id)
        return found

    async def _own(self, actor: Actor, draft_id: DraftId) -> Draft:
        nothing = NotFound("There is no such request of yours.")
        try:
            UUID(draft_id)
        except ValueError:
            raise nothing from None
        async with self.store.begin() as unit:
            draft = await unit.drafts.get(draft_id)
        if draft.requester != actor.id or draft.tenant != self.tenant:
            raise nothing
        return draft

    async def _once(self, actor: Actor, key: str, said: str) -> DraftId:
        """The id of the request that this key stands for; a new one without a key."""
        new = DraftId(new_id())
        if not key:
            return new
        digest = sha256(said.encode()).hexdigest()
        body = orjson.dumps({"draft": new, "said": digest})
        async with self.store.begin() as unit:
            kept = orjson.loads(await unit.inbox.first(ASKED, f"{actor.id}:{key}", body))
        if kept["said"] != digest:
            raise Conflict(OTHER)
        return DraftId(str(kept["draft"]))

    def context(self, wanted: Wanted) -> ContextRef:
        """Where the request is about, with all that the service graph knows. Raises `Invalid`."""
        said = wanted.context.model_dump(exclude_none=True)
        given = ContextRef(tenant=self.tenant, **said)
        wrong = contradictions(given, self.services)
        allowed = wanted.constraints.environments
        if given.environment and allowed and given.environment not in allowed:
            wrong["constraints.environments"] = f"leaves {given.environment} out"
        if wrong:
            raise Invalid(CONTEXT, wrong)
        given = completed(given, self.services)
        service = self.services.resolve(given.service) if given.service else None
        return placed(given, service, self.services.entry(service)) if service else given

    async def _session(self, actor: Actor, name: str) -> SessionId | None:
        if not name:
            return None
        async with self.store.begin() as unit:
            try:
                found = await unit.sessions.find(name, Viewer.of(actor))
            except NotFound as error:
                raise Invalid("The session is wrong.", {"session": str(error)}) from None
        if not found.open:
            raise Invalid("The session is wrong.", {"session": "is closed"})
        return found.id

    def _check(self, steps: tuple[DraftStep, ...], context: ContextRef) -> None:
        """Each step against its definition, before anything is kept. Raises `Invalid`."""
        wrong: dict[str, str] = {}
        for at, step in enumerate(steps):
            found, writes = self._step(step, context, at + 1)
            wrong |= {f"steps.{at}{name}": text for name, text in found.items()}
            for name in ("environment", "service"):
                if writes and not getattr(context, name):
                    wrong[f"context.{name}"] = f"is needed: step {at + 1} changes something"
        if wrong:
            raise Invalid("The steps are wrong.", wrong)

    def _step(
        self, step: DraftStep, context: ContextRef, number: int
    ) -> tuple[dict[str, str], bool]:
        """What is wrong with a step, and whether it writes; what is pinned is read later."""
        try:
            unread = [name for name in self.tools.pins(step) if not step.input.get(name)]
        except Invalid as error:
            return _named(error, ()), False
        try:
            frozen = self.tools.freeze(step, context, number=number, mark=f"draft.0.{number}")
        except Invalid as error:
            return _named(error, unread), bool(unread)  # only writes are pinned
        return {}, frozen.effect is not Effect.READ


def _named(error: Invalid, unread: tuple[str, ...] | list[str]) -> dict[str, str]:
    if not error.fields:
        return {"": str(error)}
    found = {name: text for name, text in error.fields.items() if name not in unread}
    return {f".{_path(name)}": text for name, text in found.items()}


def _path(name: str) -> str:
    own = name in ("tool", "action", "expect", "context") or name.startswith("expect.")
    return name if own else f"input.{name}"
