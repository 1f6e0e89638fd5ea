"""What a plan would change, by reads under the policy; nothing is changed to find it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.domain.actor import WORKER, Actor
from engine.domain.call import Call, Effect, Ending
from engine.domain.changes import REFERENCE
from engine.domain.context import ContextRef
from engine.domain.conversation import PostKind
from engine.domain.expectation import short
from engine.domain.ids import PlanId
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Proposal, Step
from engine.domain.policy import Deed
from engine.domain.preview import PlanPreview, Preview, Shown, StepPreview
from engine.domain.questions import Limits, to_read
from engine.errors import CarapulseError, Conflict, DraftFailed, NotAllowed, Unavailable
from engine.ports import Clock, Policy, Runner, Store, Tools, Unit

LINES_AT_MOST = 5_000
LINE_AT_MOST = 2_000
LISTED_AT_MOST = 5
# What a message shows; with more the file goes along.
SHOWN_LINES = 20
LATER = "What it changes depends on a step before it, so it can't be shown yet."
NO_DRY_RUN = "No dry run: nothing tells beforehand what {} would change."
NOTHING = "It would change nothing as things are now."


@dataclass(slots=True)
class Look:
    """What one read found out; `text` is what it printed."""

    ok: bool
    message: str
    outputs: dict[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Previews:
    """Raises `Unavailable` when policy, store or runner don't answer."""

    store: Store
    tools: Tools
    runner: Runner
    policy: Policy
    clock: Clock
    limits: Limits

    async def version(self, plan_id: PlanId, number: int | None = None) -> PlanPreview:
        """What a version would change, step by step; the current one where none is named."""
        async with self.store.begin() as unit:
            if number is None:
                version = await unit.plans.current(plan_id)
            else:
                version = await unit.plans.version(plan_id, number)
        shown = [await self._step(step, version.context) for step in version.steps]
        return PlanPreview(version=version, steps=tuple(shown))

    async def ask(self, actor: Actor, plan_id: PlanId, number: int) -> None:
        """Ask for it to be shown in the thread. Raises `Conflict` for a version of before."""
        async with self.store.begin() as unit:
            current = await unit.plans.lock(plan_id)
            if current != number:
                raise Conflict(f"v{number} was replaced by v{current}. Look at v{current} first.")
            await ask_preview(unit, plan_id, number, actor.name)

    async def tell(self, plan_id: PlanId, number: int, asker: str) -> None:
        """Show it in the plan's thread; the whole difference goes along as a file."""
        found = await self.version(plan_id, number)
        version = found.version
        steps: list[Json] = [each.model_dump(mode="json") for each in found.steps]
        body: dict[str, Json] = {
            "preview": steps,
            "reference": version.reference,
            "version": version.version,
            "asker": asker,
        }
        async with self.store.begin() as unit:
            place = (await unit.conversations.get(version.conversation_id)).place
            await unit.posts.want(PostKind.NOTE, plan_id, place, body=body, urgent=True)
            if sum(len(each.text.splitlines()) for each in found.steps) > SHOWN_LINES:
                await unit.posts.want(PostKind.FILE, plan_id, place, body=body)

    async def warnings(self, proposal: Proposal, *, every: bool = False) -> tuple[str, ...]:
        """What trying the steps tells, for the card: what fails, what they take along beside.

        With `every` all steps are tried that can be, not only those whose tool asks for it.
        """
        found = []
        for at, step in enumerate(proposal.steps, start=1):
            frozen = self.tools.freeze(step, proposal.context, number=at, mark=f"draft.0.{at}")
            preview = self._previewable(frozen)
            if preview and (every or preview.on_card) and not refers(preview.call.input):
                looked = await self._look(preview.call, proposal.context)
                found += foreseen(frozen, looked)
                found += taken_along(at, listed(looked.outputs.get("also", "")))
        return tuple(found)

    async def pinned(self, proposal: Proposal, *, anew: bool = True) -> Proposal:
        """The proposal with what its steps are pinned to read; `anew` also where it is said.

        Raises `DraftFailed`.
        """
        steps = [await self._pinned(step, proposal.context, anew) for step in proposal.steps]
        return proposal.model_copy(update={"steps": tuple(steps)})

    async def relied(self, proposal: Proposal) -> Proposal:
        """The proposal with the facts of now that its writes rely on. Raises `DraftFailed`."""
        steps = [await self._relied(step, proposal.context) for step in proposal.steps]
        return proposal.model_copy(update={"steps": tuple(steps)})

    async def _relied(self, step: DraftStep, context: ContextRef) -> DraftStep:
        relies = self.tools.relies(step, context)
        if relies is None:
            return step
        looked = await self._look(relies.call, step.context or context)
        facts = {name: looked.outputs.get(name, "") for name in relies.values}
        lacking = [name for name, value in facts.items() if not value]
        if not looked.ok or lacking:
            why = looked.message if not looked.ok else f"{', '.join(lacking)} is not told."
            raise DraftFailed(f"I can't look at what {step.tool} {step.action} would change: {why}")
        return step.model_copy(update={"relied": facts})

    async def _pinned(self, step: DraftStep, context: ContextRef, anew: bool) -> DraftStep:
        given = dict(step.input)
        for name, pin in self.tools.pins(step).items():
            if refers(pin.call.input) or refers({name: given.get(name)}):
                continue
            if given.get(name) and not anew:
                continue
            looked = await self._look(pin.call, context)
            if not looked.ok or not looked.outputs.get(pin.output):
                what = "draft this again" if anew else f"find out the {name} of this"
                raise DraftFailed(f"I can't {what}: {looked.message}")
            given[name] = looked.outputs[pin.output]
        return step.model_copy(update={"input": given})

    async def _step(self, step: Step, context: ContextRef) -> StepPreview:
        preview = self._previewable(step)
        if step.effect is Effect.READ:
            return shown(step, Shown.READ)
        if preview is None:
            return shown(step, Shown.NO_DRY_RUN, note=NO_DRY_RUN.format(step.call.name))
        if refers(preview.call.input):
            return shown(step, Shown.LATER, note=LATER)
        return told(step, await self._look(preview.call, context))

    def _previewable(self, step: Step) -> Preview | None:
        return None if step.effect is Effect.READ else self.tools.preview(step.call)

    async def _look(self, call: Call, context: ContextRef) -> Look:
        """One read; a refusal or a failure is an answer too."""
        lines: list[str] = []

        async def on_line(line: str, *, shown: bool = True, filed: bool = True) -> None:
            if shown and len(lines) < LINES_AT_MOST:
                lines.append(line[:LINE_AT_MOST])

        try:
            await self._may(call, context)
            result = await self.runner.run(call, {}, on_line)
        except Unavailable:
            raise
        except CarapulseError as error:
            return Look(ok=False, message=str(error))
        ok = result.ending is Ending.SUCCEEDED
        return Look(ok, result.message, dict(result.outputs), "\n".join(lines))

    async def _may(self, call: Call, context: ContextRef) -> None:
        question = to_read(
            WORKER,
            context,
            limits=self.limits,
            now=self.clock(),
            call=call,
            deed=Deed.TOOL_READ,
        )
        ruling = await self.policy.ask(question)
        if not ruling.allows:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this read.")


