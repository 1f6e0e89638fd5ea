"""From a proposal to a frozen, numbered version that waits for its approval."""

import re
from dataclasses import dataclass
from datetime import timedelta

from engine.crossing import crossing
from engine.domain.actor import ALERTS, Actor, ActorKind
from engine.domain.audit import AuditEvent
from engine.domain.beside import check_groups
from engine.domain.bounds import hold, narrowed
from engine.domain.call import Call, Effect
from engine.domain.changes import changes, sentences
from engine.domain.context import ContextRef
from engine.domain.conversation import PostKind
from engine.domain.digest import digest
from engine.domain.draft import Draft, DraftState, Evidence
from engine.domain.ids import EvidenceId, PersonId, PlanId, new_id
from engine.domain.model import Json
from engine.domain.plan import (
    Constraints,
    Origin,
    PlanVersion,
    Proposal,
    Requirements,
    Step,
    VersionRef,
    VersionState,
)
from engine.domain.policy import Answer, Deed, Ruling
from engine.domain.questions import Limits, to_create
from engine.domain.risk import assess
from engine.domain.session import Viewer
from engine.domain.strictest import strictest
from engine.domain.touching import by_place, touched, touched_by
from engine.errors import Conflict, Invalid, NotAllowed
from engine.ports import Clock, Directory, Policy, Services, Store, Tools, Unit
from engine.services.ending import call_off
from engine.services.guards import NEVER, Holds
from engine.services.reaching import Reaching
from engine.services.sessions import may_work

