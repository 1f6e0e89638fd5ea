"""What Temporal keeps of an execution: ids and decisions, few of them, no output and no secret."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from engine.domain.call import Call, CallResult
from engine.domain.execution import ExecutionState
from engine.domain.plan import VersionRef
from engine.ports import OnLine
from engine.workflows.activities import DraftActivities, ExecutionActivities, ToolActivities
from engine.workflows.starter import Starter
from engine.workflows.worker import connect, open_worker_on
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, look, open_room, sync
from tests.integration.script import good

# What a tool printed, what it left behind, and what it was given.
PRINTED, LEFT, SECRET = "line-of-output", "level-as-measured", "hunter2-and-more"
STEPS = 50


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def ended(room: Room, ref: VersionRef) -> None:
    async with asyncio.timeout(120):
        while not (await room.state(ref)).ended:  # noqa: ASYNC110 - the database's state
            await asyncio.sleep(0.1)


async def histories(starter: Starter, ref: VersionRef) -> list[str]:
    """Every event that Temporal keeps of a version's workflow, over all of its runs."""
    async with asyncio.timeout(20):
        while True:
            runs = [run async for run in starter.client.list_workflows(f'WorkflowId = "{ref}"')]
            if runs and all(run.close_time for run in runs):
                break
            await asyncio.sleep(0.2)
    events = []
    for run in runs:
        handle = starter.client.get_workflow_handle(str(ref), run_id=run.run_id)
        events += [str(event) async for event in handle.fetch_history_events()]
    return events


async def test_a_plan_of_fifty_steps_leaves_a_short_history_without_output_or_secrets(
    room: Room, temporal_address: str
) -> None:
    beside = look().model_copy(update={"group": "together"})
    steps = [beside] * 3 + [sync(), look(), level()] * 15 + [look()] * 2
    ref = await room.approved(*steps, context=STAGING)

    async def noisy(call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        for number in range(20):
            await on_line(f"{PRINTED} {number} password={SECRET}")
        result = good(level="fine", measured=LEFT)
        return result.model_copy(update={"message": f"{LEFT} {SECRET}", "tail": PRINTED})

    room.script.run = noisy  # type: ignore[method-assign]
    client = await connect(temporal_address, "default")
    starter = Starter(client, f"queue-{uuid4().hex}")
    async with open_worker_on(
        client,
        starter.queue,
        drafts=DraftActivities(room.drafts.look, room.drafts.propose),
        executions=ExecutionActivities(room.executions.next_move),
        tools=ToolActivities(room.steps.perform),
    ):
        await starter.wake(ref)
        await ended(room, ref)
        events = await histories(starter, ref)

    kept = "\n".join(events)
    assert len(steps) == STEPS
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
    assert len(events) < 1000
    assert not any(word in kept for word in (PRINTED, LEFT, SECRET))
    assert str(ref.plan_id) in kept
