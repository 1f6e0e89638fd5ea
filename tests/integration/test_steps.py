"""One call of an execution: claimed once, leased while it runs, and recorded as it was."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.execution import ExecutionState
from tests.conftest import Database
from tests.integration.room import Room, level, open_room, write


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def test_a_plan_that_is_approved_runs_step_by_step_to_its_end(room: Room) -> None:
    ref = await room.approved(write(), level())

    await room.work(ref)

    execution = await room.execution(ref)
    assert execution.state is ExecutionState.SUCCEEDED
    assert room.script.calls == ["git.set_value", "desk.look"]
    assert execution.step(1).outputs["commit"] == "b" * 40