START_GRACE = timedelta(hours=1)
# A correction of these is a plan of its own.
OVER = (VersionState.EXECUTING, VersionState.EXECUTED, VersionState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Plans:
    """Freeze, assess, ask the policy, and store; all of a version in one transaction."""

    store: Store
    tools: Tools
    policy: Policy
    directory: Directory
    services: Services
    clock: Clock
    limits: Limits
    holds: Holds = NEVER

    async def propose(
        self, draft: Draft, proposal: Proposal, evidence: list[Evidence]
    ) -> PlanVersion | None:
        """Make the next version of the draft's plan, or the first of a new plan.

        None when this draft has already become one; a repeated call changes nothing.

        Raises `Invalid` when a step does not fit its tool, `NotAllowed` when the policy forbids
        the plan, `Conflict` when the version that was to be changed is no longer the current one.
        """
        actor = await self.actor(draft)
        async with self.store.begin() as unit:
            if not await unit.drafts.move(draft.id, frm=draft.state, to=DraftState.DONE):
                return None
            await self._alone(unit, draft)
            before = await self._before(unit, draft)
            session = before.session if before else draft.session
            viewer = None if draft.origin is Origin.ALERT else Viewer.of(actor)
            await may_work(unit, session, viewer, required=self.limits.sessions_required)
            plan_id = before.plan_id if before else PlanId(new_id())
            number = before.version + 1 if before else 1
            steps = self.freeze(proposal, plan_id, number)
            risk = assess(steps, proposal.context)
            agreeing(draft, proposal)
            editors = (
                tuple(dict.fromkeys((*before.editors, before.requester, draft.requester)))
                if before
                else ()
            )
            # Who wrote a playbook or a workflow has shaped what is drafted from it.
            authors = await unit.documents.authors(proposal.used)
            wrote = (one for used in proposal.knowledge for one in used.authors)
            editors = tuple(dict.fromkeys((*editors, *authors, *wrote, *draft.beside)))
            glass = draft.break_glass or (before.break_glass if before else "")
            ruling = await self._ruling(
                draft, before, actor, steps, proposal.context, editors, glass
            )
            own = narrowed(draft.constraints, before.wanted if before else Constraints())
            hold(own, steps, proposal.context)
            version = self._version(
                draft,
                proposal,
                steps,
                ruling,
                before,
                plan_id=plan_id,
                reference=before.reference if before else await unit.plans.new_reference(),
                evidence=tuple(item.id for item in evidence) or looked_at(proposal, before),
                editors=editors,
                session=session,
                wanted=own,
                constraints=narrowed(ruling.constraints, own),
                break_glass=glass,
                risk=risk.risk,
                reasons=tuple(risk.reasons),
            )
            version = await self._timed(unit, version)
            await self._store(unit, version, before, actor, ruling)
            await made(unit, draft, version)
        return version

    async def _ruling(
        self,
        draft: Draft,
        before: PlanVersion | None,
        actor: Actor,
        steps: tuple[Step, ...],
        context: ContextRef,
        editors: tuple[PersonId, ...],
        break_glass: str,
    ) -> Ruling:
        """Raises `NotAllowed` when the policy forbids the plan."""
        questions = [
            to_create(
                actor,
                there,
                place,
                assess(steps, context).risk,
                limits=self.limits,
                origin=draft.origin,
                requester=before.requester if before else draft.requester,
                editors=editors,
                owners=self._owners(place),
                break_glass=break_glass,
                now=self.clock(),
            )
            for place, there in by_place(steps, context).items()
        ]
        crossing("K04")
        ruling = strictest([await self.policy.ask(question) for question in questions])
        if ruling.decision is Answer.DENY:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this plan.")
        return ruling

    def freeze(self, proposal: Proposal, plan_id: PlanId, number: int) -> tuple[Step, ...]:
        """Render every step in full. Raises `Invalid`."""
        steps = tuple(
            self.tools.freeze(step, proposal.context, number=at, mark=f"{plan_id}.{number}.{at}")
            for at, step in enumerate(proposal.steps, start=1)
        )
        check_groups(steps)
        return Reaching(self.services).told(steps, proposal.context)

    async def actor(self, draft: Draft) -> Actor:
        """Who asked for it. Raises `NotAllowed` for somebody who has left."""
        if draft.origin is Origin.ALERT:
            return ALERTS
        if draft.origin is Origin.API:
            return programmed(draft)
        actor = await self.directory.by_id(draft.requester)
        if actor is None:
            raise NotAllowed(f"{draft.requester_name} is no longer in the directory.")
        return actor

    async def _alone(self, unit: Unit, draft: Draft) -> None:
        """A thread has one open plan: a request from before it was made does not make another."""
        conversation = await unit.conversations.lock(draft.conversation_id)
        if draft.plan_id is not None or conversation.plan_id is None:
            return
        other = await unit.plans.current(conversation.plan_id)
        state = await unit.plans.state(other.plan_id, other.version)
        if state.open and other.created_at >= draft.created_at:
            raise Conflict(
                f"{other.reference} was drafted in this thread meanwhile. "
                "Say it again if that plan should change."
            )

    async def _before(self, unit: Unit, draft: Draft) -> PlanVersion | None:
        """The open version that this one replaces; its plan stays locked."""
        if draft.plan_id is None or draft.based_on is None:
            return None
        current = await unit.plans.lock(draft.plan_id)
        version = await unit.plans.version(draft.plan_id, current)
        state = await unit.plans.state(draft.plan_id, current)
        if state in OVER:
            return None  # once a step has started, or it was taken back: a new plan
        if current != draft.based_on:
            raise Conflict(
                f"v{draft.based_on} was replaced by v{current} meanwhile. "
                f"Say it again for v{current}."
            )
        return version

    def _owners(self, context: ContextRef) -> tuple[str, ...]:
        if not context.service:
            return ()
        owners = self.services.entry(context.service).get("owners", [])
        return tuple(str(owner) for owner in owners) if isinstance(owners, list) else ()

    def _version(
        self,
        draft: Draft,
        proposal: Proposal,
        steps: tuple[Step, ...],
        ruling: Ruling,
        before: PlanVersion | None,
        **known: object,
    ) -> PlanVersion:
        now = self.clock()
        decide_before = now + timedelta(seconds=ruling.requirements.within_seconds)
        context = proposal.context
        reasons = known.pop("reasons")
        label = proposal.label or carried(before, steps)
        version = PlanVersion.model_validate(
            {
                "tenant": draft.tenant,
                "version": before.version + 1 if before else 1,
                "conversation_id": draft.conversation_id,
                "requester": before.requester if before else draft.requester,
                "requester_name": before.requester_name if before else draft.requester_name,
                "origin": before.origin if before else draft.origin,
                "intent": draft.text,
                "title": true_title(proposal, steps, before),
                "why": proposal.why,
                "context": context,
                "requirements": somebody(ruling.requirements) if label else ruling.requirements,
                "decide_before": decide_before,
                "start_before": decide_before + START_GRACE,
                "steps": steps,
                "risk_reasons": reasons,
                "dependants": len(self.services.dependants(context.service))
                if context.service
                else 0,
                "planner": proposal.planner,
                "label": label,
                "used": proposal.used,
                "knowledge": proposal.knowledge,
                "warnings": proposal.warnings,
                "changed_by": draft.requester_name if before else "",
                "created_at": now,
                **known,
            }
        )
        told = sentences(changes(before, version)) if before else ()
        return version.model_copy(update={"changes": told})

    async def _timed(self, unit: Unit, version: PlanVersion) -> PlanVersion:
        """What is frozen now may start until an hour after the freeze, or the closed window."""
        holds = await self.holds.on(unit, version, self.clock())
        ends = [hold.until + START_GRACE for hold in holds if hold.until is not None]
        last = max((version.start_before, *ends))
        timed = version.model_copy(update={"start_before": last})
        return timed.model_copy(update={"digest": digest(timed)})

    async def _store(
        self,
        unit: Unit,
        version: PlanVersion,
        before: PlanVersion | None,
        actor: Actor,
        ruling: Ruling,
    ) -> None:
        ref = VersionRef(plan_id=version.plan_id, version=version.version)
        if before:
            await self._supersede(unit, before)
        await unit.plans.add_version(version, VersionState.WAITING)
        for step in version.steps:
            for call in calls(step):
                await unit.definitions.keep(call.definition, self.tools.definition(call.definition))
        await unit.conversations.attach(version.conversation_id, plan_id=version.plan_id)
        conversation = await unit.conversations.get(version.conversation_id)
        await unit.posts.want(PostKind.PLAN, version.plan_id, conversation.place, urgent=True)
        if conversation.problem_id:  # its message names the plan of the thread
            await unit.posts.touch(conversation.problem_id, PostKind.PROBLEM, urgent=True)
        await unit.audit.record(
            AuditEvent(
                actor=actor,
                action="plan.create",
                subject=version.plan_id,
                decision=ruling.decision.value,
                reason=" ".join(ruling.reasons),
                policy_decision=ruling.id,
                policy_input_digest=ruling.input_digest,
                detail={
                    "version": version.version,
                    "digest": version.digest,
                    "break_glass": version.break_glass,
                },
            )
        )
        named: dict[str, Json] = {"plan_id": ref.plan_id, "version": ref.version}
        await unit.jobs.add("execution.wake", named)
        if version.requirements.people == 0 and not version.requirements.groups:
            await unit.jobs.add("gate.release", named)

    async def _supersede(self, unit: Unit, before: PlanVersion) -> None:
        ref = VersionRef(plan_id=before.plan_id, version=before.version)
        moved = await unit.plans.move(
            ref, frm=(VersionState.WAITING, VersionState.APPROVED), to=VersionState.SUPERSEDED
        )
        if moved:
            reason = f"v{before.version} was replaced by v{before.version + 1}."
            await call_off(unit, ref, reason, self.clock())
            await unit.jobs.add("execution.wake", {"plan_id": ref.plan_id, "version": ref.version})


def true_title(proposal: Proposal, steps: tuple[Step, ...], before: PlanVersion | None) -> str:
    """The proposal's, unless it names no service that this version newly touches."""
    then = {place.service for place in touched(before)} if before else set()
    now = {place.service for place in touched_by(steps, proposal.context)}
    added = now - then if before else set()
    if set(re.findall(r"[\w.-]+", proposal.title)) >= added:
        return proposal.title
    writes = [step.title for step in steps if step.effect is not Effect.READ]
    return "; ".join(writes)[:200] or proposal.title


def programmed(draft: Draft) -> Actor:
    """The program that asked, by a token made for that; no directory knows it."""
    return Actor(
        kind=ActorKind.SERVICE,
        id=draft.requester,
        name=draft.requester_name,
        tenant=draft.tenant,
        scopes=(Deed.PLAN_CREATE.value,),
    )


def agreeing(draft: Draft, proposal: Proposal) -> None:
    """What a program says beside its words holds. Raises `Invalid` where the words say else."""
    if draft.origin is not Origin.API or draft.based_on is not None:
        return
    wrong = {}
    for name in ("environment", "service"):
        said, found = getattr(draft.context, name), getattr(proposal.context, name)
        if said and found and said != found:
            wrong[f"context.{name}"] = f"is {said}, and the words ask for {found}"
    if wrong:
        text = "; ".join(f"{name} {what}" for name, what in wrong.items())
        raise Invalid(f"The request contradicts itself: {text}.", wrong)


async def made(unit: Unit, draft: Draft, version: PlanVersion) -> None:
    """Whoever looks at the request later finds the version that it became."""
    outcome = await unit.drafts.outcome(draft.id)
    if outcome is not None:
        ref = VersionRef(plan_id=version.plan_id, version=version.version)
        await unit.drafts.keep_outcome(draft.id, outcome.model_copy(update={"made": ref}))
    if draft.repeats:  # its card names this one
        await unit.posts.touch(draft.repeats, urgent=True)


def somebody(requirements: Requirements) -> Requirements:
    """At least one person, whatever the policy asks for."""
    return requirements.model_copy(update={"people": max(requirements.people, 1)})


def carried(before: PlanVersion | None, steps: tuple[Step, ...]) -> str:
    """The label of the version before, while something of what it is about is still there."""
    if before is None or not before.label:
        return ""
    kept = [(step.call.name, step.call.input) for step in before.steps if step.expect is None]
    return before.label if any((s.call.name, s.call.input) in kept for s in steps) else ""


def calls(step: Step) -> tuple[Call, ...]:
    """All that the step may ever run; each is rendered again from its kept definition."""
    probes = (step.probe, step.rollback_probe)
    looks = (*probes, step.relies)
    found = (step.call, step.rollback, *(look.call for look in looks if look))
    return tuple(call for call in found if call)


def looked_at(proposal: Proposal, before: PlanVersion | None) -> tuple[EvidenceId, ...]:
    """What was looked at before, where nothing is looked at anew; its age is on the card."""
    return proposal.evidence or (before.evidence if before else ())
