"""What a plan relied on is looked at again before each write; its own steps are no drift."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.call import CallResult
from engine.domain.digest import digest
from engine.domain.execution import Choice, ExecutionState, StepState
from engine.domain.plan import Relied
from tests.conftest import Database
from tests.integration.room import STAGING, Room, open_room, plans, turn, write
from tests.integration.script import bad, good


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def test_the_facts_of_now_are_pinned_when_a_plan_is_drafted(room: Room) -> None:
    room.script.says("desk.look", good(level="calm"))
    room.mind.answers = [plans(turn(), context=STAGING)]
    draft_id = await room.say("turn it up")
    await room.drafts.look(draft_id)
    await room.drafts.propose(draft_id)

    reference = await room.pool.fetchval("SELECT reference FROM plans")
    async with room.store.begin() as unit:
        version = await unit.plans.current(await unit.plans.find(reference))
        kept = await unit.definitions.body(version.steps[0].call.definition)

    relies = version.steps[0].relies
    assert relies is not None
    assert relies.values == {"level": "calm"}
    assert kept is not None
    forged = version.steps[0].model_copy(
        update={"relies": Relied(call=relies.call, values={"level": "wild"})}
    )
    assert digest(version.model_copy(update={"steps": (forged,)})) != version.digest


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (good(level="low"), "level is low and was fine"),
        (good(), "level is unknown and was fine"),
        (bad("it does not answer"), "I could not look whether it is still as it was"),
    ],
)
async def test_what_is_no_longer_as_it_was_or_can_not_be_seen_stops_the_write(
    room: Room, now: CallResult, said: str
) -> None:
    ref = await room.approved(turn(), context=STAGING)
    room.script.says("desk.look", now)

    await room.work(ref)

    execution = await room.execution(ref)
    assert execution.state is ExecutionState.NEEDS_DECISION
    assert execution.countdown_until is None
    assert execution.choices == (Choice.RETRY, Choice.CANCEL)
    assert said in execution.reason
    assert "desk.turn" not in room.script.calls


async def test_what_was_changed_before_a_drift_waits_for_a_choice_and_can_be_undone(
    room: Room,
) -> None:
    ref = await room.approved(write(), turn(), context=STAGING)
    room.script.says("desk.look", good(level="low"))
    await room.work(ref)
    asked = await room.execution(ref)

    await room.press(ref, Choice.ROLL_BACK)
    await room.work(ref)

    ended = await room.execution(ref)
    assert asked.choices == (Choice.RETRY, Choice.SKIP, Choice.ROLL_BACK)
    assert ended.state is ExecutionState.ROLLED_BACK
    assert ended.step(2).state is StepState.FAILED


async def test_own_steps_are_no_drift_but_what_others_change_between_them_is(room: Room) -> None:
    own = await room.approved(turn(), turn("higher"), context=STAGING)
    room.script.says("desk.look", good(level="fine"), good(level="up"), good(level="up"))
    await room.work(own)
    other = await room.approved(turn(), turn("higher"), context=STAGING)
    room.script.says("desk.look", good(level="fine"), good(level="up"), good(level="odd"))

    await room.work(other)

    assert (await room.execution(own)).state is ExecutionState.SUCCEEDED
    drifted = await room.execution(other)
    assert drifted.state is ExecutionState.NEEDS_DECISION
    assert "level is odd and was up" in drifted.reason
    assert drifted.pins == {"2.level": "up"}


async def test_the_way_back_is_not_held_up_by_drift(room: Room) -> None:
    ref = await room.approved(turn(), write(), context=STAGING)
    room.script.says("desk.look", good(level="fine"), good(level="odd"))
    room.script.says("git.set_value", bad("refused"))
    await room.work(ref)

    await room.press(ref, Choice.ROLL_BACK)
    await room.work(ref)

    assert (await room.execution(ref)).state is ExecutionState.ROLLED_BACK
