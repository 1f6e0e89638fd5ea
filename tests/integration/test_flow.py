"""Stopping, waiting for people, starting by hand, deadlines and groups, as the design says them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.actor import Actor, ActorKind
from engine.domain.call import CallResult
from engine.domain.conversation import Place
from engine.domain.execution import Choice, ExecutionState, StepState
from engine.domain.ids import PersonId
from engine.domain.move import MoveKind
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Conflict, NotAllowed, Unavailable
from engine.services.progress import Pace
from engine.services.slots import AtOnce
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, look, note, open_room, write
from tests.integration.script import NEW, WROTE, Slow, bad, for_ever, good, unsure

SOON = 10.0
ELSEWHERE = Place(channel="C0INC", thread="1700000009.000100")
MANUAL = Pace(start={"prod": "manual"}, deadline=7200)


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def by_hand(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path, pace=MANUAL) as opened:
        yield opened


async def begun(room: Room, ref: VersionRef) -> "asyncio.Task[object]":
    """The execution at work, in the middle of a call."""
    room.script.started.clear()
    working = asyncio.create_task(room.work(ref))
    await asyncio.wait_for(room.script.started.wait(), SOON)
    return working


async def outcomes(room: Room) -> int:
    return await room.posts("outcome")


@pytest.mark.parametrize(
    ("probe", "state", "step"),
    [
        (good(found="no"), ExecutionState.CANCELLED, StepState.CANCELLED),
        (good(found="yes", commit=NEW), ExecutionState.NEEDS_DECISION, StepState.SUCCEEDED),
        (bad("away"), ExecutionState.NEEDS_DECISION, StepState.UNKNOWN),
    ],
)
async def test_a_cancel_stops_the_tool_and_what_it_did_is_what_its_probe_tells(
    room: Room, probe: CallResult, state: ExecutionState, step: StepState
) -> None:
    ref = await room.approved(write(), level())
    room.script.says("git.set_value", for_ever)
    room.script.says("git.find_mark", probe)
    working = await begun(room, ref)

    await room.press(ref, Choice.CANCEL)
    await asyncio.wait_for(working, SOON)

    execution = await room.execution(ref)
    assert room.script.stopped == 1
    assert execution.state is state
    assert execution.step(1).state is step
    assert execution.step(2).state is (
        StepState.CANCELLED if state is ExecutionState.CANCELLED else StepState.PENDING
    )
    assert execution.reason.startswith("Cancelled by Ann.")
    assert room.script.calls.count("git.set_value") == 1


async def test_a_stopped_write_that_nothing_tells_about_is_kept_or_undone_by_a_choice(
    room: Room,
) -> None:
    ref = await room.approved(note(), level(), context=STAGING)
    room.script.says("desk.note", for_ever)
    working = await begun(room, ref)
    await room.press(ref, Choice.CANCEL)
    await asyncio.wait_for(working, SOON)
    asked = await room.execution(ref)

    await room.press(ref, Choice.KEEP)
    await room.work(ref)

    assert asked.state is ExecutionState.NEEDS_DECISION
    assert asked.choices == (Choice.KEEP, Choice.ROLL_BACK)
    assert asked.reason == "Cancelled by Ann. Step 1 may have changed something."
    assert asked.step(1).message == "stopped by Ann while it ran"
    assert (await room.execution(ref)).state is ExecutionState.CANCELLED


async def test_a_cancelled_check_is_stopped_and_what_was_changed_can_be_undone(room: Room) -> None:
    ref = await room.approved(write(), level(within=600))
    room.script.says("desk.look", Slow(good(level="fine")))
    working = await begun(room, ref)
    await room.press(ref, Choice.CANCEL)
    again = await room.press(ref, Choice.CANCEL)
    await asyncio.wait_for(working, SOON)
    asked = await room.execution(ref)
    room.script.says("desk.look", good(level="fine"))

    await room.press(ref, Choice.ROLL_BACK)
    await room.work(ref)

    ended = await room.execution(ref)
    assert again == f"{asked.reference} has been cancelled already."
    assert asked.choices == (Choice.KEEP, Choice.ROLL_BACK)
    assert ended.state is ExecutionState.ROLLED_BACK
    assert ended.stopped_by == "Ann"


async def test_a_cancel_before_the_call_began_starts_nothing(room: Room) -> None:
    ref = await room.approved(write(), level())
    move = await room.next(ref)
    await room.press(ref, Choice.CANCEL)

    assert move.request is not None
    await room.steps.perform(move.request)
    await room.work(ref)

    execution = await room.execution(ref)
    assert execution.state is ExecutionState.CANCELLED
    assert room.script.calls == []


async def test_a_cancelled_write_whose_worker_died_is_probed_before_anybody_is_asked(
    room: Room,
) -> None:
    ref = await room.approved(write(), level())
    request = (await room.next(ref)).request
    assert request is not None
    await room.steps._claim(request)  # and then its worker falls silent
    await room.press(ref, Choice.CANCEL)
    room.script.says("git.find_mark", good(found="yes", commit=NEW))
    waits = await room.work(ref)
    early = await room.execution(ref)
    room.later(60)

    await room.work(ref)

    asked = await room.execution(ref)
    assert waits.kind is MoveKind.WAIT
    assert early.reason == "Stopping what runs, as Ann asked."
    assert asked.state is ExecutionState.NEEDS_DECISION
    assert asked.choices == (Choice.KEEP, Choice.ROLL_BACK)
    assert room.script.calls == ["git.find_mark"]


async def test_a_check_that_still_fails_after_the_rollback_says_so(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await room.work(ref)

    await room.press(ref, Choice.ROLL_BACK)
    await room.work(ref)

    view = await room.views.plan(ref.plan_id)
    assert view.execution is not None
    assert view.execution.state is ExecutionState.ROLLED_BACK
    assert view.effects == ("Checked again: it still fails: level low, waiting for fine",)


async def test_a_rollback_under_way_can_not_be_cancelled(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    room.script.says("git.undo_commit", Slow(WROTE))
    await room.work(ref)
    await room.press(ref, Choice.ROLL_BACK)
    working = await begun(room, ref)

    with pytest.raises(Conflict, match="being rolled back, and that can't be cancelled"):
        await room.press(ref, Choice.CANCEL)
    again = await room.press(ref, Choice.ROLL_BACK)

    working.cancel()
    assert again.endswith("is being rolled back already.")


async def test_to_pause_a_countdown_is_to_hold_it(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await room.work(ref)

    await room.press(ref, Choice.PAUSE)
    room.later(3600)
    await room.work(ref)

    held = await room.execution(ref)
    assert held.state is ExecutionState.NEEDS_DECISION
    assert held.countdown_until is None
    assert Choice.HOLD not in held.choices


async def test_people_are_reminded_at_growing_distances_until_they_decide(room: Room) -> None:
    ref = await room.approved(note(), context=STAGING)
    room.script.says("desk.note", unsure())
    first = await room.work(ref)
    said = [await outcomes(room)]
    waits = [first.seconds]
    for _ in range(3):
        room.later(waits[-1])
        waits.append((await room.work(ref)).seconds)
        await room.next(ref)
        said.append(await outcomes(room))

    await room.press(ref, Choice.MARK_DONE)
    await room.work(ref)

    assert waits == [900, 1800, 3600, 7200]
    assert said == [1, 2, 3, 4]
    ended = await room.execution(ref)
    assert ended.state is ExecutionState.SUCCEEDED
    assert ended.remind_at is None


async def test_a_rollback_that_failed_keeps_its_lock_and_is_told_again(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    room.script.says("git.undo_commit", bad("the head moved"))
    await room.work(ref)
    await room.press(ref, Choice.ROLL_BACK)
    waits = await room.work(ref)
    before = await outcomes(room)
    room.later(waits.seconds)
    await room.work(ref)

    version = await room.planned(write("6"), place=ELSEWHERE)
    await room.approve(version)
    other = VersionRef(plan_id=version.plan_id, version=1)
    await room.next(other)

    assert (await room.execution(ref)).state is ExecutionState.ROLLBACK_FAILED
    assert await outcomes(room) == before + 1
    assert (await room.execution(other)).state is ExecutionState.WAITING


async def test_where_people_start_it_an_approved_change_waits_for_run(by_hand: Room) -> None:
    room = by_hand
    ref = await room.approved(write())
    await room.work(ref)
    waiting = await room.execution(ref)

    said = await room.press(ref, Choice.RUN)
    again = await room.press(ref, Choice.RUN)
    await room.work(ref)

    ended = await room.execution(ref)
    assert waiting.state is ExecutionState.WAITING
    assert waiting.choices == (Choice.RUN, Choice.CANCEL)
    assert await room.state(ref) is VersionState.EXECUTED
    assert said.startswith("Starting X-")
    assert again.startswith(("Starting X-", "X-"))
    assert ended.state is ExecutionState.SUCCEEDED
    assert ended.started_by == "Ann"


async def test_what_nobody_runs_in_time_expires_and_a_cancel_withdraws_it(by_hand: Room) -> None:
    room = by_hand
    late = await room.approved(write())
    await room.work(late)
    version = await room.planned(write("6"), place=ELSEWHERE)
    await room.approve(version)
    dropped = VersionRef(plan_id=version.plan_id, version=1)
    await room.work(dropped)

    await room.press(dropped, Choice.CANCEL)
    await room.work(dropped)
    room.later(6 * 3600)
    await room.work(late)

    assert await room.state(dropped) is VersionState.WITHDRAWN
    assert await room.state(late) is VersionState.EXPIRED


async def test_reads_and_other_environments_start_by_themselves(by_hand: Room) -> None:
    ref = await by_hand.approved(note(), context=STAGING)

    await by_hand.work(ref)

    assert (await by_hand.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_what_takes_too_long_is_stopped_and_undone(by_hand: Room) -> None:
    room = by_hand
    ref = await room.approved(write(), level(within=600))
    await room.work(ref)
    await room.press(ref, Choice.RUN)
    slow = Slow(good(level="fine"))
    room.script.says("desk.look", slow)
    working = await begun(room, ref)

    room.later(7201)
    await asyncio.wait_for(working, SOON)
    asked = await room.execution(ref)
    slow.let.set()
    await room.shown()
    room.later(31)
    await room.work(ref)

    ended = await room.execution(ref)
    assert asked.reason == "It took longer than 2 h, the most that is allowed."
    assert asked.choices == (Choice.HOLD, Choice.KEEP, Choice.ROLL_BACK)
    assert asked.step(2).message == "stopped, because the execution had taken too long"
    assert ended.state is ExecutionState.ROLLED_BACK


async def test_the_time_for_which_people_were_waited_for_is_not_counted(by_hand: Room) -> None:
    room = by_hand
    ref = await room.approved(note(), level(), context=STAGING)
    room.script.says("desk.note", unsure())
    await room.work(ref)
    room.later(10 * 3600)

    await room.press(ref, Choice.MARK_DONE)
    await room.work(ref)

    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_reads_of_a_group_run_side_by_side(room: Room) -> None:
    beside = look().model_copy(update={"group": "before"})
    ref = await room.approved(beside, beside, beside, write())
    first, second = Slow(good(level="fine")), Slow(good(level="fine"))
    room.script.says("desk.look", first, second, good(level="fine"))
    move = await room.next(ref)
    working = [asyncio.create_task(room.steps.perform(one)) for one in move.requests]
    await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED, timeout=SOON)
    halfway = await room.execution(ref)
    first.let.set()
    second.let.set()
    await asyncio.wait_for(asyncio.gather(*working), SOON)

    await room.work(ref)

    assert [one.step for one in move.requests] == [1, 2, 3]
    states = sorted(step.state.value for step in halfway.steps[:3])
    assert states == ["running", "running", "succeeded"]
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_a_read_that_fails_is_made_again_and_a_write_is_not(room: Room) -> None:
    ref = await room.approved(look(), write())
    room.script.says("desk.look", bad("away"), bad("away"), good(level="fine"))
    room.script.says("git.set_value", bad("refused"))
    for _ in range(6):
        move = await room.work(ref)
        room.later(min(move.seconds, 3))

    execution = await room.execution(ref)

    assert room.script.calls == ["desk.look"] * 3 + ["git.set_value"]
    assert execution.state is ExecutionState.NEEDS_DECISION
    assert execution.question_step == 2


PROGRAM = Actor(kind=ActorKind.SERVICE, id=PersonId("token:ci"), name="ci")


async def test_a_program_operates_with_its_scope_but_never_overrides(room: Room) -> None:
    ref = await room.approved(write(), write("6"))
    room.script.says("git.set_value", bad("refused"))
    await room.work(ref)
    operator = PROGRAM.model_copy(update={"scopes": ("execution.operate",)})

    with pytest.raises(NotAllowed):
        await room.press(ref, Choice.RETRY, PROGRAM)
    with pytest.raises(NotAllowed, match="Only people"):
        await room.press(ref, Choice.SKIP, operator)
    said = await room.press(ref, Choice.RETRY, operator)

    assert said.startswith("Retrying X-")


async def test_skipping_the_last_change_is_no_override(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("git.set_value", bad("refused"))
    await room.work(ref)
    operator = PROGRAM.model_copy(update={"scopes": ("execution.operate",)})

    await room.press(ref, Choice.SKIP, operator)
    await room.work(ref)

    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (AtOnce(tools={"git": 1}), "git takes 1 call at once, and that many run now"),
        (AtOnce(target=1), "checkout takes 1 call at once, and that many run now"),
        (AtOnce(worker=1), "This worker takes 1 call at once, and that many run now"),
        (
            AtOnce(environments={"prod": 1}),
            "The environment prod takes 1 call at once, and that many run now",
        ),
    ],
)
async def test_what_finds_no_room_waits_with_its_reason_and_goes_on_by_itself(
    database: Database, tmp_path: Path, limits: AtOnce, said: str
) -> None:
    async with open_room(database, tmp_path, at_once=limits) as room:
        first = await room.approved(write())
        if limits.tools:
            second = await room.approved(write("6"), place=ELSEWHERE, context=STAGING)
        else:
            version = await room.planned(look(), level(), place=ELSEWHERE)
            second = VersionRef(plan_id=version.plan_id, version=1)
            await room.gate.release(version.plan_id, version.version)
        slow = Slow(WROTE)
        room.script.says("git.set_value", slow, WROTE)
        working = await begun(room, first)

        with pytest.raises(Unavailable):
            await room.work(second)
        waiting = await room.execution(second)
        slow.let.set()
        await asyncio.wait_for(working, SOON)
        await room.work(second)

        assert waiting.state is ExecutionState.WAITING
        assert waiting.reason == said
        assert (await room.execution(second)).state is ExecutionState.SUCCEEDED
