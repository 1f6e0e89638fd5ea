"""What the login of a runner reaches in the database, and what it does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from engine.domain.conversation import PostKind
from tests.conftest import Database
from tests.integration.room import (
    INC,
    STAGING,
    level,
    note,
    write,
)
from tests.integration.runner_bench import ELSEWHERE, US, Bench, open_bench

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
    "SELECT tenant, actor, 'plan.approve', subject, decision, body FROM audit "
    "WHERE actor = 'service:worker'",
    "INSERT INTO audit (tenant, actor, action, subject, decision, body) "
    "SELECT tenant, actor, 'step.act', '{theirs}', decision, body FROM audit "
    "WHERE actor = 'service:worker'",
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


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(database, tmp_path) as opened:
        yield opened


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
