"""Questions with known answers, asked at start: a policy that gets them wrong is not used."""

from datetime import UTC, datetime

from engine.domain.actor import WORKER, Actor, Surface
from engine.domain.call import Call, Effect, Risk
from engine.domain.context import ContextRef
from engine.domain.execution import Phase
from engine.domain.ids import PersonId
from engine.domain.plan import Origin, Requirements
from engine.domain.policy import Answer, Deed, Question, Resource
from engine.domain.questions import (
    UNBROKEN,
    DecideFacts,
    ExecuteFacts,
    Limits,
    PlanFacts,
    ToolFacts,
    to_read,
)

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ASKER = PersonId("smoke:asker")
_PLACE = ContextRef(environment="prod", service="smoke")
_LOOK = Call(
    tool="smoke",
    action="look",
    title="Look",
    effect=Effect.READ,
    input={},
    transport="api",
    definition="0" * 64,
)


def _person(name: str) -> Actor:
    return Actor(id=PersonId(name), name=name, groups=("smoke:group",))


# What the facts about a plan share: a write that a person asked for.
_PLAN: dict[str, object] = {
    "stage": "approve-all",
    "emoji_max_risk": "low",
    "origin": Origin.PERSON,
    "requester": _ASKER,
    "editors": (),
    "writes": True,
    "freeze": (),
}


def _approval() -> Question:
    facts = DecideFacts(
        **_PLAN,
        surface=Surface.BUTTON,
        step_up=False,
        glass=UNBROKEN,
        requirements=Requirements(groups=(("smoke:group",),)),
    )
    return _asked(_person(_ASKER), Deed.PLAN_APPROVE, Risk.MEDIUM, facts)


def _unapproved_write() -> Question:
    facts = ToolFacts(
        **_PLAN,
        approvers=(),
        people=1,
        break_glass=False,
        tool="smoke.write",
        phase=Phase.ACT,
    )
    return _asked(WORKER, Deed.TOOL_EXECUTE, Risk.MEDIUM, facts)


def _unbroken_start() -> Question:
    facts = ExecuteFacts(
        **_PLAN,
        approvers=(PersonId("smoke:one"), PersonId("smoke:other")),
        people=2,
        break_glass=False,
        complete=True,
    )
    return _asked(WORKER, Deed.PLAN_EXECUTE, Risk.HIGH, facts)


def _asked(actor: Actor, deed: Deed, risk: Risk, facts: PlanFacts) -> Question:
    return Question(
        actor=actor,
        action=deed,
        context=_PLACE,
        resources=(Resource(kind="tool", name="smoke.write", effect="write"),),
        risk=risk.word,
        time=_NOW,
        facts=facts.model_dump(mode="json"),
    )


# One's own write is never approved, a write never runs without approval, high risk
# never without break-glass, and looking works.
SMOKE: tuple[tuple[Question, Answer], ...] = (
    (_approval(), Answer.DENY),
    (_unapproved_write(), Answer.DENY),
    (_unbroken_start(), Answer.DENY),
    (to_read(WORKER, _PLACE, limits=Limits(), now=_NOW, call=_LOOK), Answer.ALLOW),
)
