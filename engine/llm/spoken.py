"""Orders and questions that no playbook covers, as the planner's readings and outcomes."""

import re
from collections.abc import Collection, Sequence

from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Evidence, Outcome, OutcomeKind, Reading
from engine.domain.expectation import RATIO
from engine.domain.plan import Origin, Proposal
from engine.llm.grammar import Asked, Intent
from engine.llm.inquiries import ERROR_RATE, About
from engine.llm.operations import Operations, Sketch, SketchKind
from engine.llm.playbooks import Playbook
from engine.llm.reach import command
from engine.llm.requests import PHRASED, SPEAKER
from engine.llm.verbs import Verb
from engine.ports import Services

BY_PLAYBOOK = frozenset({Verb.ROLL_BACK, Verb.SET})
LOOKED_INTO = frozenset({About.HEALTH, About.CAUSE, About.CHANGES})
CONFIGURING = frozenset({Intent.SET_VALUE, Intent.RESTORE, Intent.ROLL_BACK, Intent.FIX})
QUESTIONS = frozenset({Intent.CHANGES, Intent.HEALTH, Intent.CAUSE})
COUNT = "replicas"
NUMBER = re.compile(r"(?:to |version )?(?:\d{1,6}|v?\d+(?:\.[\w-]+)+)")
WHY = "As it was asked for. Nothing was looked at first; the last step checks the result."


class Spoken:
    """`actions` are the names of what can be called; without any, everything is left alone."""

    def __init__(
        self, services: Services, actions: Collection[str], playbooks: Sequence[Playbook] = ()
    ) -> None:
        self._actions = frozenset(name for name in actions if "." in name)
        self._operations = Operations(services, self._actions, playbooks)

    def sketch(self, briefing: Briefing, asked: Asked, *, covered: bool) -> Sketch | None:
        """What a message is, where that is not for a playbook. `covered`: one would take it."""
        if not self._actions or briefing.draft.origin is Origin.ALERT:
            return None
        found = self._read(briefing, asked)
        if found.silent or not self._ours(found, asked, briefing, covered=covered):
            return None
        return found

    def readings(self, sketch: Sketch) -> tuple[Reading, ...]:
        """What is to be looked at before it can be answered or drafted."""
        if sketch.kind is SketchKind.PLAN:
            return ()
        named = COUNT if sketch.kind is SketchKind.ASK else ""
        return tuple(
            Reading(
                name=named or f"look{number}",
                tool=step.tool,
                action=step.action,
                input=step.input,
                title=step.title,
                unit=RATIO if step.title.startswith(ERROR_RATE) else "",
                context=step.context,
            )
            for number, step in enumerate(sketch.steps, start=1)
        )

    def outcome(self, sketch: Sketch, evidence: Sequence[Evidence]) -> Outcome:
        """The sketch as the planner's answer."""
        if sketch.kind is SketchKind.PLAN:
            proposal = Proposal(
                title=sketch.title[:200],
                why=WHY,
                context=sketch.context,
                steps=sketch.steps,
                planner="offline",
                understood=sketch.understood,
            )
            return Outcome(kind=OutcomeKind.PLAN, proposal=proposal)
        if sketch.kind is SketchKind.QUESTION:
            return Outcome(
                kind=OutcomeKind.ANSWER,
                text=_answer(sketch, evidence),
                graph=sketch.context.service if sketch.about is About.DEPENDENCIES else "",
            )
        kind = OutcomeKind.QUESTION if sketch.kind is SketchKind.ASK else OutcomeKind.REFUSE
        return Outcome(kind=kind, text=sketch.reason, choices=sketch.choices)

    def _read(self, briefing: Briefing, asked: Asked) -> Sketch:
        """Read the message; an answer to a question is read with what was asked before."""
        base = briefing.current.context if briefing.current else briefing.draft.context
        text, count = briefing.draft.text, _counted(briefing.evidence)
        before = _asked_before(briefing)
        if before and NUMBER.fullmatch(text.strip()):
            text = f"{before} to {text.strip().removeprefix('to ')}"
        found = self._operations.read(text, base, replicas=count)
        if before and found.bare:
            return self._operations.read(before, _narrowed(base, asked), replicas=count)
        return found

    def _ours(self, found: Sketch, asked: Asked, briefing: Briefing, *, covered: bool) -> bool:
        if found.upkeep or command(briefing.draft.text):
            return True  # whoever would take the rest of it
        if found.kind is SketchKind.PLAN:
            return not (covered and found.verbs <= BY_PLAYBOOK)
        if asked.intent in CONFIGURING:
            return not covered
        if asked.intent in QUESTIONS:
            return found.kind is SketchKind.QUESTION and (
                not covered or found.about not in LOOKED_INTO
            )
        if asked.intent is Intent.DECIDE and briefing.current:
            return False
        if covered and asked.intent in PHRASED:
            return False
        talking = briefing.current is not None or len(briefing.history) > 1
        return asked.bare or asked.intent is not Intent.NOTHING or not talking


def _narrowed(base: ContextRef, asked: Asked) -> ContextRef:
    """The context with the service and the place that an answer names."""
    environment, _, cluster = asked.place.partition("/")
    return base.model_copy(
        update={
            "service": asked.services[0] if asked.services else base.service,
            "environment": environment or base.environment,
            "cluster": cluster or ("" if environment else base.cluster),
        }
    )


def _asked_before(briefing: Briefing) -> str:
    """What the same thread asked for before this answer."""
    said = [SPEAKER.sub("", line) for line in briefing.history]
    return next((one for one in reversed(said) if one != briefing.draft.text), "")


def _counted(evidence: Sequence[Evidence]) -> int | None:
    """How many replicas a look showed."""
    for one in reversed(evidence):
        count = one.facts.get("replicas", "")
        if one.ok and one.name == COUNT and count.isdecimal():
            return int(count)
    return None


def _answer(sketch: Sketch, evidence: Sequence[Evidence]) -> str:
    told = [
        f"{one.title}: {one.summary[:200]} [{one.number}]"
        for one in evidence
        if one.ok and one.summary
    ]
    text = "\n".join(filter(None, [sketch.reason, *told]))
    name = sketch.context.service or sketch.context.environment or "that"
    return text or f"I can't tell {sketch.about or 'how it is'} for {name}: no tool shows it."
