"""A thousand generated tries to get a plan approved wrongly: none succeeds."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain.actor import ALERTS, GATE, WORKER, Actor, Surface
from engine.domain.approval import Verdict
from engine.domain.plan import Requirements, VersionState
from engine.errors import CarapulseError
from engine.services.authority import Authority
from tests.unit.governing import ANN, BO, CY, DANA, NOW, PLAN, Hall, Memory, open_hall, version

ACTORS = (DANA, ANN, BO, CY, WORKER, ALERTS, GATE, CY.model_copy(update={"groups": ("sre",)}))
RULES = (
    Requirements(people=1, groups=(("sre",),)),
    Requirements(people=1, groups=(("sre",),), emoji=True),
    Requirements(people=2, groups=(("sre",),)),
    Requirements(people=2, groups=(("shop-owners",), ("sre",))),
)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(ACTORS),
        st.sampled_from(["approve", "approve", "approve", "withdraw", "reject", "replay", "late"]),
        st.sampled_from(list(Surface)),
        st.sampled_from([1, 1, 1, 2]),
    ),
    min_size=1,
    max_size=5,
)
BY_HAND = {Surface.BUTTON, Surface.COMMAND, Surface.API, Surface.CLI, Surface.WEB}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Hall:
    return open_hall(tmp_path_factory.mktemp("keys"))


async def act(hall: Hall, actor: Actor, what: str, surface: Surface, number: int) -> None:
    if what == "replay":
        hall.memory.signed += hall.memory.signed[-1:]
        return
    hall.clock[0] = NOW + timedelta(hours=9 if what == "late" else 0)
    verdict = Verdict(what) if what in set(Verdict) else Verdict.APPROVE
    try:
        await hall.gate.decide(actor, PLAN, number, verdict, surface=surface, acted_at="2.0")
    except CarapulseError:
        return


def legitimate(history: list[tuple[Actor, str, Surface, int]], rules: Requirements) -> set[str]:
    """An independent, generous account of who could count: distinct people who may approve."""
    return {
        actor.id
        for actor, what, surface, number in history
        if actor in (ANN, BO)
        and what == "approve"
        and number == 1
        and (surface in BY_HAND or (surface is Surface.EMOJI and rules.emoji))
    }


@settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=ACTS, rules=st.sampled_from(RULES), editor=st.sampled_from([None, ANN, BO]))
def test_nothing_is_approved_without_enough_legitimate_people(
    hall: Hall,
    history: list[tuple[Actor, str, Surface, int]],
    rules: Requirements,
    editor: Actor | None,
) -> None:
    fresh = Memory()
    hall.memory.__dict__.update(fresh.__dict__)
    editors = (editor.id,) if editor else ()
    hall.memory.put(version(requirements=rules, editors=editors))
    hall.memory.show(1, "1.0")

    async def play() -> None:
        for actor, what, surface, number in history:
            await act(hall, actor, what, surface, number)

    asyncio.run(play())

    approved = hall.memory.states[1] is VersionState.APPROVED
    people = legitimate(history, rules) - set(editors)
    if approved:
        assert len(people) >= rules.people
        if ("shop-owners",) in rules.groups:
            assert BO.id in people
        counted = Authority(hall.gate.verifier)
        unique = list({one.statement.nonce: one for one in hall.memory.signed}.values())
        assert counted.standing(hall.memory.versions[1], unique).complete
    assert {one.statement.person for one in hall.memory.signed} <= {ANN.id, BO.id, DANA.id}
    assert len(hall.memory.jobs_added) <= 1


def test_the_generated_tries_can_succeed_when_they_are_right(tmp_path: Path) -> None:
    hall = open_hall(tmp_path)
    hall.memory.put(version(requirements=RULES[3]))

    asyncio.run(act(hall, ANN, "approve", Surface.BUTTON, 1))
    asyncio.run(act(hall, BO, "approve", Surface.BUTTON, 1))

    assert hall.memory.states[1] is VersionState.APPROVED
