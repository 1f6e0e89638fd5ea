"""The planner in front of the planner: what is said about the plan on the table."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.domain import revising
from engine.domain.call import Comparison, Expectation
from engine.domain.draft import Briefing, Outcome, OutcomeKind, Reading
from engine.domain.expectation import RATIO
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Origin, PlanVersion, Step, VersionState
from engine.errors import Invalid
from engine.llm.correction_forms import About
from engine.llm.corrections import Said, addressed, of_a_plan, understood
from engine.llm.words import ENVIRONMENT_WORDS
from engine.ports import Directory, Planner, Services, Tools

BY_BUTTON = "It runs already: words in the thread don't stop or skip steps. Use the card's buttons."
SAME = "v{} does that already."
NO_CHECK = (
    "I know no other check for this plan: no definition of its steps has one that is not there. "
    "Name a read and what it must show, or edit the plan."
)
NO_PLAN = "There is no plan in this thread yet."
BY_EDIT = (
    "I can't do that by words. Press Edit on the card to change its values, or say which value "
    "should be what. A plan starts when it is approved and runs its steps in their order."
)
COMMANDS_AT_MOST = 8
# Of requests that fail, where the service's entry names no limit.
LIMIT = "0.05"


@dataclass(slots=True)
class Correcting:
    """The `Planner` port over another one, which gets whatever is not about a plan."""

    inner: Planner
    tools: Tools
    services: Services
    directory: Directory
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.inner.name

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        """Nothing has to be looked at for a change of what is there; another place is planned."""
        said = self._said(briefing)
        if planless(briefing):
            return ()
        if said is None:
            return await self.inner.readings(briefing)
        moved = self._elsewhere(briefing, said)
        return await self.inner.readings(moved) if moved else ()

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises what the planner behind it raises."""
        said, version = self._said(briefing), briefing.current
        if planless(briefing):
            return answer(NO_PLAN)
        if said is None or version is None:
            return helped(await self.inner.plan(briefing), briefing)
        try:
            return await self._outcome(said, version, briefing)
        except Invalid as error:
            return Outcome(kind=OutcomeKind.REFUSE, text=str(error))

    def _said(self, briefing: Briefing) -> Said | None:
        version, draft = briefing.current, briefing.draft
        if version is None or draft.based_on is None or draft.origin is Origin.ALERT:
            return None
        return understood(draft.text, version, self._words(version))

    async def _outcome(self, said: Said, version: PlanVersion, briefing: Briefing) -> Outcome:
        if said.about is About.DRY_RUN:
            return Outcome(kind=OutcomeKind.ANSWER, dry_run=True)
        if said.about is not None:
            return answer(await self._answer(said.about, said.step, version, briefing))
        if said.gone and briefing.state is VersionState.EXECUTING:
            return answer(BY_BUTTON)
        if said.unclear:
            return Outcome(
                kind=OutcomeKind.QUESTION, text="Which one do you mean?", choices=said.unclear
            )
        if said.away or said.place:
            return await self._other_place(said, version, briefing)
        return self._changed(said, version)

    def _changed(self, said: Said, version: PlanVersion) -> Outcome:
        added = self._checks(version) if said.check else []
        if said.check and not added:
            return answer(NO_CHECK)
        proposal = revising.revised(version, given=said.given, gone=said.gone, added=added)
        frozen = [
            self.tools.freeze(step, proposal.context, number=at, mark=f"draft.0.{at}")
            for at, step in enumerate(proposal.steps, start=1)
        ]
        if same(version, frozen):
            return answer(SAME.format(version.version))
        return Outcome(kind=OutcomeKind.PLAN, proposal=proposal)

    def _checks(self, version: PlanVersion) -> list[DraftStep]:
        """The looks after its writes that the plan does not have yet; else one at the service."""
        there = [(step.call.tool, step.call.action) for step in version.steps if step.expect]
        found = []
        for step in version.steps:
            if step.effect.value == "read":
                continue
            look = self.tools.check(step.call, step.number)
            if look and (look.tool, look.action) not in there:
                title = f"Check what step {step.number} did"
                found.append(look.model_copy(update={"title": title, "context": step.context}))
        return found or [one for one in self._error_rate(version) if self._fits(one, version)][:1]

    def _error_rate(self, version: PlanVersion) -> list[DraftStep]:
        """Checks of the service's error rate, as its entry says it is measured."""
        service = version.context.service
        entry = self.services.entry(service) if service else {}
        metrics, health = entry.get("metrics"), entry.get("health")
        limit = str(metrics.get("limit") or LIMIT) if isinstance(metrics, dict) else LIMIT
        ways: list[tuple[str, str, dict[str, Json], str]] = []
        if isinstance(metrics, dict) and metrics.get("error_rate"):
            ways.append(("prometheus", "query", {"query": metrics["error_rate"]}, "value"))
        if isinstance(health, dict):
            ways.append((str(health.get("tool")), str(health.get("action")), {}, "error_rate"))
        return [
            DraftStep(
                tool=tool,
                action=action,
                input=given,
                title=f"Check the error rate of {service}",
                expect=Expectation(
                    output=output,
                    comparison=Comparison.AT_MOST,
                    value=limit,
                    within_seconds=120,
                    hold_seconds=20,
                    unit=RATIO,
                    label="error rate",
                ),
            )
            for tool, action, given, output in ways
        ]

    def _fits(self, step: DraftStep, version: PlanVersion) -> bool:
        """Whether it can be called here, and is not there yet."""
        try:
            frozen = self.tools.freeze(step, version.context, number=50, mark="draft.0.50")
        except Invalid:
            return False
        there = [
            (one.call.name, one.call.input, one.expect.output)
            for one in version.steps
            if one.expect
        ]
        output = step.expect.output if step.expect else ""
        return (frozen.call.name, frozen.call.input, output) not in there

    async def _other_place(self, said: Said, version: PlanVersion, briefing: Briefing) -> Outcome:
        places = [one for one in self._places(version) if one != version.context.environment]
        if said.away and said.away != version.context.environment:
            return answer(f"It does not touch {said.away}: it acts in {version.context}.")
        if said.place == version.context.environment:
            return answer(SAME.format(version.version))
        service = version.context.service or "this"
        if not places:
            return answer(
                f"{service} runs in {version.context.environment} alone, so nothing would be left. "
                "Reject the plan if it must not run there."
            )
        if said.away and len(places) > 1:
            choices = tuple(f"in {place} instead" for place in places[:4])
            return Outcome(kind=OutcomeKind.QUESTION, text="Where instead?", choices=choices)
        moved = self._elsewhere(briefing, said)
        assert moved is not None
        return await self.inner.plan(moved)

    def _elsewhere(self, briefing: Briefing, said: Said) -> Briefing | None:
        """The request as it would have been for the other place; None when it is no such matter."""
        version = briefing.current
        if version is None or not (said.away or said.place):
            return None
        places = [one for one in self._places(version) if one != version.context.environment]
        wanted = said.place or (places[0] if len(places) == 1 else "")
        if wanted not in places:
            return None
        text = f"{version.intent.rstrip(' .!')} in {wanted}"
        context = version.context.model_copy(update={"environment": wanted, "cluster": ""})
        draft = briefing.draft.model_copy(update={"text": text, "context": context})
        return briefing.model_copy(update={"draft": draft, "current": None})

    def _places(self, version: PlanVersion) -> list[str]:
        """The environments of the plan's service."""
        entry = self.services.entry(version.context.service) if version.context.service else {}
        places = entry.get("places")
        found = places if isinstance(places, list) else []
        return list(dict.fromkeys(str(one).partition("/")[0] for one in found))

    def _words(self, version: PlanVersion) -> dict[str, str]:
        """Every word for an environment that means something here."""
        known = {*self._places(version), version.context.environment, *ENVIRONMENT_WORDS.values()}
        words = {one.casefold(): one for one in known if one}
        aliases = {word: one for word, one in ENVIRONMENT_WORDS.items() if one in known}
        return {**aliases, **words}

    async def _answer(
        self, about: About, number: int | None, version: PlanVersion, briefing: Briefing
    ) -> str:
        if about is About.WHO:
            return await self._who(version)
        if about is About.EXPIRES:
            return f"v{version.version} can be decided until {version.decide_before:%H:%M} UTC."
        if about is About.RISK:
            return f"{version.risk.word.capitalize()} risk: {'; '.join(version.risk_reasons)}."
        if about is About.CHANGED:
            if not version.changes:
                return f"v{version.version} is the first version."
            said = "; ".join(version.changes)
            return f"Changed from v{version.version - 1}: {said}."
        if about is About.FAILS:
            return fails(version)
        if about is About.WHY and number is None:
            return reason(version)
        step = step_of(version, number)
        return why(version, step) if about is About.WHY else does(step)

    async def _who(self, version: PlanVersion) -> str:
        """Names, not mentions: a question is no reason to call people."""
        needs = version.requirements
        if needs.people == 0:
            return "Nobody has to: it only looks."
        barred = {version.requester, *version.editors} if version.writes else set()
        names: dict[str, None] = {}
        groups = list(dict.fromkeys(one for group in needs.groups for one in group))
        for group in groups:
            for actor in await self.directory.members(group):
                if actor.id not in barred:
                    names[actor.name] = None
        of = f" of {' and '.join(groups)}" if groups else ""
        who = f": {', '.join(names)}" if names else ""
        shaped = dict.fromkeys(filter(None, (version.requester_name, version.changed_by)))
        but = f" Not {' or '.join(shaped)}, who asked for it or changed it." if barred else ""
        return f"{needs.people}{of} must approve v{version.version}{who}.{but}"


