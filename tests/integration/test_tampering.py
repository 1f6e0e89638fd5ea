"""Nine fields, tampered with at four points, before the first step and at a resume: all refused.

The points are the stored plan version, the stored steps of an execution, the rows of its
approvals, and what its workflow hands to a worker. Nine fields that exist at each point are
altered there; where a point has none of a plan's own fields, what stands for them is: another
plan, version, execution, epoch, step. It is done as the owner of the database, because the
application's role can't. The copy of the public keys that a worker holds is not one of the points:
whoever writes there is the worker.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
from structlog.testing import capture_logs

from engine.domain.conversation import Place
from engine.domain.digest import digest
from engine.domain.execution import Choice, ExecutionState, Phase, StepState
from engine.domain.ids import ExecutionId, PlanId
from engine.domain.move import StepRequest
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.errors import NotFound
from engine.services.alarm import ALARM, LOUD
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, open_room, write

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Json = dict[str, Any]
APART = Place(channel="C0INC", thread="1700000001.000100")


@dataclass
class Bench:
    """A room, a hand on its database, and a plan in it."""

    room: Room
    owner: Owner
    ref: VersionRef

    @property
    def plan_id(self) -> PlanId:
        return self.ref.plan_id

    async def execution_id(self) -> ExecutionId:
        return (await self.room.execution(self.ref)).id

    async def alarms(self) -> tuple[int, int]:
        """Audit rows of the alarm, and loud lines in the thread."""
        audited = await self.owner.fetchval(
            "SELECT count(*) FROM audit WHERE action = $1 AND subject = $2", ALARM, self.plan_id
        )
        told = await self.owner.fetchval(
            "SELECT count(*) FROM posts WHERE subject = $1 AND starts_with(body ->> 'text', $2)",
            self.plan_id,
            LOUD,
        )
        return audited, told


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(database.owner_dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def waiting(room: Room, owner: Owner) -> Bench:
    """Approved, and held up before its first step."""
    ref = await room.approved(write(), level(), context=STAGING, place=APART)
    room.policy.away = True
    await room.next(ref)
    room.policy.away = False
    return Bench(room, owner, ref)


@pytest.fixture
async def paused(room: Room, owner: Owner) -> Bench:
    """Its first step is done, its second is not begun."""
    ref = await room.approved(write(), level())
    move = await room.next(ref)
    assert move.request is not None
    await room.press(ref, Choice.PAUSE)
    await room.steps.perform(move.request)
    await room.next(ref)
    assert (await room.execution(ref)).state is ExecutionState.PAUSED
    room.script.calls.clear()
    return Bench(room, owner, ref)


async def refused_at_start(bench: Bench) -> None:
    with capture_logs() as logs:
        await bench.room.work(bench.ref)

    assert bench.room.script.calls == []
    audited, told = await bench.alarms()
    assert audited >= 1
    assert told >= 1
    assert ALARM in [line.get("action") for line in logs]


async def refused_at_each_resume(bench: Bench) -> None:
    for turn in (1, 2):
        with capture_logs() as logs:
            await bench.room.press(bench.ref, Choice.RESUME)
            await bench.room.work(bench.ref)

        assert bench.room.script.calls == []
        assert await bench.alarms() == (turn, 1)
        assert ALARM in [line.get("action") for line in logs]
        execution = await bench.room.execution(bench.ref)
        assert execution.state is ExecutionState.NEEDS_DECISION
        assert set(execution.choices) == {Choice.RESUME, Choice.ACKNOWLEDGE}


# --- the stored plan version ---------------------------------------------------------------------


def first(change: Callable[[Json], None]) -> Callable[[Json], None]:
    """A change of the first step's call."""

    def changed(body: Json) -> None:
        change(body["steps"][0])

    return changed


PLAN: dict[str, Callable[[Json], None]] = {
    # Each of these decides who may approve, where it acts, until when, or what runs.
    "tenant": lambda body: body.update(tenant="other"),
    "requester": lambda body: body.update(requester="cy"),
    "context": lambda body: body["context"].update(cluster="us-1"),
    "requirements": lambda body: body["requirements"].update(people=0, groups=[]),
    "start_before": lambda body: body.update(start_before="2036-01-01T00:00:00Z"),
    "input": first(lambda step: step["call"]["input"].update(value="500")),
    "commands": first(lambda step: step["call"].update(commands=[["git", "push", "--force"]])),
    "definition": first(lambda step: step["call"].update(definition="e" * 64)),
    "rollback": first(lambda step: step.update(rollback=None)),
}


