"""Runners next to a cluster, as processes: nobody there, one that dies, and one that goes on."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import psutil
import pytest

from bot.local.slack.person import plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import press, reference
from tests.acceptance.waiting import until
from tests.faults.breaking import Drill, asked, ended_once

pytestmark = pytest.mark.asyncio(loop_scope="session")
SITE = "prod/eu-1"
# What a runner is told beside its database and Temporal: the rules, public keys, its own tools.
TOLD = ("_KEYS__PUBLIC_", "_TOOLS__", "_SANDBOX__", "_POLICY__", "_EXECUTION__")
COMMAND = (sys.executable, "-m", "bot.cli")
ALIVE = """
SELECT count(*) FROM runner_beats WHERE at > clock_timestamp() - interval '10 seconds'
"""


async def carapulse(env: Mapping[str, str], *words: str) -> str:
    """The command's answer."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *words, env=env, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    return out.decode()


@asynccontextmanager
async def served_apart(rig: Rig) -> AsyncIterator[dict[str, str]]:
    """The place has a login of its own; yields the environment of its runners."""
    system = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    temporal = {k: v for k, v in rig.up.env.items() if "_TEMPORAL__" in k}
    owner = {**system, **temporal, "CARAPULSE_POSTGRES__OWNER_DSN": rig.up.stack.owner_dsn}
    printed = await carapulse(owner, "runner", "create", SITE)
    pairs = [line.partition("=") for line in printed.splitlines() if not line.startswith("#")]
    told = {name: value for name, value in rig.up.env.items() if any(k in name for k in TOLD)}
    try:
        yield {**system, **{name: value for name, _, value in pairs if value}, **told}
    finally:
        await carapulse(owner, "runner", "remove", SITE)


@asynccontextmanager
async def a_runner(env: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*COMMAND, "worker", "--tools", SITE, env=env)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def alive(rig: Rig, count: int) -> None:
    async def enough() -> bool:
        return int(await rig.owner.fetchval(ALIVE)) >= count

    await until(enough, within=30, what=f"{count} runners")


async def makes(rig: Rig, runners: list[asyncio.subprocess.Process]) -> int:
    """Which of the two makes the call: the one whose children include the tool's."""
    for _ in range(200):
        for number, one in enumerate(runners):
            if psutil.Process(one.pid).children(recursive=True):
                return number
        await asyncio.sleep(0.05)
    raise AssertionError("neither runs a tool")


async def test_a_step_waits_for_a_runner_and_moves_when_the_one_that_makes_it_is_killed(
    rig: Rig,
) -> None:
    async with AsyncExitStack() as stack:
        env = await stack.enter_async_context(served_apart(rig))
        thread, card = await asked(rig, "slow drill")
        await press(rig.ann, card, "Approve")
        await thread.card("No runner serves prod/eu-1 now")

        runners = [await stack.enter_async_context(a_runner(env)) for _ in range(2)]
        await alive(rig, 2)
        drill = Drill(thread, reference(card))
        await thread.log("waiting before the push")
        doomed = await makes(rig, runners)
        runners[doomed].kill()

        done = await ended_once(rig, drill, within=60)
        rows = await rig.owner.fetch(
            "SELECT DISTINCT worker FROM tool_calls c JOIN executions e "
            "ON e.id = c.execution_id JOIN plans p ON p.id = e.plan_id WHERE p.reference = $1",
            drill.plan,
        )
        assert "approved by Ann" in plain(done)
        assert len(rows) == 2
