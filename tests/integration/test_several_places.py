"""A plan that touches several services is asked for in each of them, and the strictest counts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.call import Risk
from engine.domain.execution import ExecutionState
from engine.domain.plan import Constraints, DraftStep, Requirements, VersionRef, VersionState
from engine.domain.policy import Answer, Deed, Question, Ruling
from engine.domain.questions import Limits
from engine.domain.strictest import strictest
from engine.errors import NotAllowed
from engine.ports import Policy
from tests.conftest import Database
from tests.integration.room import Room, look, open_room, write
from tests.unit.governing import ANN, BO, PROD

CART = PROD.model_copy(update={"service": "cart"})
LOOK_AT_CART = look().model_copy(update={"context": CART})


def also(value: str = "6") -> DraftStep:
    return write(value).model_copy(update={"context": CART})


@dataclass
class Heard:
    """The rules, and what they were asked."""

    inner: Policy
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Ruling:
        self.asked.append(question)
        return await self.inner.ask(question)

    def places(self, deed: Deed) -> list[str | None]:
        return [one.context.service for one in self.asked if one.action is deed]


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


def staged(service: str, stage: str) -> Limits:
    return Limits.model_validate({"stages": {f"*/{service}": stage}})


async def test_every_place_is_asked_for(room: Room) -> None:
    heard = Heard(room.policy)
    room.plans = replace(room.plans, policy=heard)

    await room.planned(write("5"), also(), LOOK_AT_CART)

    assert heard.places(Deed.PLAN_CREATE) == ["checkout", "cart"]
    (_, there) = [one for one in heard.asked if one.action is Deed.PLAN_CREATE]
    assert [one.effect for one in there.resources] == ["write", "read"]


async def test_where_one_of_its_places_is_switched_off_there_is_no_plan(room: Room) -> None:
    room.plans = replace(room.plans, limits=staged("cart", "read-only"))

    with pytest.raises(NotAllowed, match="changes are switched off here"):
        await room.planned(write("5"), also())


async def test_looking_at_a_place_that_is_switched_off_is_no_change_of_it(room: Room) -> None:
    room.plans = replace(room.plans, limits=staged("cart", "read-only"))

    version = await room.planned(write("5"), LOOK_AT_CART)

    assert version.writes


async def test_a_place_switched_off_meanwhile_is_not_started(room: Room) -> None:
    version = await room.planned(write("5"), also())
    assert version.risk is Risk.HIGH
    for who in (BO, ANN):
        await room.gate.decide(
            who,
            version.plan_id,
            version.version,
            Verdict.APPROVE,
            surface=Surface.BUTTON,
            reason="both have to change together",
            ticket="OPS-7",
        )
    guards = replace(room.executions.guards, limits=staged("cart", "read-only"))
    room.executions = replace(room.executions, guards=guards)
    ref = VersionRef(plan_id=version.plan_id, version=version.version)
    assert await room.state(ref) is VersionState.APPROVED

    await room.next(ref)

    assert await room.state(ref) is VersionState.WITHDRAWN
    execution = await room.execution(ref)
    assert execution.state is ExecutionState.CANCELLED
    assert "switched off" in execution.reason
    assert room.script.calls == []


def ruled(decision: Answer = Answer.REQUIRE_APPROVAL, **asked: object) -> Ruling:
    return Ruling(id="1", decision=decision, requirements=Requirements.model_validate(asked))


def test_what_each_place_asks_for_is_asked_for_together() -> None:
    one = ruled(people=1, groups=(("sre",),), emoji=True, within_seconds=7200)
    two = ruled(people=2, groups=(("shop",), ("sre",)), step_up=True, within_seconds=3600)

    both = strictest([one, two]).requirements

    assert (both.people, both.groups) == (2, (("sre",), ("shop",)))
    assert (both.emoji, both.step_up, both.break_glass) == (False, True, False)
    assert both.within_seconds == 3600


def test_one_deny_denies_it_all_and_tells_every_reason() -> None:
    no = ruled(Answer.DENY).model_copy(update={"reasons": ("No.",)})
    never = ruled(Answer.DENY).model_copy(update={"reasons": ("No.", "Never.")})

    found = strictest([ruled(), no, never])

    assert found.decision is Answer.DENY
    assert found.reasons == ("No.", "Never.")


def test_what_holds_one_place_holds_the_plan() -> None:
    held = ruled(Answer.ALLOW).model_copy(
        update={"constraints": Constraints(hold=("Frozen.",), environments=("prod",))}
    )

    found = strictest([ruled(Answer.ALLOW), held])

    assert found.decision is Answer.ALLOW
    assert found.constraints.hold == ("Frozen.",)
    assert found.constraints.environments == ("prod",)
