"""The direct engine on a real database: held by one, taken over, woken, and nothing made twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.domain.execution import ExecutionState
from engine.domain.flow import FlowKey, FlowKind
from engine.domain.ids import DraftId
from engine.domain.move import StepRequest
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Unavailable
from engine.store.flows import PostgresFlows
from engine.workflows.direct import DirectStarter, DirectWorker, Work
from engine.workflows.reconciler import Reconciler
from tests.acceptance.waiting import until
from tests.conftest import Database
from tests.integration.room import Room, open_room, plans, write
from tests.integration.script import Slow, good

KEY = FlowKey(kind=FlowKind.EXECUTION, subject="plan", version=1)


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


@pytest.fixture
def flows(room: Room) -> PostgresFlows:
    return PostgresFlows(room.pool, "default")


@asynccontextmanager
async def working(
    room: Room,
    flows: PostgresFlows,
    holder: str = "a",
    perform: Callable[[StepRequest], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """A worker of this engine beside the block."""
    drafts, steps = room.drafts, perform or room.steps.perform
    work = Work(drafts.look, drafts.propose, room.executions.next_move, steps)
    task = asyncio.create_task(DirectWorker(flows, work, holder, 20).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled(), task.exception()


async def ended(room: Room, ref: VersionRef) -> None:
    async def over() -> bool:
        return (await room.state(ref)).ended

    await until(over, within=30, what="the version to end")


async def test_a_flow_is_in_one_holders_hands_until_its_hold_ends(flows: PostgresFlows) -> None:
    await flows.wake(KEY)
    (mine,) = await flows.claim("a", 0.3, 10)
    assert await flows.claim("b", 5, 10) == []

    async def left() -> bool:
        return bool(await flows.claim("b", 5, 10))

    await until(left, within=5, what="the hold to end")
    await flows.end(mine)
    await flows.let_go(mine, 0)

    assert await flows.lives(KEY)
    assert await flows.claim("c", 5, 10) == []
    assert await flows.renew("a", 5) == []
    assert [one.fence for one in await flows.renew("b", 5)] == [mine.fence + 1]


async def test_what_was_woken_while_it_was_held_is_due_at_once(flows: PostgresFlows) -> None:
    await flows.wake(KEY)
    (held,) = await flows.claim("a", 5, 10)
    await flows.let_go(held, 3600)
    assert await flows.claim("a", 5, 10) == []
    await flows.wake(KEY)
    (again,) = await flows.claim("a", 5, 10)

    await flows.wake(KEY)
    await flows.let_go(again, 3600)

    assert len(await flows.claim("b", 5, 10)) == 1


async def test_what_has_ended_stays_ended(flows: PostgresFlows) -> None:
    await flows.wake(KEY)
    (held,) = await flows.claim("a", 5, 10)
    await flows.end(held)

    await flows.wake(KEY)

    assert not await flows.lives(KEY)
    assert await flows.claim("a", 5, 10) == []
    assert await flows.next_in() is None


async def test_a_request_is_drafted_and_its_plan_carried_out(
    room: Room, flows: PostgresFlows
) -> None:
    room.mind.answers = [plans(write())]
    starter = DirectStarter(flows)
    draft_id: DraftId = await room.say()

    async with working(room, flows):
        await starter.start_draft(draft_id)

        async def proposed() -> bool:
            return bool(await room.pool.fetchval("SELECT EXISTS (SELECT FROM plan_versions)"))

        await until(proposed, within=20, what="a plan")
        plan_id = await room.pool.fetchval("SELECT id::text FROM plans")
        async with room.store.begin() as unit:
            version = await unit.plans.version(plan_id, 1)
        ref = VersionRef(plan_id=plan_id, version=1)
        await starter.wake(ref)  # looked at before its approval: it waits
        await room.approve(version)
        await starter.wake(ref)
        await ended(room, ref)

    assert room.script.calls.count("git.set_value") == 1
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_two_workers_never_make_a_call_twice(room: Room, flows: PostgresFlows) -> None:
    ref = await room.approved(write())
    starter = DirectStarter(flows)

    async with working(room, flows, "a"), working(room, flows, "b"):
        await asyncio.gather(*(starter.wake(ref) for _ in range(10)))
        await ended(room, ref)

    assert room.script.calls == ["git.set_value"]


async def test_a_worker_that_stops_is_replaced_and_the_call_is_not_made_again(
    room: Room, flows: PostgresFlows
) -> None:
    """Its call ends after it has let the flow go; the next worker waits for the call's lease."""
    slow = Slow(good(commit="b" * 40, previous_head="a" * 40))
    room.script.says("git.set_value", slow)
    ref = await room.approved(write())
    await DirectStarter(flows).wake(ref)
    (stalled,) = await flows.claim("stalled", 0.5, 1)
    calling = asyncio.create_task(room.work(ref, moves=1))
    await room.script.started.wait()

    async with working(room, flows, "b"):

        async def taken() -> bool:
            return bool(await room.pool.fetchval("SELECT fence > $1 FROM flows", stalled.fence))

        await until(taken, within=10, what="another worker")
        slow.let.set()
        await asyncio.wait({calling})
        await DirectStarter(flows).wake(ref)
        await ended(room, ref)

    assert room.script.calls == ["git.set_value"]
    assert await room.state(ref) is VersionState.EXECUTED


async def test_a_component_that_is_away_is_asked_again(room: Room, flows: PostgresFlows) -> None:
    ref = await room.approved(write())
    turns = []

    async def perform(request: StepRequest) -> None:
        turns.append(request)
        if len(turns) == 1:
            raise Unavailable("policy", "The policy does not answer.")
        await room.steps.perform(request)

    async with working(room, flows, perform=perform):
        await DirectStarter(flows).wake(ref)
        await ended(room, ref)

    assert len(turns) == 2
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED


async def test_what_no_engine_knows_is_begun_again_from_the_records(
    room: Room, flows: PostgresFlows
) -> None:
    ref = await room.approved(write())
    room.mind.answers = [plans(write("7"))]
    reconciler = Reconciler(room.store, DirectStarter(flows))

    found, again = await reconciler.once(), await reconciler.once()

    assert found >= 1
    assert again == 0
    async with working(room, flows):
        await ended(room, ref)
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
