"""A runner next to a cluster: what it makes, what it refuses, and what its login can reach."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import ActivityFailureError, Client

from bot.cli.doctor_finding import ok
from bot.cli.doctor_runners import runners
from bot.engines import refuse_runners
from bot.runner import check
from engine.domain.actor import Actor, ActorKind
from engine.domain.call import CallResult
from engine.domain.context import ContextRef
from engine.domain.conversation import Place, PostKind
from engine.domain.execution import ExecutionState
from engine.domain.ids import ExecutionId, PersonId, new_id
from engine.domain.move import Move, MoveKind, StepRequest
from engine.domain.plan import VersionRef
from engine.domain.site import Site
from engine.errors import ConfigurationError, Conflict, NotFound
from engine.services.steps import Steps
from engine.settings import Settings
from engine.store.connection import Pool, open_pool
from engine.store.runner_logins import make_login, remove_login
from engine.store.unit import PostgresStore
from engine.workflows.activities import ToolActivities
from engine.workflows.worker import connect, open_runner_on
from tests.conftest import Database
from tests.integration.room import (
    INC,
    STAGING,
    TENANT,
    Room,
    bad,
    good,
    level,
    look,
    note,
    open_room,
    write,
)
from tests.unit.governing import PROD

HERE = Site(environment="prod", cluster="eu-1")
US = PROD.model_copy(update={"cluster": "us-1"})
ELSEWHERE = Place(channel="C0INC", thread="1700000009.000100")
ADMIN = Actor(kind=ActorKind.SERVICE, id=PersonId("cli:admin"), name="admin")


# What a runner must not be able to do.
FORBIDDEN = (
    "SELECT * FROM public.plans",
    "SELECT * FROM public.steps",
    "SELECT * FROM public.approvals",
    "SELECT * FROM public.turns",
    "SELECT * FROM public.inbox",
    "SELECT * FROM public.service_tokens",
    "SELECT * FROM public.pgqueuer",
    "SET ROLE carapulse_app",
    "CREATE TABLE runner.mine (id int)",
    "CREATE FUNCTION runner.sees(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "UPDATE executions SET state = 'succeeded' WHERE id = '{ours}'",
    "UPDATE executions SET stopped_by = 'Ann' WHERE id = '{ours}'",
    "UPDATE executions SET epoch = 9 WHERE id = '{ours}'",
    "UPDATE executions SET reason = 'mine' WHERE id = '{theirs}'",
    "UPDATE steps SET state = 'succeeded' WHERE execution_id = '{ours}' AND number = 2",
    "UPDATE steps SET state = 'succeeded' WHERE execution_id = '{theirs}'",
    "UPDATE steps SET attempt = 3 WHERE execution_id = '{ours}' AND number = 1",
    "UPDATE steps SET cluster = 'eu-1' WHERE execution_id = '{ours}' AND number = 2",
    "INSERT INTO tool_calls (execution_id, step, phase, attempt, worker, lease_until, started_at) "
    "VALUES ('{ours}', 2, 'act', 1, 'x', now(), now())",
    "INSERT INTO tool_calls (execution_id, step, phase, attempt, worker, lease_until, started_at) "
    "VALUES ('{theirs}', 1, 'act', 1, 'x', now(), now())",
    "INSERT INTO log_lines (execution_id, step, at, line) VALUES ('{theirs}', 1, now(), 'x')",
    "DELETE FROM tool_calls",
    "DELETE FROM log_lines",
    "UPDATE plan_versions SET body = 'x'",
    "UPDATE version_states SET state = 'approved'",
    "INSERT INTO approvals (plan_id, version, body) SELECT plan_id, version, body FROM approvals",
    "DELETE FROM decisions",
    "UPDATE decisions SET taken_at = now()",
    "INSERT INTO audit (tenant, actor, action, subject, decision, body) "
    "SELECT tenant, actor, 'plan.approve', subject, decision, body FROM audit",
    "INSERT INTO audit (tenant, actor, action, subject, decision, body) "
    "SELECT tenant, actor, 'step.act', '{theirs}', decision, body FROM audit",
    "INSERT INTO posts (id, tenant, kind, subject, channel, thread, recipient, card, urgent) "
    "VALUES (gen_random_uuid(), 'default', 'outcome', '{ours}', 'C0ALL', '', '', false, false)",
    "UPDATE posts SET wanted = wanted + 1 WHERE subject = '{theirs}'",
    "UPDATE runners SET environment = 'staging'",
    "INSERT INTO runners (login, tenant, environment, cluster) "
    "VALUES (session_user, 'default', 'staging', 'eu-1')",
    "INSERT INTO inbox (tenant, source, key, thread, body) "
    "VALUES ('default', 'slack', 'x', '', '')",
    "INSERT INTO tool_definitions (digest, body) VALUES ('x', 'x')",
    "INSERT INTO freezes SELECT * FROM freezes",
)


@dataclass(frozen=True, slots=True)
class Bench:
    """A room whose prod/eu-1 is served by a runner with a login of its own."""

    room: Room
    pool: Pool
    steps: Steps

    async def beat(self) -> None:
        async with self.steps.store.begin() as unit:
            await unit.runners.beat(self.steps.worker)

    async def handed(self, ref: VersionRef) -> Move:
        """The next move, which is a call for the runner."""
        await self.beat()
        move = await self.room.next(ref)
        assert move.kind is MoveKind.CALL
        assert [one.queue for one in move.requests] == [HERE.queue] * len(move.requests)
        return move

    async def work(self, ref: VersionRef) -> Move:
        """Calls of this place by the runner, the others by the worker."""
        for _ in range(40):
            await self.beat()
            move = await self.room.next(ref)
            if move.kind is not MoveKind.CALL:
                return move
            for one in move.requests:
                steps = self.steps if one.queue else self.room.steps
                await steps.perform(one)
        raise AssertionError("it goes on for ever")


@asynccontextmanager
async def open_bench(database: Database, folder: Path) -> AsyncIterator[Bench]:
    dsn = await make_login(database.owner_dsn, TENANT, HERE, ADMIN)
    async with open_room(database, folder) as room:
        pool = await open_pool(dsn, size=4, statement_timeout=5, connect_timeout=5)
        try:
            yield Bench(room, pool, at_site(room, PostgresStore(pool, TENANT)))
        finally:
            await pool.close()
            await remove_login(database.owner_dsn, TENANT, HERE, ADMIN)


def at_site(room: Room, store: PostgresStore) -> Steps:
    """What a runner has: the room's services on the login of the runner."""
    lines = room.steps.loglines
    outputs = replace(lines.outputs, store=store)
    loglines = replace(lines, store=store, outputs=outputs)
    return replace(room.steps, store=store, loglines=loglines, worker="runner-1", site=HERE)


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


