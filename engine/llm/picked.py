"""The planner in front of the planner: a workflow of the catalog that somebody started."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from engine.domain.call import Expectation
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Evidence, Outcome, OutcomeKind, Reading
from engine.domain.knowledge import Used
from engine.domain.model import Json
from engine.domain.outline import Action
from engine.domain.placeholders import PLACEHOLDER, Missing, fill, fill_text, known
from engine.domain.plan import DraftStep, Origin, Proposal
from engine.domain.template import Deed, Picked, Template, described
from engine.errors import Conflict, DraftFailed, Invalid, NotFound
from engine.ports import Planner, Services, Tools

Roots = dict[str, dict[str, Json]]
# What a sentence asks for, filled in, and where; None where it asks for no workflow.
Spoken = Callable[[str], Awaitable[tuple[Picked, ContextRef] | None]]
ANY = "*"


@dataclass(slots=True)
class Picking:
    """The `Planner` port over another one, which gets whatever is not about a workflow."""

    inner: Planner
    tools: Tools
    services: Services
    spoken: Spoken
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.inner.name

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        """What the workflow looks at; asked again, because one look may need another's result."""
        try:
            briefing = await self._told(briefing)
        except (Invalid, NotFound, Conflict):
            return ()  # the answer tells it
        picked = briefing.draft.picked
        if picked is None:
            return await self.inner.readings(briefing)
        values, tools = self._roots(briefing, picked), self._tools()
        seen = {one.name for one in briefing.evidence}
        found = (
            reading(look, values, tools, briefing.draft.context)
            for look in picked.template.evidence
            if look.name not in seen
        )
        return [one for one in found if one]

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises `DraftFailed` where something that a step needs could not be looked at."""
        try:
            briefing = await self._told(briefing)
        except (Invalid, NotFound, Conflict) as error:
            return Outcome(kind=OutcomeKind.REFUSE, text=str(error))
        picked = briefing.draft.picked
        if picked is None:
            return await self.inner.plan(briefing)
        template, values = picked.template, self._roots(briefing, picked)
        if why := refused(template, values):
            return Outcome(kind=OutcomeKind.REFUSE, text=why)
        tools = self._tools()
        case = Filling(values, tools, tuple(briefing.evidence))
        steps = tuple(case.step(deed) for deed in template.steps if meant(deed, values))
        proposal = Proposal(
            title=case.sentence(template.plan_title)[:200],
            why=case.reason(template.why) or f"{briefing.draft.requester_name} asked for it.",
            context=briefing.draft.context,
            steps=steps,
            planner=f"workflow {template.workflow} v{template.version}",
            used=(template.title,),
            knowledge=(made_with(picked),),
            understood=f"I follow the workflow {template.title}, v{template.version}.",
        )
        return Outcome(kind=OutcomeKind.PLAN, proposal=proposal)

    async def _told(self, briefing: Briefing) -> Briefing:
        """With the workflow that the words ask for, and its place."""
        draft = briefing.draft
        if draft.picked or draft.based_on is not None or draft.origin is Origin.ALERT:
            return briefing
        found = await self.spoken(draft.text)
        if found is None:
            return briefing
        changes = {"picked": found[0], "context": found[1]}
        return briefing.model_copy(update={"draft": draft.model_copy(update=changes)})

    def _tools(self) -> frozenset[str]:
        return frozenset(str(one["name"]).partition(".")[0] for one in self.tools.catalogue())

    def _roots(self, briefing: Briefing, picked: Picked) -> Roots:
        """All that placeholders may name."""
        context = briefing.draft.context
        place = "/".join(filter(None, (context.environment, context.cluster)))
        given: dict[str, Json] = dict(picked.input)
        return {
            "service": described(self.services.entry(context.service), context.environment),
            "context": {**context.model_dump(mode="json"), "place": place},
            "input": given,
            "evidence": {one.name: dict(one.facts) for one in briefing.evidence if one.ok},
        }


@dataclass(frozen=True, slots=True)
class Filling:
    """The values of one request, and what filling a step of it needs."""

    values: Roots
    tools: frozenset[str]
    evidence: tuple[Evidence, ...]

    def step(self, deed: Deed) -> DraftStep:
        """The first way of it that can be gone. Raises `DraftFailed`."""
        missing = ""
        for one in deed.alternatives():
            if one.tool not in self.tools:
                missing = missing or f"{one.tool} is not connected"
                continue
            if unknown := [path for path in one.when if not known(path, self.values)]:
                missing = missing or self.unread(unknown[0])
                continue
            try:
                return self._filled(one)
            except Missing as error:
                missing = missing or self.unread(error.path)
        raise DraftFailed(f"I can't draft this: {missing}.")

    def sentence(self, template: str) -> str:
        """Raises `DraftFailed` where a value of it is not known."""
        try:
            return fill_text(template, self.values)
        except Missing as error:
            raise DraftFailed(f"I can't draft this: {self.unread(error.path)}.") from error

    def reason(self, template: str) -> str:
        """The reason is worth less than the plan: what is not known is left out."""
        try:
            return fill_text(template, self.values)
        except Missing:
            return ""

    def unread(self, path: str) -> str:
        """Why something is not known: a look that failed says it best."""
        name = path.split(".")[1] if path.startswith("evidence.") else ""
        failed = [one for one in self.evidence if not one.ok and one.name == name]
        told_why = f" ({failed[0].title}: {failed[0].summary[:200]})" if failed else ""
        return f"{path} is not known{told_why}"

    def _filled(self, one: Action) -> DraftStep:
        return DraftStep(
            tool=one.tool,
            action=one.action,
            input=inputs(one, self.values),
            title=fill_text(one.title, self.values),
            why=fill_text(one.why, self.values),
            group=one.group,
            expect=expected(one, self.values),
        )


def expected(one: Action, values: Roots) -> Expectation | None:
    """What a step must see. Raises `Missing`."""
    if one.expect is None:
        return None
    made = fill(one.expect.model_dump(mode="json"), values)
    assert isinstance(made, dict)
    return Expectation.model_validate({**made, "value": str(made["value"])})


def reading(
    look: Action, values: Roots, tools: frozenset[str], place: ContextRef
) -> Reading | None:
    """What can be looked at now; None where its values are not known, or no tool is there."""
    for one in look.alternatives():
        if one.tool not in tools or not all(known(path, values) for path in one.when):
            continue
        try:
            title = fill_text(one.title, values)
            given = inputs(one, values)
        except Missing:
            continue
        name, unit = str(getattr(look, "name", "")), str(getattr(look, "unit", ""))
        return Reading(
            name=name,
            tool=one.tool,
            action=one.action,
            input=given,
            title=title,
            unit=unit,
            context=place,
        )
    return None


def inputs(one: Action, values: Roots) -> dict[str, Json]:
    """The input of an action. Raises `Missing`; what nobody filled in is left out."""
    given = {name: text for name, text in one.input.items() if not open_(text, values)}
    made = fill(given, values)
    assert isinstance(made, dict)
    return made


def open_(text: Json, values: Roots) -> bool:
    """Whether this is an input of the workflow that was left empty."""
    whole = PLACEHOLDER.fullmatch(text) if isinstance(text, str) else None
    return bool(whole and whole[1].startswith("input.") and not known(whole[1], values))


def meant(deed: Deed, values: Roots) -> bool:
    """Whether a step belongs to this plan."""
    for path, wanted in deed.only.items():
        if not known(path, values):
            return False
        if wanted != ANY and fill_text(f"{{{path}}}", values) != wanted:
            return False
    return True


def refused(template: Template, values: Roots) -> str:
    """Why nothing is to be done; empty where something is."""
    for one in template.refuse:
        try:
            if fill_text(one.value, values) == fill_text(one.same_as, values):
                return fill_text(one.say, values)
        except Missing:
            continue
    return ""


def made_with(picked: Picked) -> Used:
    """What the card names, and who never approves it."""
    template = picked.template
    return Used(
        kind="workflow",
        title=f"{template.title} v{template.version}",
        id=f"{template.workflow}/{template.version}",
        authors=picked.authors,
    )
