"""A runner next to a cluster: what it makes, what it refuses, and when it does not start."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import ActivityFailureError, Client

from bot.cli.doctor_finding import ok
from bot.cli.doctor_runners import runners
from bot.engines import refuse_runners
from bot.runner import check, check_login
from engine.domain.call import CallResult
from engine.domain.context import ContextRef
from engine.domain.execution import ExecutionState
from engine.domain.ids import ExecutionId, new_id
from engine.domain.move import Move, MoveKind, StepRequest
from engine.domain.plan import VersionRef
from engine.domain.site import Site
from engine.errors import ConfigurationError, Conflict, NotFound
from engine.settings import Settings
from engine.store.runner_logins import make_login, remove_login
from engine.workflows.activities import ToolActivities
from engine.workflows.worker import connect, open_runner_on
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, look, write
from tests.integration.runner_bench import ADMIN, ELSEWHERE, HERE, US, Bench, open_bench
from tests.integration.script import TENANT, bad, good
from tests.unit.governing import PROD


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(database, tmp_path) as opened:
        yield opened


async def alarms(room: Room) -> list[str]:
    rows = await room.pool.fetch(
        "SELECT body::json ->> 'reason' AS said FROM audit WHERE action = 'integrity.alarm'"
    )
    return [row["said"] for row in rows]


async def test_a_runner_makes_writes_looks_and_checks_of_its_place(bench: Bench) -> None:
    ref = await bench.room.approved(look(), write(), level())

    await bench.work(ref)

    execution = await bench.room.execution(ref)
    lines = await bench.room.pool.fetchval("SELECT count(*) FROM log_lines")
    workers = await bench.room.pool.fetch("SELECT DISTINCT worker FROM tool_calls")
    assert (execution.state, execution.reason) == (ExecutionState.SUCCEEDED, "")
    assert [row["worker"] for row in workers] == ["runner-1"]
    assert lines > len(execution.steps)


@pytest.mark.parametrize(
    ("undoing", "state"),
    [
        (good(commit="c" * 40, previous_head="b" * 40), ExecutionState.ROLLED_BACK),
        (bad("somebody was faster"), ExecutionState.ROLLBACK_FAILED),
    ],
)
async def test_a_runner_undoes_its_own_steps_and_tells_where_it_can_not(
    bench: Bench, undoing: CallResult, state: ExecutionState
) -> None:
    ref = await bench.room.approved(write(), level())
    bench.room.script.says("desk.look", good(level="bad"))
    bench.room.script.says("git.undo_commit", undoing)
    await bench.work(ref)
    await bench.room.shown()
    bench.room.later(40)

    for _ in range(4):
        await bench.work(ref)
        bench.room.later(2)

    assert (await bench.room.execution(ref)).state is state
    workers = await bench.room.pool.fetch("SELECT DISTINCT worker FROM tool_calls")
    assert [row["worker"] for row in workers] == ["runner-1"]


async def test_a_plan_over_two_places_is_made_by_each_for_its_own_steps(bench: Bench) -> None:
    ref = await bench.room.approved(
        write(), level().model_copy(update={"context": US}), look(), context=PROD
    )

    await bench.work(ref)

    rows = await bench.room.pool.fetch("SELECT step, worker FROM tool_calls ORDER BY step")
    assert (await bench.room.execution(ref)).state is ExecutionState.SUCCEEDED
    assert [row["worker"] for row in rows] == ["runner-1", "worker-1", "runner-1"]


async def test_a_step_waits_and_its_card_says_why_while_no_runner_is_alive(bench: Bench) -> None:
    ref = await bench.room.approved(write())

    move = await bench.room.next(ref)

    execution = await bench.room.execution(ref)
    assert move.kind is MoveKind.WAIT
    assert execution.state is ExecutionState.WAITING
    assert execution.reason == "No runner serves prod/eu-1 now"
    assert (await bench.handed(ref)).kind is MoveKind.CALL


async def test_nothing_runs_that_somebody_made_up_and_put_on_the_queue(bench: Bench) -> None:
    room = bench.room
    waiting = await room.planned(write())
    elsewhere = await room.approved(write(), context=STAGING, place=ELSEWHERE)
    other = (await room.next(elsewhere)).requests[0]
    made_up = other.model_copy(update={"execution_id": ExecutionId(new_id())})
    unapproved = made_up.model_copy(
        update={"ref": VersionRef(plan_id=waiting.plan_id, version=waiting.version)}
    )

    for request in (made_up, unapproved, other):
        with pytest.raises(NotFound):
            await bench.steps.perform(request)

    assert room.script.calls == []
    assert await room.pool.fetchval("SELECT count(*) FROM tool_calls") == 0


async def test_another_places_step_of_its_own_plan_is_refused_loudly(bench: Bench) -> None:
    ref = await bench.room.approved(write(), level().model_copy(update={"context": US}))
    move = await bench.handed(ref)
    foreign = moved(move, step=2)

    await bench.steps.perform(foreign)

    assert bench.room.script.calls == []
    assert ["was sent to the runner of prod/eu-1" in one for one in await alarms(bench.room)] == [
        True
    ]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE plan_versions SET body = replace(body, 'settings.yaml', 'secrets.yaml')",
        "DELETE FROM approvals",
        "UPDATE approvals SET body = replace(body, '\"button\"', '\"web\"')",
        "DELETE FROM execution_starts",
    ],
)
async def test_what_is_not_signed_is_not_run_by_a_runner_either(
    bench: Bench, database: Database, change: str
) -> None:
    ref = await bench.room.approved(write())
    move = await bench.handed(ref)
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)
    try:
        changed = await owner.execute(change)
    finally:
        await owner.close()

    await bench.steps.perform(moved(move))

    assert changed.endswith(" 1")
    assert bench.room.script.calls == []
    assert len(await alarms(bench.room)) == 1


def moved(move: Move, **changes: object) -> StepRequest:
    assert move.request
    return move.request.model_copy(update=changes)


async def test_a_place_has_one_login_and_without_it_the_worker_makes_its_calls(
    database: Database, tmp_path: Path
) -> None:
    async with open_bench(database, tmp_path) as bench:
        with pytest.raises(Conflict, match="prod/eu-1 has a login"):
            await make_login(database.owner_dsn, TENANT, HERE, ADMIN)
        room, pool = bench.room, bench.room.pool
        await remove_login(database.owner_dsn, TENANT, HERE, ADMIN)
        ref = await room.approved(write())
        await room.work(ref)

        told = await pool.fetch("SELECT action FROM audit WHERE actor = 'cli:admin' ORDER BY id")
        assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
        assert [row["action"] for row in told] == ["runner.create", "runner.remove"]
        await make_login(database.owner_dsn, TENANT, HERE, ADMIN)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CARAPULSE_ENGINE", "direct", "the direct engine has no runners"),
        ("CARAPULSE_SLACK__BOT_TOKEN", "xoxb-1", "must not know CARAPULSE_SLACK__BOT_TOKEN"),
        ("CARAPULSE_KEYS__SIGNING_KEY_FILE", "key.pem", "must not know CARAPULSE_KEYS"),
    ],
)
def test_a_runner_that_knows_too_much_or_gets_no_work_does_not_start(
    variable: str, value: str, said: str
) -> None:
    settings = Settings.load({"CARAPULSE_TEMPORAL__ADDRESS": "temporal:7233", variable: value})

    with pytest.raises(ConfigurationError, match=said):
        check(settings, HERE)


async def test_doctor_tells_which_places_wait_for_a_runner_and_what_direct_can_not(
    bench: Bench, database: Database
) -> None:
    given = {"CARAPULSE_POSTGRES__DSN": database.app_dsn}
    settings = Settings.load(given)

    before = await runners(settings)
    await bench.beat()
    after = await runners(settings)
    direct = await runners(Settings.load({**given, "CARAPULSE_ENGINE": "direct"}))

    assert [one.found for one in before] == [
        "prod/eu-1: no runner serves it, last heard: never; its steps wait"
    ]
    assert after == [ok("runners", "prod/eu-1: 1 is alive")]
    assert [one.level for one in direct] == ["fail"]
    with pytest.raises(ConfigurationError, match="prod/eu-1 has its own"):
        await refuse_runners(bench.room.store)


async def test_what_somebody_puts_on_a_runners_queue_by_hand_makes_nothing(
    bench: Bench, temporal_address: str
) -> None:
    ref = await bench.room.approved(write(), level().model_copy(update={"context": US}))
    genuine = moved(await bench.handed(ref))
    unknown = genuine.model_copy(update={"execution_id": ExecutionId(new_id())})
    later = genuine.model_copy(update={"attempt": 7})
    foreign = genuine.model_copy(update={"step": 2})
    queue = f"{HERE.queue}-{new_id()}"
    client = await connect(temporal_address, "default")

    async with open_runner_on(client, queue, tools=ToolActivities(bench.steps.perform), at_once=4):
        for forged in (unknown, later, foreign):
            await by_hand(client, queue, forged)
        assert bench.room.script.calls == []
        await by_hand(client, queue, genuine)

    assert bench.room.script.calls == ["git.set_value"]
    assert len(await alarms(bench.room)) == 2


async def by_hand(client: Client, queue: str, request: StepRequest) -> None:
    """An activity without a workflow, as whoever reaches Temporal can start one."""
    with suppress(ActivityFailureError):
        await client.execute_activity(
            "perform",
            request,
            id=f"by-hand-{new_id()}",
            task_queue=queue,
            start_to_close_timeout=timedelta(seconds=20),
        )


async def test_a_runner_starts_with_its_own_login_alone(bench: Bench) -> None:
    await check_login(bench.steps.store, HERE)

    with pytest.raises(ConfigurationError, match="is no runner's"):
        await check_login(bench.room.store, HERE)
    with pytest.raises(ConfigurationError, match="is the runner's of prod/eu-1"):
        await check_login(bench.steps.store, Site.parse("prod/us-1"))


@pytest.mark.parametrize("text", ["prod", "prod/", "/eu-1", "pr.od/eu-1", "prod/eu 1", "a/b/c"])
def test_what_is_no_environment_and_cluster_has_no_runner(text: str) -> None:
    with pytest.raises(Exception, match="an environment and a cluster, such as prod/eu-1"):
        Site.parse(text)


def test_a_site_is_where_its_context_is() -> None:
    assert Site.parse("prod/eu-1").queue == "tools.prod.eu-1"
    assert HERE.is_at(PROD)
    assert not HERE.is_at(US)
    assert not HERE.is_at(ContextRef(environment="prod"))
