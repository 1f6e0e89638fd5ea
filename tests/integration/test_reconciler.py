"""The records and a real Temporal: what is missing there starts again, once, behind a fence."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from engine.domain.execution import ExecutionState
from engine.domain.move import MoveKind, StepRequest
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Invalid, Unavailable
from engine.workflows.activities import DraftActivities, ExecutionActivities, ToolActivities
from engine.workflows.reconciler import Reconciler
from engine.workflows.starter import Starter
from engine.workflows.worker import connect, connect_later, open_worker_on
from tests.conftest import Database
from tests.integration.room import Room, open_room, plans, write


@dataclass
class World:
    """A room and a Temporal queue of its own."""

    room: Room
    starter: Starter
    reconciler: Reconciler


@pytest.fixture
async def world(database: Database, tmp_path: Path, temporal_address: str) -> AsyncIterator[World]:
    async with open_room(database, tmp_path) as room:
        client = await connect(temporal_address, "default")
        starter = Starter(client, f"queue-{uuid4().hex}")
        yield World(room, starter, Reconciler(room.store, starter))


def working(world: World, perform: object = None):  # type: ignore[no-untyped-def]
    return open_worker_on(
        world.starter.client,
        world.starter.queue,
        drafts=DraftActivities(world.room.drafts.look, world.room.drafts.propose),
        executions=ExecutionActivities(world.room.executions.next_move),
        tools=ToolActivities(perform or world.room.steps.perform),  # type: ignore[arg-type]
    )


async def ended(world: World, ref: VersionRef) -> None:
    async with asyncio.timeout(30):
        while not (await world.room.state(ref)).ended:  # noqa: ASYNC110 - the database's state
            await asyncio.sleep(0.1)


async def test_an_emptied_temporal_is_filled_again_from_the_records(world: World) -> None:
    ref = await world.room.approved(write())
    world.room.mind.answers = [plans(write("7"))]
    async with world.room.store.begin() as unit:
        open_drafts = await unit.drafts.open_ids()

    found = await world.reconciler.once()
    again = await world.reconciler.once()

    assert (found, again) == (1 + len(open_drafts), 0)
    async with working(world):
        await ended(world, ref)
    assert (await world.room.execution(ref)).state is ExecutionState.SUCCEEDED
    assert world.room.script.calls == ["git.set_value"]


async def test_the_workflow_of_an_older_epoch_changes_nothing(world: World) -> None:
    ref = await world.room.approved(write())
    await world.reconciler.once()

    move = await world.room.next(ref)

    assert move.kind is MoveKind.DONE
    assert await world.room.state(ref) is VersionState.APPROVED


async def test_two_reconcilers_at_once_leave_a_workflow_that_may_act(world: World) -> None:
    ref = await world.room.approved(write())

    await asyncio.gather(world.reconciler.once(), world.reconciler.once())

    async with world.room.store.begin() as unit:
        epoch = await unit.plans.epoch(ref)
    assert epoch > 0
    assert await world.starter.lives(str(ref), epoch)


async def test_an_epoch_never_goes_back(world: World) -> None:
    ref = await world.room.approved(write())
    async with world.room.store.begin() as unit:
        await unit.plans.set_epoch(ref, 3)
        await unit.plans.set_epoch(ref, 2)
        assert await unit.plans.epoch(ref) == 3


async def test_waking_starts_a_workflow_once_and_wakes_it_after(world: World) -> None:
    version = await world.room.planned(write())
    ref = VersionRef(plan_id=version.plan_id, version=1)
    async with working(world):
        await asyncio.gather(*(world.starter.wake(ref) for _ in range(4)))
        await world.room.approve(version)
        await world.starter.wake(ref)

        await ended(world, ref)

    assert world.room.script.calls == ["git.set_value"]


async def test_a_call_that_can_not_be_made_does_not_end_the_workflow(world: World) -> None:
    ref = await world.room.approved(write())
    turns = []

    async def perform(request: StepRequest) -> None:
        turns.append(request)
        if len(turns) == 1:
            raise Invalid("This worker does not know the step.")
        await world.room.steps.perform(request)

    async with working(world, perform):
        await world.starter.wake(ref)
        await ended(world, ref)

    assert len(turns) == 2
    assert (await world.room.execution(ref)).state is ExecutionState.SUCCEEDED
    assert await world.reconciler.once() <= 1  # the room's own draft


async def test_a_temporal_that_is_away_is_said_and_nothing_is_fenced(world: World) -> None:
    ref = await world.room.approved(write())
    nowhere = await connect_later("127.0.0.1:1", "default")
    away = replace(world.reconciler, starter=Starter(nowhere, "queue"))

    with pytest.raises(Unavailable):
        await away.once()

    async with world.room.store.begin() as unit:
        assert await unit.plans.epoch(ref) == 0
