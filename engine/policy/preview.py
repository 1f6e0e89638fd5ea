"""What a change of the rules would change: the same questions, asked before and after."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any

from engine.domain.actor import ALERTS, GATE, WORKER, Actor, Surface
from engine.domain.context import ContextRef
from engine.domain.execution import Phase
from engine.domain.ids import PersonId
from engine.domain.model import Json, Model
from engine.domain.plan import Origin, Requirements
from engine.domain.policy import DOORS, Deed, Question, Resource, Ruling
from engine.policy.facts import OPERATIONS
from engine.ports import Policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OVERRIDES = (Deed.EXECUTION_SKIP, Deed.EXECUTION_MARK_DONE)
ASKER, EDITOR = PersonId("preview:asker"), PersonId("preview:editor")
ENVIRONMENTS = ("dev", "staging", "prod")
USUAL = "approve-all"
STAGES = ("read-only", USUAL, "low-auto")
RISKS = (("read", "read"), ("low", "write"), ("medium", "write"), ("high", "write"))
LISTED = 50


class Change(Model):
    """One question that is answered differently now."""

    question: str
    before: str
    after: str


class Preview(Model):
    """All of them, counted; the first are listed."""

    asked: int
    changed: int
    counts: dict[str, int]
    changes: tuple[Change, ...]


async def compared(before: Policy, after: Policy, groups: tuple[str, ...]) -> Preview:
    """Ask both. `groups` are directory groups that people of the questions belong to."""
    asked, counts, changes = 0, Counter[str](), []
    for question in questions(groups):
        asked += 1
        first, second = await before.ask(question), await after.ask(question)
        if _told(first) == _told(second):
            continue
        counts[f"{first.decision.value} -> {second.decision.value}"] += 1
        changes.append(Change(question=named(question), before=_words(first), after=_words(second)))
    return Preview(
        asked=asked,
        changed=len(changes),
        counts=dict(counts),
        changes=tuple(changes[:LISTED]),
    )


def questions(groups: tuple[str, ...]) -> Iterator[Question]:
    """Every action by every kind of actor, in each environment and stage, at each risk."""
    places = [
        (environment, stage)
        for environment, stage in product(ENVIRONMENTS, STAGES)
        if stage == USUAL or environment == "prod"
    ]
    for deed, actor, (environment, stage), (risk, effect) in product(
        Deed, actors(groups), places, RISKS
    ):
        yield Question(
            actor=actor,
            action=deed,
            context=ContextRef(environment=environment, service="preview"),
            resources=(Resource(kind="tool", name="preview.act", effect=effect, reversible=True),),
            risk=risk,
            time=NOW,
            facts=facts(deed, stage, groups, writes=effect != "read"),
        )


def actors(groups: tuple[str, ...]) -> tuple[Actor, ...]:
    """Who asked, who edited, somebody of each group, an outsider, and our own services."""
    people = [
        Actor(id=ASKER, name="who asked", groups=groups),
        Actor(id=EDITOR, name="who edited", groups=groups),
        Actor(id=PersonId("preview:outsider"), name="somebody of no group"),
        *(
            Actor(id=PersonId(f"preview:{group}"), name=f"somebody of {group}", groups=(group,))
            for group in groups
        ),
    ]
    return (*people, WORKER, GATE, ALERTS)


def facts(deed: Deed, stage: str, groups: tuple[str, ...], *, writes: bool) -> dict[str, Json]:
    """Complete facts of an ordinary plan that somebody else approved."""
    if deed in DOORS or deed is Deed.TOOL_READ:
        return {"stage": stage, "tool": "preview.act"}
    if deed.value.startswith("freeze."):
        return {"environment": "prod", "service": "", "reason": "preview"}
    required = Requirements(groups=(groups,) if groups else ())
    requirements = required.model_dump(mode="json")
    plan: dict[str, Any] = {
        "stage": stage,
        "emoji_max_risk": "low",
        "origin": Origin.PERSON.value,
        "requester": ASKER,
        "editors": [EDITOR],
        "writes": writes,
        "freeze": [],
    }
    approved = {"approvers": ["preview:approver"], "people": 1, "break_glass": False}
    more: dict[Deed, dict[str, Any]] = {
        Deed.PLAN_CREATE: {
            "owners": list(groups[:1]),
            "identity_provider": True,
            "break_glass": "",
        },
        Deed.PLAN_EXECUTE: {**approved, "complete": True},
        Deed.TOOL_EXECUTE: {**approved, "tool": "preview.act", "phase": Phase.ACT.value},
        **{
            each: {"overrides": each in OVERRIDES, "requirements": requirements}
            for each in OPERATIONS
        },
    }
    deciding = {
        "surface": Surface.BUTTON.value,
        "step_up": False,
        "glass": {"reason": "", "ticket": ""},
        "requirements": requirements,
    }
    return {**plan, **more.get(deed, deciding)}


def named(question: Question) -> str:
    """The question in a line."""
    return (
        f"{question.action} by {question.actor.name} in {question.context.environment}, "
        f"risk {question.risk}, stage {question.facts.get('stage', 'any')}"
    )


def _told(ruling: Ruling) -> dict[str, Any]:
    return ruling.model_dump(exclude={"id", "input_digest"})


def _words(ruling: Ruling) -> str:
    needs = ruling.requirements
    asks = f", {needs.people} of {'; '.join(' or '.join(one) for one in needs.groups)}"
    reasons = f": {' '.join(ruling.reasons)}" if ruling.reasons else ""
    extra = asks if needs.people and needs.groups else ""
    return f"{ruling.decision.value}{extra}{reasons}"
