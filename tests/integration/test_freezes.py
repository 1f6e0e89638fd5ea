"""Freezes, windows and locks on a real database, and the daily digest of break-glass."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.approval import Verdict
from engine.domain.conversation import Place
from engine.domain.execution import Choice, ExecutionState
from engine.domain.freeze import FreezeWords, Window
from engine.domain.glass import Use
from engine.domain.ids import PersonId
from engine.domain.move import MoveKind
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Conflict, Invalid, NotAllowed, NotFound
from engine.services.freezes import Freezes
from engine.services.glass import Digests
from engine.services.guards import Holds
from engine.services.progress import Pace
from tests.conftest import Database
from tests.integration.room import Room, open_room, write
from tests.integration.script import TENANT
from tests.unit.governing import ANN, DANA, PROD

CART = PROD.model_copy(update={"service": "cart"})
ELSEWHERE = Place(channel="C0INC", thread="1700000000.000900")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


@pytest.fixture
def freezes(room: Room) -> Freezes:
    return Freezes(room.store, room.policy, lambda: room.now, TENANT, room.plans.services)


def words(**scope: object) -> FreezeWords:
    return FreezeWords.model_validate({"reason": "release day", **scope})


async def audited(room: Room, action: str) -> list[str]:
    rows = await room.pool.fetch("SELECT decision FROM audit WHERE action = $1 ORDER BY id", action)
    return [row["decision"] for row in rows]


async def test_a_frozen_plan_waits_with_its_reason_and_starts_when_the_freeze_is_over(
    room: Room, freezes: Freezes
) -> None:
    await freezes.set(ANN, words(environment="prod", ends_at=room.now + timedelta(hours=1)))
    ref = await room.approved()

    move = await room.next(ref)
    waiting = await room.execution(ref)
    assert (move.kind, waiting.state) == (MoveKind.WAIT, ExecutionState.WAITING)
    assert "Changes to prod are frozen until" in waiting.reason
    assert waiting.choices == (Choice.CANCEL,)
    assert await room.state(ref) is VersionState.APPROVED

    room.later(3600)
    assert await freezes.once() == 1
    assert await freezes.once() == 0
    await room.work(ref)
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_what_is_frozen_may_start_until_an_hour_after_the_freeze(
    room: Room, freezes: Freezes
) -> None:
    ends = room.now + timedelta(hours=30)
    await freezes.set(ANN, words(ends_at=ends))

    version = await room.planned()

    assert version.start_before == ends + timedelta(hours=1)
    assert version.decide_before == room.now + timedelta(hours=4)


async def test_a_freeze_that_outlasts_the_plan_cancels_it_with_its_own_sentence(
    room: Room, freezes: Freezes
) -> None:
    ref = await room.approved()
    await freezes.set(ANN, words(service="checkout"))
    await room.next(ref)

    room.later(5 * 3600)
    await room.next(ref)

    assert await room.state(ref) is VersionState.EXPIRED
    execution = await room.execution(ref)
    assert execution.state is ExecutionState.CANCELLED
    assert "could not start in time. Changes to checkout are frozen" in execution.reason


async def test_a_freeze_set_meanwhile_holds_the_next_write_and_cancelling_still_works(
    room: Room, freezes: Freezes
) -> None:
    ref = await room.approved(write("5"), write("6"))
    first = await room.next(ref)
    await freezes.set(ANN, words(environment="prod"))
    [request] = first.requests
    await room.steps.perform(request)

    move = await room.next(ref)
    held = await room.execution(ref)
    assert (move.kind, held.state) == (MoveKind.WAIT, ExecutionState.WAITING)
    assert room.script.calls.count("git.set_value") == 0

    await room.press(ref, Choice.CANCEL)
    await room.next(ref)
    assert (await room.execution(ref)).state is ExecutionState.CANCELLED


async def test_a_freeze_takes_nothing_of_the_time_that_an_execution_has(
    database: Database, tmp_path: Path
) -> None:
    async with open_room(database, tmp_path, pace=Pace(deadline=600)) as room:
        freezes = Freezes(room.store, room.policy, lambda: room.now, TENANT, room.plans.services)
        ref = await room.approved(write("5"), write("6"))
        [request] = (await room.next(ref)).requests
        await room.steps.perform(request)
        made = await freezes.set(ANN, words(environment="prod"))
        await room.next(ref)

        for _ in range(3):
            room.later(3600)
            await room.next(ref)
        await freezes.lift(ANN, made.id)
        await room.work(ref)

        assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_a_rollback_goes_on_through_a_freeze(room: Room, freezes: Freezes) -> None:
    ref = await room.approved(write("5"), write("6"))
    [request] = (await room.next(ref)).requests
    await room.steps.perform(request)
    await freezes.set(ANN, words(environment="prod"))
    await room.next(ref)
    assert (await room.execution(ref)).state is ExecutionState.WAITING

    await room.press(ref, Choice.CANCEL)
    await room.next(ref)
    await room.press(ref, Choice.ROLL_BACK)
    await room.work(ref)

    assert (await room.execution(ref)).state is ExecutionState.ROLLED_BACK


async def test_a_lifted_freeze_wakes_what_waits_and_is_over_for_good(
    room: Room, freezes: Freezes
) -> None:
    made = await freezes.set(ANN, words())
    ref = await room.approved()
    await room.next(ref)
    before = await room.pool.fetchval("SELECT count(*) FROM pgqueuer")

    await freezes.lift(ANN, made.id[-6:])

    assert await room.pool.fetchval("SELECT count(*) FROM pgqueuer") > before
    assert await freezes.open() == []
    with pytest.raises(Conflict):
        await freezes.lift(ANN, made.id)
    await room.work(ref)
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_operators_and_programs_freeze_and_others_are_refused_and_audited(
    room: Room, freezes: Freezes
) -> None:
    program = Actor(
        kind=ActorKind.SERVICE, id=PersonId("token:ci"), name="ci", scopes=("freeze.write",)
    )
    with pytest.raises(NotAllowed, match=r"Only \*sre\*"):
        await freezes.set(DANA, words())
    made = await freezes.set(program, words(environment="prod"))
    with pytest.raises(NotAllowed):
        await freezes.lift(DANA, made.id)

    assert [one.id for one in await freezes.open()] == [made.id]
    assert await audited(room, "freeze.set") == ["deny", "allow"]
    assert await audited(room, "freeze.lift") == ["deny"]
    assert made.set_by == "token:ci"


async def test_a_slip_in_a_scope_or_an_end_that_is_past_is_refused(
    room: Room, freezes: Freezes
) -> None:
    with pytest.raises(Invalid, match="must be after its start"):
        await freezes.set(ANN, words(ends_at=room.now - timedelta(seconds=1)))
    with pytest.raises(NotFound):
        await freezes.lift(ANN, "ffffff")

    assert await freezes.open() == []


async def test_outside_of_its_window_a_plan_waits_until_it_opens(room: Room) -> None:
    opens = (
        (room.now + timedelta(hours=2)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    )
    closes = opens + timedelta(hours=1)
    window = Window(hours=f"{opens:%H:%M}-{closes:%H:%M}")
    guards = replace(room.executions.guards, holds=Holds((window,)))
    executions = replace(room.executions, guards=guards)
    ref = await room.approved()

    move = await executions.next_move(ref)

    waiting = await room.execution(ref)
    assert (move.kind, waiting.state) == (MoveKind.WAIT, ExecutionState.WAITING)
    assert "Changes to checkout in prod start only" in waiting.reason
    room.now = opens
    assert (await executions.next_move(ref)).kind is MoveKind.CALL


async def test_a_card_says_so_when_its_window_opens(room: Room, freezes: Freezes) -> None:
    room.now = room.now.replace(hour=8, minute=59, second=58, microsecond=0)
    kept = replace(freezes, windows=(Window(hours="09:00-10:00"),))
    version = await room.planned()
    await room.shown()
    due = "SELECT count(*) FROM posts WHERE subject = $1 AND wanted > shown"

    assert await kept.once() == 0
    assert await room.pool.fetchval(due, version.plan_id) == 0
    room.later(3)
    assert await kept.once() == 1
    assert await room.pool.fetchval(due, version.plan_id) == 1


async def both(room: Room) -> VersionRef:
    """A plan that changes checkout and cart."""
    there = write("6").model_copy(update={"context": CART})
    version = await room.planned(write("5"), there, place=ELSEWHERE)
    for actor in ("bo", "ann"):
        person = await room.gate.directory.by_id(PersonId(actor))
        assert person is not None
        if await room.state(VersionRef(plan_id=version.plan_id, version=1)) is VersionState.WAITING:
            await room.gate.decide(
                person,
                version.plan_id,
                1,
                Verdict.APPROVE,
                surface=Surface.BUTTON,
                reason="both have to change at the same time",
                ticket="OPS-1",
            )
    return VersionRef(plan_id=version.plan_id, version=1)


async def test_a_plan_over_two_services_waits_for_both_and_says_for_whom(room: Room) -> None:
    first = await room.approved(write("5"), context=CART)
    assert (await room.next(first)).kind is MoveKind.CALL
    second = await both(room)

    move = await room.next(second)

    waiting = await room.execution(second)
    assert (move.kind, waiting.state) == (MoveKind.WAIT, ExecutionState.WAITING)
    reference = (await room.plans_version(first)).reference
    assert waiting.reason == f"It waits for {reference}, which changes cart in prod"
    held = await room.pool.fetch("SELECT key FROM execution_locks ORDER BY key")
    assert [row["key"] for row in held] == ["prod/cart"]  # what waits holds nothing

    await room.work(first)
    await room.work(second)
    assert (await room.execution(second)).state is ExecutionState.SUCCEEDED


async def test_two_that_want_the_same_at_once_end_one_after_the_other(room: Room) -> None:
    refs = [await both(room)]
    place = Place(channel="C0INC", thread="1700000000.000901")
    refs.append(await room.approved(place=place))

    moves = await asyncio.gather(*(room.next(ref) for ref in refs))

    assert sorted(move.kind for move in moves) == [MoveKind.CALL, MoveKind.WAIT]


async def used(room: Room, place: Place = ELSEWHERE) -> None:
    """A version that was approved by break-glass."""
    version = await room.planned(place=place)
    use = Use(
        plan_id=version.plan_id,
        version=1,
        reference=version.reference,
        title="Drop the old table",
        place="checkout in prod",
        asked_by="Dana",
        approved_by=("Bo", "Ann"),
        reason="the disk is full and orders fail",
        ticket="OPS-7",
        at=room.now,
    )
    async with room.store.begin() as unit:
        await unit.break_glass.add(use)


def digests(room: Room) -> Digests:
    return Digests(room.store, lambda: room.now, "C0OPS", time(9, 0), "Europe/Berlin")


async def told(room: Room) -> list[str]:
    rows = await room.pool.fetch(
        "SELECT body ->> 'text' AS text FROM posts WHERE subject = 'break-glass' "
        "ORDER BY created_at"
    )
    return [row["text"] for row in rows]


async def test_the_digest_is_told_once_a_day_by_one_of_many_replicas(room: Room) -> None:
    await used(room)
    room.now = datetime(2026, 11, 23, 7, 59, tzinfo=UTC)  # 08:59 in Berlin
    assert await digests(room).once() is None

    room.later(60)
    counts = await asyncio.gather(*(digests(room).once() for _ in range(5)))

    assert sorted(one or 0 for one in counts) == [0, 0, 0, 0, 1]
    [text] = await told(room)
    for word in ("used once", "P-1001 v1", "Bo and Ann", "Dana", "orders fail (OPS-7)", "waiting"):
        assert word in text


async def test_a_day_without_break_glass_has_no_message_and_nothing_is_told_twice(
    room: Room,
) -> None:
    room.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert await digests(room).once() == 0
    await used(room)
    assert await digests(room).once() is None  # this day has had its digest

    room.later(86_400)
    assert await digests(room).once() == 1
    room.later(86_400)
    assert await digests(room).once() == 0

    assert len(await told(room)) == 1