async def alter(bench: Bench, change: Callable[[Json], None], *, consistent: bool) -> None:
    """Write the plan's row anew; `consistent` with a digest that fits what it says now."""
    body = json.loads(
        await bench.owner.fetchval(
            "SELECT body FROM plan_versions WHERE plan_id = $1", bench.plan_id
        )
    )
    change(body)
    if consistent:
        body["digest"] = digest(PlanVersion.model_validate(body))
    await bench.owner.execute(
        "UPDATE plan_versions SET body = $2, digest = $3 WHERE plan_id = $1",
        bench.plan_id,
        json.dumps(body),
        body["digest"],
    )


@pytest.mark.parametrize("name", PLAN)
async def test_a_changed_plan_version_is_not_started_even_with_a_digest_that_fits(
    waiting: Bench, name: str
) -> None:
    await alter(waiting, PLAN[name], consistent=True)

    await refused_at_start(waiting)

    assert await waiting.room.state(waiting.ref) is VersionState.WITHDRAWN


@pytest.mark.parametrize("name", PLAN)
async def test_a_changed_plan_version_is_not_resumed(paused: Bench, name: str) -> None:
    await alter(paused, PLAN[name], consistent=False)

    await refused_at_each_resume(paused)


# --- the stored steps of an execution ------------------------------------------------------------

STEPS = {
    "effect": "UPDATE steps SET effect = 'read' WHERE execution_id = $1 AND number = 1",
    "kind": "UPDATE steps SET kind = 'act' WHERE execution_id = $1 AND number = 2",
    "title": "UPDATE steps SET title = 'Look' WHERE execution_id = $1 AND number = 1",
    "has_rollback": "UPDATE steps SET has_rollback = false WHERE execution_id = $1 AND number = 1",
    "number": "UPDATE steps SET number = number + 5 WHERE execution_id = $1 AND number = 2",
    "a row less": "DELETE FROM steps WHERE execution_id = $1 AND number = 2",
    "a row more": (
        "INSERT INTO steps (execution_id, number, kind, title, effect, state) "
        "VALUES ($1, 3, 'act', 'Set', 'write', 'pending')"
    ),
    "outputs": "UPDATE steps SET outputs = jsonb_build_object('commit', repeat('d', 40)) "
    "WHERE execution_id = $1 AND number = 1",
    "kind of all": "UPDATE steps SET kind = 'verify', effect = 'read' WHERE execution_id = $1",
}


@pytest.mark.parametrize("name", STEPS)
async def test_changed_steps_are_not_started(waiting: Bench, name: str) -> None:
    await waiting.owner.execute(STEPS[name], await waiting.execution_id())

    await refused_at_start(waiting)


@pytest.mark.parametrize("name", STEPS)
async def test_changed_steps_are_not_resumed(paused: Bench, name: str) -> None:
    await paused.owner.execute(STEPS[name], await paused.execution_id())

    await refused_at_each_resume(paused)


# --- the rows of its approvals -------------------------------------------------------------------

APPROVAL: dict[str, dict[str, object]] = {
    "tenant": {"tenant": "other"},
    "plan_id": {"plan_id": "01998f00-0000-7000-8000-00000000000f"},
    "version": {"version": 2},
    "digest": {"digest": "e" * 64},
    "person": {"person": "bo"},
    "groups": {"groups": ["sre", "shop-owners"]},
    "verdict": {"verdict": "reject"},
    "surface": {"surface": "auto"},
    "at": {"at": "2030-01-01T00:00:00Z"},
}
STATEMENT = (
    "UPDATE approvals SET body = jsonb_set(body::jsonb, '{statement}', "
    "(body::jsonb -> 'statement') || $2::jsonb)::text WHERE plan_id = $1"
)


