"""A playbook's plan before anything was looked at: its looks are its first steps."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from engine.domain.actor import WORKER
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Draft
from engine.domain.ids import ConversationId, DraftId
from engine.domain.model import Json
from engine.domain.outline import Action
from engine.domain.placeholders import Missing, fill_text, known, placeholders
from engine.domain.plan import DraftStep
from engine.llm.aims import Refused
from engine.llm.filling import Drafting, Roots, check_setting, filled, request_values, understood
from engine.llm.grammar import Intent
from engine.llm.offline import QUESTIONS, Case, OfflinePlanner
from engine.llm.operations import Sketch, SketchKind
from engine.llm.playbooks import Playbook
from engine.llm.scopes import Unclear
from engine.ports import Services

# The reading that tells the change in question, and how the git tool names what it tells.
CHANGES = "changes"
OF_CHANGE = {"commit": "last_commit", "author": "last_author"}
NOBODY = {"commit": "", "short": "", "name": "the last change", "author": "its author"}
STEP = re.compile(r"\{steps\.(\d{1,2})\.([a-z_]+)\}")
NAMED_STEP = re.compile(r"\b(step )(\d{1,2})\b")


class Rehearsal:
    """`tools` are the names of tools and of their actions, as if all were connected."""

    def __init__(
        self, services: Services, playbooks: Sequence[Playbook], tools: frozenset[str]
    ) -> None:
        self._tools = tools
        self._planner = OfflinePlanner(services, playbooks, tools)

    def sketch(self, text: str, base: ContextRef) -> Sketch | None:
        """What the playbook that takes a request makes of it; None where none takes it."""
        briefing = _briefing(text, base)
        try:
            if self._planner.sketch(briefing):
                return None
            case = self._planner.case(briefing)
        except Unclear as question:
            return _asked(question, base, "")
        if case is None or case.wanted.intent in QUESTIONS:
            return None
        drafting = Drafting(briefing, case.wanted, case.playbook, case.found, case.entry)
        values = request_values(case.wanted, case.found, case.entry)
        said = understood(drafting, values)
        if case.wanted.intent is Intent.SET_VALUE and not case.wanted.asked.value:
            said = f"I understood: set a value of {case.wanted.service}."
        try:
            return self._drafted(case, drafting, values, said)
        except Unclear as question:
            return _asked(question, case.wanted.context, said)
        except Refused as refusal:
            place = case.wanted.context
            return Sketch(SketchKind.REFUSE, place, said, reason=str(refusal))

    def _drafted(self, case: Case, drafting: Drafting, values: Roots, said: str) -> Sketch:
        for path in case.playbook.needs:
            if path.startswith("service.") and not known(path, values):
                raise Refused(
                    f"I can't change {case.wanted.service}: its entry in the services file has no "
                    f"`{path.removeprefix('service.')}`."
                )
        if case.wanted.intent is Intent.SET_VALUE:
            check_setting(drafting)
        chosen = [self._way(action, case.playbook, values) for action in case.playbook.steps]
        looks = list(self._looks(case.playbook, chosen, values))
        reads = {name: number for number, (name, _) in enumerate(looks, start=1)}
        values = {**values, "change": values["change"] or dict(NOBODY)}
        steps = [step for _, step in looks]
        steps += [_step(action, values, reads, case.playbook) for action in chosen]
        return Sketch(
            SketchKind.PLAN,
            case.wanted.context,
            said,
            tuple(steps),
            title=fill_text(case.playbook.plan_title, values)[:200],
            playbook=case.playbook.title,
        )

    def _way(self, action: Action, playbook: Playbook, values: Roots) -> Action:
        """The first of its ways whose tool there is, and of which all else is known."""
        lacking = ""
        for one in action.alternatives():
            if f"{one.tool}.{one.action}" not in self._tools:
                lacking = lacking or f"{one.tool}.{one.action}, and there is no such tool"
            elif unknown := [path for path in _told(one) if not known(path, values)]:
                lacking = lacking or f"{unknown[0]}, which is not known"
            else:
                return one
        raise Refused(f"The playbook *{playbook.title}* needs {lacking}.")

    def _looks(
        self, playbook: Playbook, steps: Sequence[Action], values: Roots
    ) -> Iterator[tuple[str, DraftStep]]:
        """The readings that its steps are filled from."""
        paths = {path for step in steps for path in placeholders(step.model_dump(mode="json"))}
        wanted = {path.split(".")[1] for path in paths if path.startswith("evidence.")}
        if "change.commit" in paths and not values["change"]:
            wanted.add(CHANGES)
        for look in playbook.look:
            if look.name in wanted:
                way = self._way(look, playbook, values)
                yield look.name, _filled(way, values, playbook)


def _told(action: Action) -> list[str]:
    """What must be known of it without a look."""
    paths = [*action.when, *placeholders(action.model_dump(mode="json", exclude={"otherwise"}))]
    return [path for path in paths if not path.startswith(("evidence.", "change.", "steps."))]


def _step(action: Action, values: Roots, reads: dict[str, int], playbook: Playbook) -> DraftStep:
    """A step whose readings are outputs of earlier steps, and which is counted behind them."""
    referring = Action.model_validate(_referring(action.model_dump(mode="json"), values, reads))
    titled = NAMED_STEP.sub(lambda one: f"{one[1]}{int(one[2]) + len(reads)}", action.title)
    return _filled(referring.model_copy(update={"title": titled}), values, playbook)


def _referring(template: Json, values: Roots, reads: dict[str, int]) -> Json:
    if isinstance(template, dict):
        return {name: _referring(part, values, reads) for name, part in template.items()}
    if isinstance(template, list):
        return [_referring(part, values, reads) for part in template]
    if not isinstance(template, str):
        return template
    if step := STEP.fullmatch(template):
        return f"{{steps.{int(step[1]) + len(reads)}.{step[2]}}}"
    root, _, rest = template.strip("{}").partition(".")
    if template == f"{{change.{rest}}}" and not values["change"].get("commit"):
        return f"{{steps.{reads.get(CHANGES, 1)}.{OF_CHANGE.get(rest, rest)}}}"
    name, _, fact = rest.partition(".")
    if template == f"{{{root}.{name}.{fact}}}" and root == "evidence" and name in reads:
        return f"{{steps.{reads[name]}.{fact}}}"
    return template


def _filled(action: Action, values: Roots, playbook: Playbook) -> DraftStep:
    try:
        return filled(action, values)
    except Missing as error:
        raise Refused(
            f"The playbook *{playbook.title}* needs {error.path}, which only a look can tell."
        ) from error


def _asked(question: Unclear, context: ContextRef, said: str) -> Sketch:
    return Sketch(SketchKind.ASK, context, said, reason=str(question), choices=question.choices)


def _briefing(text: str, base: ContextRef) -> Briefing:
    """The request as a draft that nobody stores."""
    draft = Draft(
        id=DraftId(""),
        tenant=WORKER.tenant,
        conversation_id=ConversationId(""),
        requester=WORKER.id,
        requester_name="Somebody",
        text=text,
        context=base,
        created_at=datetime.fromtimestamp(0, UTC),
    )
    return Briefing(draft=draft, history=(f"Somebody: {text}",))
