"""The planner without a model: a grammar for the words, playbooks for the steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.domain.draft import Briefing, Outcome, OutcomeKind, Reading
from engine.domain.model import Json
from engine.domain.outline import Action, Look
from engine.domain.placeholders import Missing, fill, fill_text, known
from engine.llm import sentences
from engine.llm.aims import Refused
from engine.llm.answers import Answers
from engine.llm.filling import Drafting, propose, request_values
from engine.llm.findings import Findings, findings
from engine.llm.grammar import Asked, Intent
from engine.llm.operations import Sketch
from engine.llm.playbooks import Does, Playbook
from engine.llm.requests import Requests, Wanted
from engine.llm.scopes import Unclear
from engine.llm.spoken import Spoken
from engine.ports import Services

DOES = {
    Intent.ROLL_BACK: Does.ROLL_BACK,
    Intent.RESTORE: Does.RESTORE,
    Intent.SET_VALUE: Does.SET_VALUE,
    Intent.FIX: Does.ROLL_BACK,
}
QUESTIONS = (Intent.CHANGES, Intent.HEALTH, Intent.CAUSE)


@dataclass(frozen=True, slots=True)
class Case:
    """A request with its playbook and what was found for it."""

    wanted: Wanted
    playbook: Playbook
    found: Findings
    entry: dict[str, Json]


class OfflinePlanner:
    """The `Planner` port. `tools` are the names of the connected tools and of their actions."""

    name = "offline"

    def __init__(
        self, services: Services, playbooks: Sequence[Playbook], tools: frozenset[str]
    ) -> None:
        self._services = services
        self._playbooks = tuple(playbooks)
        self._tools = tools
        self._requests = Requests(services, self._playbooks)
        self._answers = Answers(services, self._playbooks)
        self._spoken = Spoken(services, tools, self._playbooks)

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        """What can be asked for now and was not read yet.

        A reading may need the result of another, so ask again with the new evidence until
        nothing comes back.
        """
        try:
            if sketch := self.sketch(briefing):
                return self._spoken.readings(sketch)
            case = self.case(briefing)
        except Unclear:
            return ()
        return tuple(self._readings(case, briefing)) if case else ()

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises `DraftFailed` where something that the plan needs could not be looked at."""
        try:
            return self._outcome(briefing)
        except Unclear as question:
            return Outcome(kind=OutcomeKind.QUESTION, text=str(question), choices=question.choices)
        except Refused as refusal:
            return Outcome(kind=OutcomeKind.REFUSE, text=str(refusal))

    def _outcome(self, briefing: Briefing) -> Outcome:
        if sketch := self.sketch(briefing):
            return self._spoken.outcome(sketch, briefing.evidence)
        case = self.case(briefing)
        if case is None:
            return self._without_case(briefing)
        if case.wanted.intent in QUESTIONS:
            return self._answers.question(case.wanted, case.found, briefing.draft.text)
        if case.wanted.intent is Intent.FIX:
            if case.found.healthy:
                return self._answers.nothing_to_do(case.wanted.service, case.found)
            if sentences.likelihood(case.found) == "Less likely":
                return self._answers.unlikely(case.wanted.service, case.found)
        drafting = Drafting(briefing, case.wanted, case.playbook, case.found, case.entry)
        return propose(drafting, self._tools)

    def sketch(self, briefing: Briefing) -> Sketch | None:
        """A request that is read without a playbook, because none takes it."""
        if self._requests.named(briefing):
            return None
        asked = self._requests.asked(briefing, self._keys(briefing))
        return self._spoken.sketch(briefing, asked, covered=self._covers(briefing, asked))

    def _covers(self, briefing: Briefing, asked: Asked) -> bool:
        """Whether a playbook takes the request, and the service has what it needs."""
        playbook = self._requests.directly(briefing, asked) or self._playbook(asked.intent)
        name = asked.services[0] if len(asked.services) == 1 else briefing.draft.context.service
        service = self._services.resolve(name)
        if playbook is None or service is None:
            return playbook is not None
        has = {"service": self._services.entry(service)}
        needs = [path for path in playbook.needs if path.startswith("service.")]
        return all(known(path, has) for path in needs)

    def case(self, briefing: Briefing) -> Case | None:
        """What is to be looked at and why; None when the words need no looking."""
        wanted = self._requests.read(briefing, self._keys(briefing))
        playbook = wanted.playbook or self._playbook(wanted.intent)
        if playbook is None:
            return None
        entry = self._services.entry(wanted.service)
        metrics = entry.get("metrics")
        limit = str(metrics.get("limit", "")) if isinstance(metrics, dict) else ""
        found = findings(playbook, briefing.evidence, limit=limit, labels=briefing.draft.labels)
        return Case(wanted, playbook, found, entry)

    def _playbook(self, intent: Intent) -> Playbook | None:
        if intent in QUESTIONS:
            return next((one for one in self._playbooks if one.look), None)
        does = DOES.get(intent)
        return next((one for one in self._playbooks if does and one.does is does), None)

    def _keys(self, briefing: Briefing) -> list[str]:
        keys: list[str] = []
        for playbook in self._playbooks:
            keys += findings(playbook, briefing.evidence).values
        return keys

    def _without_case(self, briefing: Briefing) -> Outcome:
        wanted = self._requests.read(briefing)
        if wanted.intent is Intent.DECIDE and briefing.current:
            return self._answers.by_button()
        if wanted.intent in (Intent.NOTHING, Intent.DECIDE):
            established = briefing.current is not None or len(briefing.history) > 1
            remark = Outcome(kind=OutcomeKind.REMARK)
            return remark if established else self._answers.unclear(briefing)
        if wanted.intent is Intent.UNSURE:
            return self._answers.unclear(briefing)
        thing = wanted.asked.thing or wanted.intent.replace("_", " ")
        return self._answers.out_of_reach(thing)

    def _readings(self, case: Case, briefing: Briefing) -> Iterator[Reading]:
        values = request_values(case.wanted, case.found, case.entry)
        for look in case.playbook.look:
            if look.name in case.found.named:
                continue
            if reading := self._reading(look, values):
                yield reading

    def _reading(self, look: Look, values: dict[str, dict[str, Json]]) -> Reading | None:
        for action in look.alternatives():
            if action.tool in self._tools and (reading := _filled(look.name, action, values)):
                return reading.model_copy(update={"unit": look.unit})
        return None


def _filled(name: str, action: Action, values: dict[str, dict[str, Json]]) -> Reading | None:
    if not all(known(path, values) for path in action.when):
        return None
    try:
        given = fill(dict(action.input), values)
        title = fill_text(action.title, values)
    except Missing:
        return None
    assert isinstance(given, dict)
    return Reading(name=name, tool=action.tool, action=action.action, input=given, title=title)