async def ask_preview(unit: Unit, plan_id: PlanId, number: int, asker: str) -> None:
    """Have a worker find it out and tell it in the thread; asked twice it is told once."""
    payload: dict[str, Json] = {"plan_id": plan_id, "version": number, "asker": asker}
    await unit.jobs.add("plan.preview", payload, key=f"plan.preview:{plan_id}:{number}")


def refers(given: dict[str, Json]) -> bool:
    """Whether a value comes from a step that has not run yet."""
    return any(isinstance(value, str) and REFERENCE.search(value) for value in given.values())


def shown(step: Step, how: Shown, *, text: str = "", note: str = "") -> StepPreview:
    """A step's preview without anything that it takes along."""
    return StepPreview(number=step.number, title=step.title, shown=how, text=text, note=note)


def told(step: Step, looked: Look) -> StepPreview:
    """What the read found out, and whether the step would still run as it was drafted."""
    if not looked.ok:
        return shown(step, Shown.FAILED, note=looked.message)
    found = shown(step, Shown.DIFFERENCE, text=looked.text, note=moved(step, looked))
    if not looked.text.strip():
        found = shown(step, Shown.NOTHING, note=NOTHING)
    return found.model_copy(update={"also": listed(looked.outputs.get("also", ""))})


def moved(step: Step, looked: Look) -> str:
    """A branch that moved since the plan was drafted stops the step."""
    head, expected = looked.outputs.get("head", ""), str(step.call.input.get("expected_head", ""))
    if not head or not expected or REFERENCE.fullmatch(expected) or head == expected:
        return ""
    return (
        f"The branch moved from {short(expected)} to {short(head)} since this was drafted: as it "
        "is, the step would stop and change nothing. Ask for it again."
    )


def listed(text: str) -> tuple[str, ...]:
    """One entry a line."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def foreseen(step: Step, looked: Look) -> list[str]:
    """What a try says against a step."""
    number = step.number
    if not looked.ok:
        return [f"Step {number} was tried without changing anything, and fails: {looked.message}"]
    if not looked.text.strip():
        return [f"Step {number} would change nothing as things are now."]
    return [f"Step {number}: {said}"] if (said := moved(step, looked)) else []


def moved_on(before: Proposal, after: Proposal) -> tuple[str, ...]:
    """What steps are pinned to that is another than when they were drafted the first time."""
    return tuple(
        f"Since this was drafted before, the {name.replace('_', ' ')} of step {number} moved from "
        f"{short(str(old.input[name]))} to {short(str(value))}."
        for number, (old, new) in enumerate(zip(before.steps, after.steps, strict=True), start=1)
        for name, value in new.input.items()
        if old.input.get(name) and old.input[name] != value
    )


def taken_along(step: int, others: Sequence[str]) -> list[str]:
    """`Step 1 also takes back 2 later commits: ...`."""
    if not others:
        return []
    commits = "1 later commit" if len(others) == 1 else f"{len(others)} later commits"
    more = len(others) - LISTED_AT_MOST
    named = ", ".join(others[:LISTED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
    return [f"Step {step} also takes back {commits}: {named}."]
