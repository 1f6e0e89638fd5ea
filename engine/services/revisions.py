"""The next version of a plan by hand: its inputs edited, or the same steps once more."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain import revising
from engine.domain.actor import Actor
from engine.domain.changes import REFERENCE
from engine.domain.draft import Draft, How, Outcome, OutcomeKind
from engine.domain.form import InputField, PlanForm, StepForm
from engine.domain.ids import DraftId, PlanId, new_id
from engine.domain.model import Json
from engine.domain.plan import Origin, PlanVersion, Proposal, Step, VersionState
from engine.domain.revising import Values
from engine.domain.views import Again
from engine.errors import Conflict, Invalid
from engine.ports import Clock, Store, Tools, Unit
from engine.services import verdicts
from engine.services.alerts import open_plan

Given = Mapping[int, Values]
CHECKS = (
    InputField(name="expect.value", about="what it must be", longest=200),
    InputField(name="expect.hold_seconds", about="seconds for which it must hold", longest=4),
    InputField(name="expect.within_seconds", about="seconds within which it must be", longest=4),
)
REDRAFTED = (VersionState.REJECTED, VersionState.EXPIRED)
REPEATED = (VersionState.EXECUTED, VersionState.WITHDRAWN)
UNCHANGED = "Nothing is different from v{}. Change a value, or close this dialog."


@dataclass(frozen=True, slots=True)
class Revisions:
    """Each method is one transaction; what it asks for is made by the worker like any draft."""

    store: Store
    tools: Tools
    clock: Clock

    async def form(self, plan_id: PlanId, number: int) -> PlanForm:
        """The inputs of a version that can still be changed. Raises `Conflict`, `NotFound`."""
        async with self.store.begin() as unit:
            version = await self._open(unit, plan_id, number)
        return PlanForm(version=version, steps=tuple(map(self._step, version.steps)))

    async def problems(self, plan_id: PlanId, number: int, given: Given) -> dict[str, str]:
        """What is wrong with these values, by `STEP:NAME`; empty when they make a version."""
        form = await self.form(plan_id, number)
        wrong: dict[str, str] = {}
        for step in form.version.steps:
            fields = self._wrong(form.version, step, given.get(step.number, {}))
            wrong |= {f"{step.number}:{name}": text for name, text in fields.items()}
        if wrong or different(form.version, given):
            return wrong
        first = next(f"{n}:{name}" for n, values in given.items() for name in values)
        return {first: UNCHANGED.format(number)}

    async def edit(self, actor: Actor, plan_id: PlanId, number: int, given: Given) -> DraftId:
        """Ask for the version with these values; return its request.

        Raises `Conflict`, `Invalid`, `NotFound`.
        """
        async with self.store.begin() as unit:
            version = await self._open(unit, plan_id, number)
            proposal = revising.with_values(version, given)
            text = "Edited: " + ", ".join(different(version, given))
            return await self._ask(unit, actor, version, text[:3000], How.GIVEN, proposal)

    async def again(self, actor: Actor, plan_id: PlanId, number: int) -> DraftId:
        """Draft again what was rejected or expired; run again what is over.

        What was rejected with a reason is drafted by that reason. Raises `Conflict`.
        """
        async with self.store.begin() as unit:
            await self._current(unit, plan_id, number)
            version = await unit.plans.version(plan_id, number)
            state = await unit.plans.state(plan_id, number)
            reason = await self._reason(unit, version) if state in REDRAFTED else ""
            if reason:
                return await self._ask(unit, actor, version, reason, How.PRESSED)
            over = state not in REDRAFTED
            if over:
                await self._over(unit, version, state)
                await self._once(unit, version)
            same = revising.again(version)
            asked = await self._ask(
                unit, actor, version, version.intent, How.AGAIN, same, apart=over
            )
            if over:
                await unit.posts.touch(plan_id, urgent=True)
            return asked

    async def _over(self, unit: Unit, version: PlanVersion, state: VersionState) -> None:
        execution = await unit.executions.of_version(version.plan_id, version.version)
        if state not in REPEATED and not (execution and execution.state.ended):
            raise Conflict(
                f"{version.reference} is {state.value} and can still be decided or stopped. "
                "Use its card."
            )

    async def _once(self, unit: Unit, version: PlanVersion) -> None:
        """A thread has one open plan, and what was run again is so by its newer card."""
        if again := await again_of(unit, version):
            raise Conflict(
                f"{again.by} asked for it again: look at the card of {again.reference}."
                if again.reference
                else f"{version.reference} is being drafted again already."
            )
        conversation = await unit.conversations.lock(version.conversation_id)
        reference = await open_plan(unit, conversation)
        if reference not in ("", version.reference):
            raise Conflict(f"{reference} is in the thread and is not over yet. Look at its card.")

    async def _reason(self, unit: Unit, version: PlanVersion) -> str:
        """Why somebody said no, in their own words."""
        signed = await unit.approvals.of(version.plan_id, version.version)
        said = [one.statement.reason for one in signed if one.statement.verdict.value == "reject"]
        return said[-1].strip() if said else ""

    async def _open(self, unit: Unit, plan_id: PlanId, number: int) -> PlanVersion:
        await self._current(unit, plan_id, number)
        version = await unit.plans.version(plan_id, number)
        state = await unit.plans.state(plan_id, number)
        if not state.open:
            signed = await unit.approvals.of(plan_id, number)
            raise Conflict(verdicts.over(version, state, signed))
        return version

    async def _current(self, unit: Unit, plan_id: PlanId, number: int) -> None:
        current = await unit.plans.lock(plan_id)
        if current != number:
            raise Conflict(f"v{number} was replaced by v{current}. Look at v{current} first.")

    async def _ask(
        self,
        unit: Unit,
        actor: Actor,
        version: PlanVersion,
        text: str,
        how: How,
        proposal: Proposal | None = None,
        *,
        apart: bool = False,
    ) -> DraftId:
        """A request whose plan is known already, or whose words come from a button."""
        draft = Draft(
            id=DraftId(new_id()),
            tenant=version.tenant,
            conversation_id=version.conversation_id,
            requester=actor.id,
            requester_name=actor.name,
            origin=Origin.of(actor),
            text=text,
            context=version.context,
            plan_id=None if apart else version.plan_id,
            based_on=None if apart else version.version,
            repeats=version.plan_id if apart else None,
            how=how,
            session=version.session,
            created_at=self.clock(),
        )
        await unit.drafts.add(draft)
        if proposal:
            outcome = Outcome(kind=OutcomeKind.PLAN, proposal=proposal)
            await unit.drafts.keep_outcome(draft.id, outcome)
        await unit.jobs.add("draft.start", {"draft_id": draft.id})
        return draft.id

    def _step(self, step: Step) -> StepForm:
        fields = self.tools.fields(step.call.tool, step.call.action)
        checks: tuple[InputField, ...] = CHECKS if step.expect else ()
        if step.expect and REFERENCE.fullmatch(step.expect.value):
            checks = CHECKS[1:]  # what another step leaves behind is not typed
        return StepForm(
            number=step.number,
            title=step.title,
            fields=(*fields, *checks),
            values={field.name: value_of(step, field.name) for field in (*fields, *checks)},
        )

    def _wrong(self, version: PlanVersion, step: Step, given: Values) -> dict[str, str]:
        mark = f"{version.plan_id}.{version.version + 1}.{step.number}"
        try:
            changed = revising.changed(revising.drafted(version, step), given)
            self.tools.freeze(changed, version.context, number=step.number, mark=mark)
        except Invalid as error:
            said = error.fields or {next(iter(given), ""): str(error)}
            return {"expect.value" if name == "expect" else name: t for name, t in said.items()}
        return {}


async def again_of(unit: Unit, version: PlanVersion) -> Again | None:
    """Who asked for this plan again, and what that became."""
    draft = await unit.drafts.repeating(version.conversation_id, version.plan_id)
    if draft is None:
        return None
    outcome = await unit.drafts.outcome(draft.id)
    made = await unit.plans.current(outcome.made.plan_id) if outcome and outcome.made else None
    return Again(by=draft.requester_name, reference=made.reference if made else "")


def value_of(step: Step, name: str) -> Json:
    """A step's value now, by the name that a form has for it."""
    if not name.startswith(revising.CHECK):
        return step.call.input.get(name)
    checked = step.expect.model_dump(mode="json") if step.expect else {}
    value: Json = checked.get(name.removeprefix(revising.CHECK))
    return value


def different(version: PlanVersion, given: Given) -> list[str]:
    """The values that are not what they were: `step 1 pool_size 10 -> 20`."""
    found = []
    for step in version.steps:
        for name, value in given.get(step.number, {}).items():
            old = "" if (was := value_of(step, name)) is None else str(was)
            new = "" if value is None else str(value)
            if old != new:
                key = step.call.input.get("key") if name == "value" else None
                shown = str(key or name).removeprefix(revising.CHECK).replace("_seconds", "")
                found.append(f"step {step.number} {shown} {old or 'nothing'} -> {new or 'nothing'}")
    return found