def answer(text: str) -> Outcome:
    """Words, and nothing else."""
    return Outcome(kind=OutcomeKind.ANSWER, text=text)


def planless(briefing: Briefing) -> bool:
    """Whether somebody speaks of a plan where none is."""
    draft = briefing.draft
    nothing = briefing.current is None and draft.plan_id is None
    return nothing and draft.origin is not Origin.ALERT and of_a_plan(draft.text)


def helped(outcome: Outcome, briefing: Briefing) -> Outcome:
    """Who wants the plan to be another is told how, where nobody understood it."""
    state = briefing.state
    ours = briefing.current is not None and briefing.draft.origin is not Origin.ALERT
    if not ours or outcome.kind is not OutcomeKind.REMARK or not addressed(briefing.draft.text):
        return outcome
    if state is VersionState.EXECUTING:
        return answer(BY_BUTTON)
    return answer(BY_EDIT) if state is None or state.open else outcome


def reason(version: PlanVersion) -> str:
    """What the whole plan is there for."""
    asked = f"{version.requester_name} asked for it: {version.intent}"
    return " ".join(filter(None, (f"{version.title}.", version.why, asked)))


def same(version: PlanVersion, steps: Sequence[Step]) -> bool:
    """Whether these steps do what the version does; marks do not count."""
    before = [(one.call.name, plain(one), one.expect) for one in version.steps]
    return before == [(one.call.name, plain(one), one.expect) for one in steps]


