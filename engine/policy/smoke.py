"""Questions with known answers, asked at start: a policy that gets them wrong is not used."""

from datetime import UTC, datetime

from engine.domain.actor import WORKER, Actor, Surface
from engine.domain.call import Call, Effect, Risk
from engine.domain.context import ContextRef
from engine.domain.execution import Phase
from engine.domain.ids import PersonId
from engine.domain.plan import Origin, Requirements
from engine.domain.policy import Answer, Deed, Question, Resource
from engine.domain.questions import UNBROKEN, DecideFacts, ExecuteFacts, Limits, ToolFacts, to_read

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


def _approval() -> Question:
    facts = DecideFacts(
        stage="approve-all",
        emoji_max_risk="low",
        origin=Origin.PERSON,
        requester=_ASKER,
        editors=(),
        writes=True,
        freeze=(),
        surface=Surface.BUTTON,
        step_up=False,
        glass=UNBROKEN,
        requirements=Requirements(groups=(("smoke:group",),)),
    )
    return Question(
        actor=_person(_ASKER),
        action=Deed.PLAN_APPROVE,
        context=_PLACE,
        resources=(Resource(kind="tool", name="smoke.write", effect="write"),),
        risk=Risk.MEDIUM.word,
        time=_NOW,
        facts=facts.model_dump(mode="json"),
    )


def _unapproved_write() -> Question:
    facts = ToolFacts(
        stage="approve-all",
        emoji_max_risk="low",
        origin=Origin.PERSON,
        requester=_ASKER,
        editors=(),
        writes=True,
        freeze=(),
        approvers=(),
        people=1,
        break_glass=False,
        tool="smoke.write",
        phase=Phase.ACT,
    )
    return Question(
        actor=WORKER,
        action=Deed.TOOL_EXECUTE,
        context=_PLACE,
        resources=(Resource(kind="tool", name="smoke.write", effect="write"),),
        risk=Risk.MEDIUM.word,
        time=_NOW,
        facts=facts.model_dump(mode="json"),
    )


def _unbroken_start() -> Question:
    facts = ExecuteFacts(
        stage="approve-all",
        emoji_max_risk="low",
        origin=Origin.PERSON,
        requester=_ASKER,
        editors=(),
        writes=True,
        freeze=(),
        approvers=(PersonId("smoke:one"), PersonId("smoke:other")),
        people=2,
        break_glass=False,
        complete=True,
    )
    return Question(
        actor=WORKER,
        action=Deed.PLAN_EXECUTE,
        context=_PLACE,
        resources=(Resource(kind="tool", name="smoke.write", effect="write"),),
        risk=Risk.HIGH.word,
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
