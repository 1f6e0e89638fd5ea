"""One call of an execution: claimed once, leased while it runs, and recorded as it was."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from engine.domain.call import Call
from engine.domain.execution import Choice, ExecutionState, Phase, StepState
from engine.domain.move import MoveKind, StepRequest
from engine.domain.plan import VersionRef
from engine.errors import ToolFailed, Unavailable
from engine.ports import Tools
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, note, open_room, sync, write
from tests.integration.script import NEW, bad, for_ever, good, unsure


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def begun(room: Room, ref: VersionRef) -> StepRequest:
    """The next call, not yet made."""
    move = await room.next(ref)
    assert move.kind is MoveKind.CALL
    assert move.request is not None
    return move.request


async def test_a_plan_that_is_approved_runs_step_by_step_to_its_end(room: Room) -> None:
    ref = await room.approved(write(), level())

    await room.work(ref)

    execution = await room.execution(ref)
    assert execution.state is ExecutionState.SUCCEEDED
    assert room.script.calls == ["git.set_value", "desk.look"]
    assert execution.step(1).outputs["commit"] == NEW


async def test_a_call_handed_out_twice_is_made_once(room: Room) -> None:
    request = await begun(room, await room.approved(write()))

    await asyncio.gather(room.steps.perform(request), room.steps.perform(request))

    assert room.script.calls == ["git.set_value"]


async def test_a_write_that_is_cancelled_is_unknown_until_its_probe_tells(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", for_ever)
    running = asyncio.create_task(room.steps.perform(await begun(room, ref)))
    await asyncio.wait_for(room.script.started.wait(), 5)

    running.cancel()
    await asyncio.wait({running}, timeout=5)
    waits = await room.next(ref)
    room.later(30)
    room.script.says("git.find_mark", good(found="yes", commit=NEW))
    await room.work(ref)

    assert waits.kind is MoveKind.WAIT
    assert room.script.stopped == 1
    execution = await room.execution(ref)
    assert execution.state is ExecutionState.SUCCEEDED
    assert execution.step(1).outputs["commit"] == NEW
    assert room.script.calls == ["git.set_value", "git.find_mark"]


async def test_a_probe_that_may_not_run_says_nothing_about_the_write(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", unsure())
    await room.steps.perform(await begun(room, ref))
    request = await begun(room, ref)
    assert request.phase is Phase.PROBE
    broken = replace(room.steps, tools=cast(Tools, Altered(room.steps.tools)))

    await broken.perform(request)

    assert (await room.execution(ref)).step(1).state is StepState.UNKNOWN


class Altered:
    """A registry that renders something else."""

    def __init__(self, tools: object) -> None:
        self._tools = tools

    def __getattr__(self, name: str) -> object:
        return getattr(self._tools, name)

    def rerender(self, call: Call, definition: str) -> Call:
        return call.model_copy(update={"title": "another"})


async def test_a_tool_that_can_not_be_started_failed_and_is_not_unknown(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", ToolFailed("git is not installed where the worker runs."))

    await room.steps.perform(await begun(room, ref))

    step = (await room.execution(ref)).step(1)
    assert step.state is StepState.FAILED
    assert "git is not installed" in step.message


async def test_a_component_that_goes_away_in_a_write_leaves_it_unknown(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", Unavailable("sandbox", "The sandbox does not answer."))

    await room.steps.perform(await begun(room, ref))

    step = (await room.execution(ref)).step(1)
    assert step.state is StepState.UNKNOWN
    assert "sandbox" in step.message


async def test_a_result_that_comes_after_the_next_attempt_began_changes_nothing(room: Room) -> None:
    ref = await room.approved(note(), context=STAGING)
    room.script.says("desk.note", bad())
    late = await begun(room, ref)
    await room.pool.execute(  # its worker fell silent
        "INSERT INTO tool_calls (execution_id, step, phase, attempt, worker, lease_until, "
        "started_at) VALUES ($1, 1, 'act', 1, 'worker-0', now(), now())",
        late.execution_id,
    )
    room.later(60)
    await room.next(ref)
    await room.press(ref, Choice.RETRY)
    second = await begun(room, ref)
    version = await room.plans_version(ref)

    await room.steps.recording.record(late, version, bad("from the past"))

    assert second.attempt == 2
    step = (await room.execution(ref)).step(1)
    assert (step.state, step.attempt) == (StepState.RUNNING, 2)


async def test_a_call_of_a_fenced_workflow_is_not_begun(room: Room) -> None:
    ref = await room.approved(write())
    request = await begun(room, ref)
    async with room.store.begin() as unit:
        await unit.plans.set_epoch(ref, 1)

    await room.steps.perform(request)

    assert room.script.calls == []


async def test_a_call_asked_for_before_a_pause_is_not_begun_after_it(room: Room) -> None:
    ref = await room.approved(write())
    request = await begun(room, ref)
    await room.press(ref, Choice.PAUSE)
    await room.next(ref)

    await room.steps.perform(request)

    assert room.script.calls == []
    assert (await room.execution(ref)).state is ExecutionState.PAUSED


async def test_a_policy_that_is_away_holds_a_step_up_and_says_so(room: Room) -> None:
    ref = await room.approved(write())
    request = await begun(room, ref)
    room.policy.away = True

    with pytest.raises(Unavailable):
        await room.steps.perform(request)
    held = await room.execution(ref)
    room.policy.away = False
    await room.steps.perform(request)

    assert held.reason == "The policy does not answer."
    assert (await room.execution(ref)).reason == ""
    assert room.script.calls == ["git.set_value"]


async def test_a_rollback_does_not_wait_for_the_policy(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await room.work(ref)
    await room.press(ref, Choice.ROLL_BACK)
    room.policy.away = True

    await room.work(ref)

    assert (await room.execution(ref)).state is ExecutionState.ROLLED_BACK


async def test_a_write_that_may_be_repeated_is_repeated(room: Room) -> None:
    ref = await room.approved(sync(), context=STAGING)
    room.script.says("desk.sync", unsure(), good())

    await room.work(ref)

    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
    assert room.script.calls == ["desk.sync", "desk.sync"]


async def test_a_worker_that_can_not_renew_stops_its_tool(
    database: Database, tmp_path: Path
) -> None:
    async with open_room(database, tmp_path, lease=2.5) as room:
        ref = await room.approved(write())
        room.script.says("git.set_value", for_ever)
        request = await begun(room, ref)
        running = asyncio.create_task(room.steps.perform(request))
        await asyncio.wait_for(room.script.started.wait(), 5)

        await room.pool.execute("UPDATE tool_calls SET worker = 'another'")
        await asyncio.wait({running}, timeout=5)

        assert running.done()
        assert room.script.stopped == 1


async def test_a_database_that_hangs_does_not_let_a_tool_outlive_its_lease(
    database: Database, tmp_path: Path
) -> None:
    async with open_room(database, tmp_path, lease=3) as room:
        ref = await room.approved(write())
        room.script.says("git.set_value", for_ever)
        request = await begun(room, ref)
        running = asyncio.create_task(room.steps.perform(request))
        await asyncio.wait_for(room.script.started.wait(), 5)

        async with room.pool.acquire() as other, other.transaction():
            await other.execute("LOCK TABLE tool_calls")
            await asyncio.wait({running}, timeout=4)
            assert room.script.stopped == 1


async def test_lines_that_the_database_can_not_hold_do_not_hang_a_call(room: Room) -> None:
    ref = await room.approved(write())

    async def noisy() -> object:
        return good(commit=NEW, previous_head="a\x00b").model_copy(update={"message": "a\x00b"})

    room.script.says("git.set_value", noisy)  # type: ignore[arg-type]

    await asyncio.wait_for(room.work(ref), 10)

    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