@pytest.mark.parametrize("name", APPROVAL)
async def test_a_changed_approval_starts_nothing(waiting: Bench, name: str) -> None:
    await waiting.owner.execute(STATEMENT, waiting.plan_id, json.dumps(APPROVAL[name]))

    await refused_at_start(waiting)

    assert await waiting.room.state(waiting.ref) is VersionState.WITHDRAWN


@pytest.mark.parametrize("name", APPROVAL)
async def test_a_changed_approval_resumes_nothing(paused: Bench, name: str) -> None:
    await paused.owner.execute(STATEMENT, paused.plan_id, json.dumps(APPROVAL[name]))

    await refused_at_each_resume(paused)


# --- what a workflow hands to a worker -----------------------------------------------------------


def other(request: StepRequest, **changes: object) -> StepRequest:
    return request.model_copy(update=changes)


def elsewhere(request: StepRequest, **changes: object) -> StepRequest:
    return other(request, ref=request.ref.model_copy(update=changes))


UNKNOWN = PlanId("01998f00-0000-7000-8000-00000000000f")
ORDERS: dict[str, Callable[[StepRequest, VersionRef], StepRequest]] = {
    "a plan of another tenant": lambda order, _: elsewhere(order, plan_id=UNKNOWN),
    "another plan": lambda order, ref: other(order, ref=ref),
    "another version": lambda order, _: elsewhere(order, version=order.ref.version + 1),
    "an epoch to come": lambda order, _: elsewhere(order, epoch=7),
    "no step": lambda order, _: other(order, step=0),
    "a step too far": lambda order, _: other(order, step=9),
    "a write as a look": lambda order, _: other(order, step=1, phase=Phase.READ),
    "a rollback that it lacks": lambda order, _: other(order, step=2, phase=Phase.ROLLBACK),
    "an attempt to come": lambda order, _: other(order, attempt=order.attempt + 1),
}


@pytest.mark.parametrize("name", ORDERS)
async def test_a_forged_order_runs_no_first_step(room: Room, owner: Owner, name: str) -> None:
    ref, foreign = await two(room)
    bench = Bench(room, owner, ref)
    order = (await room.next(ref)).request
    assert order is not None

    with capture_logs() as logs:
        await room.steps.perform(ORDERS[name](order, foreign))

    assert room.script.calls == []
    assert await bench.alarms() == (1, 1)
    assert ALARM in [line.get("action") for line in logs]
    assert (await room.execution(ref)).step(1).state is StepState.RUNNING


@pytest.mark.parametrize("name", ORDERS)
async def test_a_forged_order_runs_nothing_after_a_resume(
    room: Room, owner: Owner, paused: Bench, name: str
) -> None:
    foreign = await room.approved(write(), context=STAGING, place=APART)
    await room.press(paused.ref, Choice.RESUME)
    order = (await room.next(paused.ref)).request
    assert order is not None

    with capture_logs() as logs:
        await room.steps.perform(ORDERS[name](order, foreign))

    assert room.script.calls == []
    assert await paused.alarms() == (1, 1)
    assert ALARM in [line.get("action") for line in logs]


async def test_an_order_for_an_execution_of_another_plan_runs_neither(
    room: Room, owner: Owner
) -> None:
    ref, foreign = await two(room)
    order = (await room.next(ref)).request
    assert order is not None

    await room.steps.perform(
        other(order, execution_id=(await room.execution(foreign)).id, attempt=1)
    )

    assert room.script.calls == []
    assert await Bench(room, owner, foreign).alarms() == (1, 1)


async def test_a_workflow_of_a_forged_version_changes_nothing(room: Room) -> None:
    ref = await room.approved(write())
    for forged in (
        ref.model_copy(update={"plan_id": UNKNOWN}),
        ref.model_copy(update={"version": 2}),
    ):
        with pytest.raises(NotFound):
            await room.next(forged)

    later = await room.next(ref.model_copy(update={"epoch": 3}))

    assert later.request is None
    assert room.script.calls == []
    assert await room.state(ref) is VersionState.APPROVED


async def two(room: Room) -> tuple[VersionRef, VersionRef]:
    """Two approved plans; the second has an execution that waits."""
    ref = await room.approved(write(), level())
    foreign = await room.approved(write(), level(), context=STAGING, place=APART)
    room.policy.away = True
    await room.next(foreign)
    room.policy.away = False
    return ref, foreign
