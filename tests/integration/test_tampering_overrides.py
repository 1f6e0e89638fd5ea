"""Skip and Mark done before a further change: acted on where a person's choice was signed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.conversation import Place
from engine.domain.execution import Choice, ExecutionState, StepState
from engine.domain.plan import VersionRef
from engine.services.alarm import ALARM
from tests.conftest import Database
from tests.integration.room import STAGING, Room, open_room, write
from tests.integration.script import WROTE, bad

APART = Place(channel="C0INC", thread="1700000001.000100")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def stuck(room: Room) -> VersionRef:
    """Two changes, of which the first has failed: leaving it out would be an override."""
    ref = await room.approved(write("5"), write("6"))
    room.script.says("git.set_value", bad("refused"))
    await room.work(ref)
    room.script.calls.clear()
    return ref


async def plant_choice(room: Room, ref: VersionRef, choice: Choice, given: str = "") -> None:
    await room.pool.execute(
        "INSERT INTO decisions (execution_id, choice, step, person, person_name, at, signed) "
        "VALUES ($1, $2, 1, 'ann', 'Ann', now(), $3)",
        (await room.execution(ref)).id,
        choice.value,
        given,
    )


async def stands_still(room: Room, ref: VersionRef) -> str:
    """Why, after the forged row was found; nothing of the plan runs by it."""
    await room.work(ref)
    execution = await room.execution(ref)
    assert room.script.calls == []
    assert execution.state is ExecutionState.NEEDS_DECISION
    assert await room.pool.fetchval("SELECT count(*) FROM audit WHERE action = $1", ALARM) == 1
    return execution.reason


async def given_by(room: Room, ref: VersionRef) -> str:
    """What the gate signed when Ann had the first step left out."""
    await room.press(ref, Choice.SKIP)
    execution = await room.execution(ref)
    return str(
        await room.pool.fetchval(
            "SELECT signed FROM decisions WHERE execution_id = $1 ORDER BY id DESC LIMIT 1",
            execution.id,
        )
    )


async def test_an_override_that_people_gave_is_acted_on(room: Room) -> None:
    ref = await stuck(room)
    room.script.says("git.set_value", WROTE)

    await room.press(ref, Choice.SKIP)
    await room.work(ref)

    execution = await room.execution(ref)
    assert execution.state is ExecutionState.SUCCEEDED
    assert execution.step(1).state is StepState.SKIPPED
    assert room.script.calls == ["git.set_value"]


async def test_an_override_that_nobody_signed_is_not_acted_on(room: Room) -> None:
    ref = await stuck(room)

    await plant_choice(room, ref, Choice.SKIP)

    assert "nobody signed that" in await stands_still(room, ref)


async def test_an_override_of_another_execution_is_not_acted_on(room: Room) -> None:
    elsewhere = await room.approved(write("7"), write("8"), place=APART, context=STAGING)
    room.script.says("git.set_value", bad("refused"))
    await room.work(elsewhere)
    given = await given_by(room, elsewhere)
    ref = await stuck(room)

    await plant_choice(room, ref, Choice.SKIP, given)

    assert "nobody signed that" in await stands_still(room, ref)


async def test_an_override_of_an_earlier_attempt_is_not_acted_on(room: Room) -> None:
    ref = await stuck(room)
    given = await given_by(room, ref)
    await room.pool.execute("UPDATE decisions SET choice = 'retry', taken_at = NULL")
    await room.work(ref)
    room.script.calls.clear()

    await plant_choice(room, ref, Choice.SKIP, given)

    assert "nobody signed that" in await stands_still(room, ref)


async def test_an_override_in_the_name_of_another_is_not_acted_on(room: Room) -> None:
    ref = await stuck(room)
    await given_by(room, ref)

    await room.pool.execute("UPDATE decisions SET person = 'bo', person_name = 'Bo'")

    assert "nobody signed that" in await stands_still(room, ref)


async def test_a_step_that_is_said_to_be_skipped_is_not_passed_over(room: Room) -> None:
    ref = await stuck(room)

    await room.pool.execute("UPDATE steps SET state = 'skipped' WHERE number = 1")
    await room.pool.execute("UPDATE executions SET state = 'running'")

    assert "step 1 was left out" in await stands_still(room, ref)


async def test_what_people_gave_goes_on_once_the_forged_row_is_found(room: Room) -> None:
    ref = await stuck(room)
    await plant_choice(room, ref, Choice.MARK_DONE)
    await plant_choice(room, ref, Choice.SKIP)
    await stands_still(room, ref)

    await room.press(ref, Choice.RESUME)
    await room.work(ref)
    room.script.says("git.set_value", WROTE)
    await room.press(ref, Choice.SKIP)
    await room.work(ref)

    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