def plain(step: Step) -> dict[str, Json]:
    """A step's input without the mark of its version."""
    return {name: value for name, value in step.call.input.items() if name != "mark"}


def step_of(version: PlanVersion, number: int | None) -> Step:
    """Raises `Invalid` when there is none of that number."""
    if number is None or not 1 <= number <= len(version.steps):
        raise Invalid(f"There is no step {number}: the plan has {len(version.steps)}.")
    return version.steps[number - 1]


def why(version: PlanVersion, step: Step) -> str:
    """What the step is there for."""
    if step.why:
        return f"Step {step.number} ({step.title}): {step.why}"
    if step.expect:
        return (
            f"Step {step.number} ({step.title}) checks that the steps before it did what they are "
            "for. If it does not come true, they are undone."
        )
    return f"Step {step.number} ({step.title}): {version.why or version.intent}"


def does(step: Step) -> str:
    """Exactly what runs, its check and its way back."""
    lines = [f"Step {step.number}: {step.title}"]
    if step.call.request:
        lines.append(f"`{step.call.request.method} {step.call.request.url}`")
    lines += [f"`{shlex.join(argv)}`" for argv in step.call.commands[:COMMANDS_AT_MOST]]
    if step.expect:
        lines.append(f"It must show {step.expect.label or step.expect.output} "
                     f"{step.expect.comparison.value} {step.expect.value}.")  # fmt: skip
    if step.rollback:
        lines.append(f"It is undone by: {step.rollback.title}.")
    elif step.effect.value != "read":
        lines.append("Nothing undoes it.")
    else:
        lines.append("It only looks.")
    return "\n".join(lines)


def fails(version: PlanVersion) -> str:
    """What happens when a step or a check fails."""
    writes = [step for step in version.steps if step.effect.value != "read"]
    if not writes:
        return "Nothing has to be undone: it only looks."
    undone = [f"step {x.number} by “{x.rollback.title}”" for x in reversed(writes) if x.rollback]
    stuck = [str(step.number) for step in writes if step.rollback is None]
    parts = ["Then nothing further starts."]
    if undone:
        parts.append(
            "After a countdown, in which anyone of the operators can press Hold, what was done is "
            f"undone: {', '.join(undone)}. Then it is checked again."
        )
    if stuck:
        parts.append(f"Step {', '.join(stuck)} has no way back: then somebody has to decide.")
    return " ".join(parts)