async def test_a_login_reaches_its_own_plans_and_writes_only_its_own_steps(bench: Bench) -> None:
    room, pool = bench.room, bench.pool
    mine = await room.approved(write(), level().model_copy(update={"context": US}), place=ELSEWHERE)
    foreign = await room.approved(note(), context=STAGING)
    await bench.handed(mine)
    await room.next(foreign)
    ours, theirs = await room.execution(mine), await room.execution(foreign)

    seen = {
        table: await pool.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of this test
        for table in ("executions", "plan_versions", "plans", "approvals", "conversations")
    }
    refused = []
    for statement in FORBIDDEN:
        try:
            status = await pool.execute(statement.format(ours=ours.id, theirs=theirs.id))
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            continue
        if not status.endswith(" 0"):
            refused.append(statement)

    assert seen == dict.fromkeys(seen, 1)
    assert refused == []


async def test_a_file_of_its_plan_comes_into_that_thread_and_no_other(bench: Bench) -> None:
    ref = await bench.room.approved(write(), place=ELSEWHERE)
    await bench.handed(ref)
    execution = await bench.room.execution(ref)

    async with bench.steps.store.begin() as unit:
        await unit.posts.want(PostKind.FILE, execution.id, ELSEWHERE)
    with pytest.raises(asyncpg.PostgresError):
        async with bench.steps.store.begin() as unit:
            await unit.posts.want(PostKind.FILE, execution.id, INC)

    assert await bench.room.posts("file") == 1


async def test_a_runner_reads_each_column_that_a_worker_reads(bench: Bench) -> None:
    query = (
        "SELECT array_agg(attname ORDER BY attname) FROM pg_attribute "
        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
    )
    tables = ("executions", "steps", "tool_calls", "log_lines", "artifacts", "freezes")

    seen = {one: await bench.pool.fetchval(query, f"runner.{one}") for one in tables}
    there = {one: await bench.pool.fetchval(query, f"public.{one}") for one in tables}

    assert seen == there
    assert await bench.pool.fetch("SELECT signed FROM decisions") == []


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


@pytest.mark.parametrize("text", ["prod", "prod/", "/eu-1", "pr.od/eu-1", "prod/eu 1", "a/b/c"])
def test_what_is_no_environment_and_cluster_has_no_runner(text: str) -> None:
    with pytest.raises(Exception, match="an environment and a cluster, such as prod/eu-1"):
        Site.parse(text)


def test_a_site_is_where_its_context_is() -> None:
    assert Site.parse("prod/eu-1").queue == "tools.prod.eu-1"
    assert HERE.is_at(PROD)
    assert not HERE.is_at(US)
    assert not HERE.is_at(ContextRef(environment="prod"))
