"""The states of an execution as the design says them: forward, asked, back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.domain.call import CallResult
from engine.domain.conversation import Place
from engine.domain.execution import Choice, Execution, ExecutionState, StepState
from engine.domain.move import MoveKind
from engine.domain.plan import DraftStep, VersionRef, VersionState
from engine.errors import Conflict
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, look, note, open_room, write
from tests.integration.script import NEW, UNDID, WROTE, Slow, bad, good, unsure

ELSEWHERE = Place(channel="C0INC", thread="1700000001.000100")
APART = Place(channel="C0INC", thread="1700000002.000100")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def worked(room: Room, ref: VersionRef) -> Execution:
    await room.work(ref)
    return await room.execution(ref)


def number(execution: Execution) -> int:
    return int(execution.reference.removeprefix("X-"))


async def test_a_failed_check_counts_down_and_then_everything_is_undone(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"), good(level="low"), good(level="fine"))
    asked = await worked(room, ref)
    await room.shown()

    room.later(29)
    early = await worked(room, ref)
    room.later(2)
    ended = await worked(room, ref)

    assert asked.state is ExecutionState.NEEDS_DECISION
    assert asked.choices == (Choice.HOLD, Choice.RETRY, Choice.SKIP, Choice.ROLL_BACK)
    assert early.state is ExecutionState.NEEDS_DECISION
    assert ended.state is ExecutionState.ROLLED_BACK
    assert ended.step(1).state is StepState.ROLLED_BACK
    assert "git.undo_commit" in room.script.calls


async def test_a_card_that_lags_gives_people_more_time_but_not_for_ever(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await worked(room, ref)

    room.later(60)
    lagging = await worked(room, ref)
    room.later(31)
    ended = await worked(room, ref)

    assert lagging.state is ExecutionState.NEEDS_DECISION
    assert ended.state is ExecutionState.ROLLED_BACK


async def test_hold_stops_the_countdown_for_as_long_as_it_takes(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await worked(room, ref)
    await room.shown()

    await room.press(ref, Choice.HOLD)
    await room.next(ref)
    room.later(86_400)
    held = await worked(room, ref)

    assert held.state is ExecutionState.NEEDS_DECISION
    assert held.countdown_until is None
    assert held.choices == (Choice.RETRY, Choice.SKIP, Choice.ROLL_BACK)
    assert held.reason == "Held by Ann."


async def test_what_can_not_be_undone_whole_waits_for_a_person_without_a_timer(room: Room) -> None:
    ref = await room.approved(note(), level(), context=STAGING)
    room.script.says("desk.look", good(level="low"))
    await worked(room, ref)

    room.later(86_400)
    execution = await worked(room, ref)

    assert execution.state is ExecutionState.NEEDS_DECISION
    assert execution.countdown_until is None
    assert execution.choices == (Choice.RETRY, Choice.SKIP, Choice.ROLL_BACK)


async def test_a_failure_that_changed_nothing_offers_no_rollback(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", bad("main moved. Nothing was pushed."))
    asked = await worked(room, ref)

    await room.press(ref, Choice.CANCEL)
    ended = await worked(room, ref)

    assert asked.choices == (Choice.HOLD, Choice.RETRY, Choice.CANCEL)
    assert ended.state is ExecutionState.CANCELLED
    assert ended.reason == "Cancelled by Ann. main moved. Nothing was pushed."


async def test_an_unknown_write_without_a_probe_is_for_a_person(room: Room) -> None:
    ref = await room.approved(note(), context=STAGING)
    room.script.says("desk.note", unsure("the answer did not come"))

    execution = await worked(room, ref)

    assert execution.step(1).state is StepState.UNKNOWN
    assert execution.choices == (Choice.MARK_DONE, Choice.RETRY, Choice.ROLL_BACK)
    assert execution.countdown_until is None
    assert room.script.calls == ["desk.note"]


async def test_a_probe_that_denies_lets_the_write_be_made_again(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", unsure(), good(commit=NEW))

    execution = await worked(room, ref)

    assert execution.state is ExecutionState.SUCCEEDED
    assert room.script.calls == ["git.set_value", "git.find_mark", "git.set_value"]


async def test_a_write_that_is_lost_again_and_again_is_not_repeated_for_ever(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", unsure())

    execution = await worked(room, ref)

    assert execution.state is ExecutionState.NEEDS_DECISION
    assert room.script.calls.count("git.set_value") == 3


async def test_a_probe_that_fails_is_asked_again_before_a_person_is(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", unsure())
    room.script.says("git.find_mark", bad("away"), good(found="yes", commit=NEW))

    execution = await worked(room, ref)

    assert execution.state is ExecutionState.SUCCEEDED


async def test_probes_that_all_fail_leave_it_to_a_person(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", unsure())
    room.script.says("git.find_mark", bad("away"))

    execution = await worked(room, ref)

    assert execution.choices == (Choice.MARK_DONE, Choice.RETRY, Choice.ROLL_BACK)
    assert execution.reason == "the probe failed: away"
    assert room.script.calls.count("git.find_mark") == 3


async def test_a_probe_under_way_is_waited_for_and_not_asked_around(room: Room) -> None:
    ref = await room.approved(write())
    room.script.says("git.set_value", unsure())
    act = await room.next(ref)
    assert act.request is not None
    await room.steps.perform(act.request)
    probe = await room.next(ref)
    assert probe.request is not None
    await room.steps._claim(probe.request)

    move = await room.next(ref)

    assert move.kind is MoveKind.WAIT
    assert (await room.execution(ref)).state is ExecutionState.RUNNING


async def test_a_retry_that_fails_does_not_forget_the_attempt_that_may_have_worked(
    room: Room,
) -> None:
    ref = await room.approved(note(), context=STAGING)
    room.script.says("desk.note", unsure(), bad("it is there already"))
    await worked(room, ref)
    await room.press(ref, Choice.RETRY)

    execution = await worked(room, ref)

    assert execution.step(1).state is StepState.UNKNOWN
    assert execution.choices == (Choice.MARK_DONE, Choice.RETRY, Choice.ROLL_BACK)
    assert "it is there already" in execution.reason


async def test_marked_as_done_goes_on(room: Room) -> None:
    ref = await room.approved(note(), level(), context=STAGING)
    room.script.says("desk.note", unsure())
    await worked(room, ref)
    await room.press(ref, Choice.MARK_DONE)

    execution = await worked(room, ref)

    assert execution.state is ExecutionState.SUCCEEDED
    assert execution.step(1).state is StepState.SUCCEEDED


async def test_a_skipped_step_leaves_nothing_to_undo(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("git.set_value", bad("the head moved"))
    await worked(room, ref)
    await room.press(ref, Choice.SKIP)

    execution = await worked(room, ref)

    assert execution.step(1).state is StepState.SKIPPED
    assert execution.state is ExecutionState.SUCCEEDED
    assert "git.undo_commit" not in room.script.calls


async def test_a_rollback_that_fails_is_loud_and_can_be_made_again(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    room.script.says("git.undo_commit", bad("the head moved"), UNDID)
    await worked(room, ref)
    await room.press(ref, Choice.ROLL_BACK)
    failed = await worked(room, ref)

    await room.press(ref, Choice.ROLL_BACK)
    ended = await worked(room, ref)

    assert failed.state is ExecutionState.ROLLBACK_FAILED
    assert failed.choices == (Choice.ROLL_BACK, Choice.ACKNOWLEDGE)
    assert ended.state is ExecutionState.ROLLED_BACK


@pytest.mark.parametrize(
    ("probe", "state"),
    [
        (good(found="yes", commit=NEW), ExecutionState.ROLLED_BACK),
        (good(found="no"), ExecutionState.ROLLBACK_FAILED),
        (bad("away"), ExecutionState.ROLLBACK_FAILED),
    ],
)
async def test_a_rollback_whose_outcome_is_unknown_is_what_its_probe_tells(
    room: Room, probe: CallResult, state: ExecutionState
) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    room.script.says("git.undo_commit", unsure())
    room.script.says("git.find_mark", probe)
    await worked(room, ref)
    await room.press(ref, Choice.ROLL_BACK)

    execution = await worked(room, ref)

    assert execution.state is state


async def test_a_rollback_whose_worker_died_can_be_tried_again(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    room.script.says("git.find_mark", good(found="no"))
    await worked(room, ref)
    await room.press(ref, Choice.ROLL_BACK)
    dying = await room.next(ref)
    assert dying.request is not None
    await room.steps._claim(dying.request)
    room.later(60)
    failed = await worked(room, ref)

    await room.press(ref, Choice.ROLL_BACK)
    ended = await worked(room, ref)

    assert failed.state is ExecutionState.ROLLBACK_FAILED
    assert ended.state is ExecutionState.ROLLED_BACK


async def test_an_acknowledged_rollback_ends_as_failed(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    room.script.says("git.undo_commit", bad())
    await worked(room, ref)
    await room.press(ref, Choice.ROLL_BACK)
    await worked(room, ref)
    await room.press(ref, Choice.ACKNOWLEDGE)

    execution = await worked(room, ref)

    assert execution.state is ExecutionState.FAILED
    assert execution.reason == "Acknowledged by Ann; the rollback did not complete."


async def test_a_pause_before_anything_changed_can_be_cancelled_without_a_question(
    room: Room,
) -> None:
    ref = await room.approved(write(), level())
    await room.next(ref)
    await room.press(ref, Choice.PAUSE)
    await room.next(ref)
    await room.press(ref, Choice.CANCEL)

    execution = await worked(room, ref)

    assert execution.state is ExecutionState.CANCELLED
    assert [step.state for step in execution.steps] == [StepState.CANCELLED] * 2
    assert room.script.calls == []


async def test_a_cancel_after_a_change_asks_whether_to_keep_it(room: Room) -> None:
    ref = await room.approved(write(), level())
    first = await room.next(ref)
    assert first.request is not None
    await room.steps.perform(first.request)
    await room.press(ref, Choice.PAUSE)
    await room.next(ref)
    await room.press(ref, Choice.CANCEL)
    await room.next(ref)
    asked = await room.execution(ref)
    await room.press(ref, Choice.KEEP)

    kept = await worked(room, ref)

    assert asked.choices == (Choice.KEEP, Choice.ROLL_BACK)
    assert kept.state is ExecutionState.CANCELLED
    assert kept.step(2).state is StepState.CANCELLED


async def test_nobody_decides_while_a_lost_workers_call_may_still_run(room: Room) -> None:
    ref = await room.approved(write())
    request = (await room.next(ref)).request
    assert request is not None
    await room.steps._claim(request)
    await room.press(ref, Choice.PAUSE)

    move = await room.next(ref)

    execution = await room.execution(ref)
    assert move.kind is MoveKind.WAIT
    assert execution.state is ExecutionState.RUNNING
    assert execution.reason == "Pausing after this step, as Ann asked."


async def test_a_pause_in_the_last_step_leaves_nothing_to_resume(room: Room) -> None:
    ref = await room.approved(write())
    slow = Slow(WROTE)
    room.script.says("git.set_value", slow)
    working = asyncio.create_task(room.work(ref))
    await asyncio.wait_for(room.script.started.wait(), 5)
    await room.press(ref, Choice.PAUSE)
    slow.let.set()
    await asyncio.wait_for(working, 5)

    execution = await worked(room, ref)

    assert execution.state is ExecutionState.SUCCEEDED
    assert execution.reason == ""


async def test_a_second_press_is_told_what_is_the_case_now(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await worked(room, ref)
    await room.press(ref, Choice.ROLL_BACK)
    await worked(room, ref)

    with pytest.raises(Conflict, match="rolled back now"):
        await room.press(ref, Choice.ROLL_BACK)


async def test_two_presses_at_once_are_one_act(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await worked(room, ref)

    await asyncio.gather(room.press(ref, Choice.RETRY), room.press(ref, Choice.RETRY))
    await worked(room, ref)

    assert room.script.calls.count("desk.look") == 2


async def test_asking_again_what_comes_next_posts_nothing_twice(room: Room) -> None:
    ref = await room.approved(write(), level())
    room.script.says("desk.look", good(level="low"))
    await worked(room, ref)
    asked = await room.posts("outcome")
    for _ in range(3):
        await room.next(ref)
    still = await room.posts("outcome")
    await room.press(ref, Choice.SKIP)
    await worked(room, ref)
    for _ in range(3):
        await room.next(ref)

    assert (asked, still) == (1, 1)
    assert await room.posts("outcome") == 2
    assert await room.posts("file") == 1


async def test_the_second_plan_for_a_service_waits_and_says_for_whom(room: Room) -> None:
    first = await room.approved(write(), level())
    second = await room.approved(write("6"), place=ELSEWHERE)
    await room.next(first)

    waits = await room.work(second)
    for _ in range(5):
        await room.next(second)
    waiting = await room.execution(second)
    await worked(room, first)
    ended = await worked(room, second)

    third = await room.approved(write("7"), context=STAGING, place=APART)
    await room.next(third)

    assert waits.kind is MoveKind.WAIT
    assert waiting.state is ExecutionState.WAITING
    assert waiting.reason == "It waits for P-1001, which changes checkout in prod"
    assert ended.state is ExecutionState.SUCCEEDED
    assert ended.reason == ""
    # Asking again takes no number.
    assert number(await room.execution(third)) == number(ended) + 1


async def test_of_two_plans_that_start_at_once_one_waits(room: Room) -> None:
    refs = [
        await room.approved(write(), level()),
        await room.approved(write("6"), place=ELSEWHERE),
    ]

    moves = await asyncio.gather(*(room.next(ref) for ref in refs))

    assert sorted(move.kind.value for move in moves) == ["call", "wait"]
    states = [(await room.execution(ref)).state for ref in refs]
    assert sorted(states) == [ExecutionState.RUNNING, ExecutionState.WAITING]


async def test_plans_that_only_read_wait_for_nobody(room: Room) -> None:
    first = await room.approved(write(), level())
    await room.next(first)
    version = await room.planned(look(), place=ELSEWHERE)
    await room.gate.release(version.plan_id, version.version)

    reading = await worked(room, VersionRef(plan_id=version.plan_id, version=version.version))

    assert reading.state is ExecutionState.SUCCEEDED


async def test_a_waiting_version_expires_and_a_late_approval_is_told_so(room: Room) -> None:
    version = await room.planned(write())
    ref = VersionRef(plan_id=version.plan_id, version=1)
    waits = await room.next(ref)
    room.now = version.decide_before

    with pytest.raises(Conflict, match=r"(?i)expired|too late|no decision"):
        await room.approve(version)
    moved = await room.next(ref)

    assert waits.seconds == pytest.approx(4 * 3600, abs=5)
    assert moved.kind is MoveKind.DONE
    assert await room.state(ref) is VersionState.EXPIRED


async def test_an_approval_in_time_beats_an_expiry_that_comes_after(room: Room) -> None:
    version = await room.planned(write())
    room.now = version.decide_before - timedelta(seconds=1)
    await room.approve(version)
    room.later(2)

    ref = VersionRef(plan_id=version.plan_id, version=1)
    await worked(room, ref)

    assert await room.state(ref) is VersionState.EXECUTED


async def test_what_could_not_start_in_time_does_not_start(room: Room) -> None:
    first = await room.approved(write(), level())
    second = await room.approved(write("6"), place=ELSEWHERE)
    await room.next(first)
    await room.next(second)
    room.later(6 * 3600)

    await room.work(second)

    execution = await room.execution(second)
    assert await room.state(second) is VersionState.EXPIRED
    assert execution.state is ExecutionState.CANCELLED
    assert execution.reason == (
        "It was approved, but could not start in time. "
        "It waits for P-1001, which changes checkout in prod."
    )


async def test_a_policy_that_is_away_keeps_an_approved_plan_waiting(room: Room) -> None:
    ref = await room.approved(write())
    room.policy.away = True
    await room.work(ref)
    waiting = await room.execution(ref)
    room.policy.away = False

    ended = await worked(room, ref)

    assert waiting.state is ExecutionState.WAITING
    assert waiting.reason == "The policy does not answer."
    assert ended.state is ExecutionState.SUCCEEDED


@pytest.mark.parametrize("steps", [(write(), level()), (write(), write("6"), level())])
async def test_a_crash_at_any_point_changes_nothing_but_the_time_it_takes(
    room: Room, steps: tuple[DraftStep, ...]
) -> None:
    """Each move is asked for three times, as if each answer had been lost."""
    ref = await room.approved(*steps)

    for _ in range(40):
        moves = [await room.next(ref) for _ in range(3)]
        assert moves[0].request == moves[1].request == moves[2].request
        if moves[0].request is None:
            break
        for _ in range(2):
            await room.steps.perform(moves[0].request)

    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
    assert len(room.script.calls) == len(steps)
