"""Tunnels of Boundary around calls: a session before, a program beside, nothing of it after."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from aiohttp import web

from engine.credentials import now
from engine.domain.call import Ending
from engine.domain.draft import Reading
from engine.domain.minted import Giver, Minted
from engine.settings import Settings
from engine.tools.giving import led
from engine.tools.sandbox import installed
from tests.conftest import Database
from tests.contract.played_boundary import TARGET, TOKEN, PlayedBoundary, played_boundary, program
from tests.contract.secret_bench import SecretBench, secret_bench, until
from tests.contract.tool_bench import PROD

PASSWORD = "brokered-Pa55word"


@pytest.fixture
async def boundary() -> AsyncIterator[PlayedBoundary]:
    async with played_boundary() as played:
        played.credentials = [{"credential": {"username": "reader", "password": PASSWORD}}]
        yield played


def settings_for(
    folder: Path, boundary: PlayedBoundary, connections: dict[str, Any], mode: str = "works"
) -> Settings:
    token = folder / "boundary" / "token"
    token.parent.mkdir(exist_ok=True)
    token.write_text(TOKEN)
    return Settings.load(
        {
            "CARAPULSE_BOUNDARY": json.dumps(
                {
                    "url": boundary.url,
                    "token_file": str(token),
                    "program": str(program(folder, mode)),
                    "start_seconds": 1 if mode == "says nothing" else 20,
                    "timeout_seconds": 1,
                }
            ),
            "CARAPULSE_TOOLS": json.dumps(
                {
                    "folder": str(folder / "tools"),
                    "work_folder": str(folder),
                    "connections": connections,
                }
            ),
        }
    )


def through(url: str) -> dict[str, Any]:
    return {"door": {"url": url, "tunnel": {"target": TARGET, "token": "{password}"}}}


@asynccontextmanager
async def door(*, hangs: bool = False) -> AsyncIterator[tuple[int, list[str]]]:
    """A system that is behind the tunnel; its port, and what it has seen."""
    seen: list[str] = []

    async def opened(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        if hangs:
            await asyncio.Event().wait()
        return web.json_response({"seen": "it"})

    app = web.Application()
    app.router.add_post("/open", opened)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], seen
    finally:
        await runner.cleanup()


def programs(folder: Path) -> list[int]:
    """Programs of tunnels that run."""
    found = psutil.Process().children(recursive=True)
    return [
        one.pid for one in found if any(str(folder / "boundary-") in arg for arg in one.cmdline())
    ]


async def test_a_call_goes_through_a_tunnel_that_is_gone_after_it(
    boundary: PlayedBoundary, tmp_path: Path
) -> None:
    async with door() as (port, seen):
        boundary.leads_to = f"127.0.0.1 {port}"
        settings = settings_for(tmp_path, boundary, through("http://door.internal"))
        async with secret_bench(settings, tmp_path) as bench:
            result = await bench.run("door.open")

            assert (boundary.states, bench.kept.rows, programs(tmp_path)) == (["canceling"], [], [])

    assert result.ending is Ending.SUCCEEDED
    assert seen == [f"Bearer {PASSWORD}"]
    assert PASSWORD not in f"{bench.lines}{result}"
    assert not list(tmp_path.glob("tunnel-*"))


async def test_a_call_that_is_cancelled_takes_its_tunnel_with_it(
    boundary: PlayedBoundary, tmp_path: Path
) -> None:
    async with door(hangs=True) as (port, seen):
        boundary.leads_to = f"127.0.0.1 {port}"
        settings = settings_for(tmp_path, boundary, through("http://door.internal"))
        async with secret_bench(settings, tmp_path) as bench:
            running = asyncio.create_task(bench.run("door.open"))
            await until(lambda: bool(seen), 20)
            meanwhile = (len(bench.kept.rows), len(programs(tmp_path)) > 0, boundary.states)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

            assert meanwhile == (1, True, ["pending"])
            assert (boundary.states, bench.kept.rows, programs(tmp_path)) == (["canceling"], [], [])


@pytest.mark.parametrize(
    ("mode", "said"),
    [("ends", "ended with code 1"), ("says nothing", "does not listen"), ("works", "")],
)
async def test_where_no_tunnel_can_be_made_the_call_is_refused_before_it_starts(
    boundary: PlayedBoundary, tmp_path: Path, mode: str, said: str
) -> None:
    if mode == "works":
        boundary.answers, said = 503, "Boundary answered 503"
    settings = settings_for(tmp_path, boundary, through("http://door.internal"), mode)
    async with secret_bench(settings, tmp_path) as bench:
        result = await bench.run("door.open")
        other = await bench.run("plain.tell")

        assert (result.ending, result.refused) == (Ending.FAILED, True)
        assert said in result.message
        assert other.ending is Ending.SUCCEEDED
        assert set(boundary.states) <= {"canceling"}
        assert (bench.kept.rows, programs(tmp_path)) == ([], [])


async def test_what_the_controller_refuses_is_said(
    boundary: PlayedBoundary, tmp_path: Path
) -> None:
    boundary.tokens = {"at_another"}
    settings = settings_for(tmp_path, boundary, through("http://door.internal"))
    async with secret_bench(settings, tmp_path) as bench:
        result = await bench.run("door.open")

    assert result.refused
    assert "Unauthenticated" in result.message


async def test_a_session_that_was_left_is_cancelled_by_the_sweeper(
    boundary: PlayedBoundary, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, boundary, through("http://door.internal"))
    async with secret_bench(settings, tmp_path) as bench:
        for session in ("s_left", "s_over"):
            boundary.sessions[session] = {"id": session, "version": 4, "status": "active"}
        boundary.sessions["s_over"]["status"] = "terminated"
        await leave(bench, "s_left", "s_over", "s_unknown")
        assert bench.credentials.sweeper

        swept = await bench.credentials.sweeper.sweep()

        assert (swept, boundary.states, bench.kept.rows) == (3, ["canceling", "terminated"], [])


async def leave(bench: SecretBench, *sessions: str) -> None:
    """As a worker does that was killed a while ago."""
    then = now() - timedelta(seconds=1)
    for session in sessions:
        minted = Minted(
            giver=Giver.BOUNDARY,
            id=session,
            connection="door",
            holder="another/1@1",
            until=then,
            expires=then,
        )
        await bench.kept.keep(minted)


@pytest.mark.parametrize(
    ("url", "through_it"),
    [
        ("http://u@door.internal:80/base", "http://u@127.0.0.1:5000/base"),
        (
            "postgresql://reader@db.internal:5432/shop?sslmode=verify-full",
            "postgresql://reader@db.internal:5000/shop?sslmode=verify-full&hostaddr=127.0.0.1",
        ),
        ("postgres://db.internal/shop", "postgres://db.internal:5000/shop?hostaddr=127.0.0.1"),
    ],
)
def test_an_address_leads_through_the_tunnel_and_keeps_the_name_that_certificates_have(
    url: str, through_it: str
) -> None:
    assert led(url, "127.0.0.1:5000") == through_it
    assert led(url, "") == url


@pytest.mark.skipif(not installed("psql"), reason="needs psql")
async def test_psql_asks_a_database_through_a_tunnel(
    boundary: PlayedBoundary, tmp_path: Path, database: Database
) -> None:
    parts = urlsplit(database.app_dsn)
    boundary.leads_to = f"127.0.0.1 {parts.port}"
    boundary.credentials = [
        {"secret": {"decoded": {"username": parts.username, "password": parts.password}}}
    ]
    tunnel = {"target": TARGET, "variables": {"PGUSER": "{username}", "PGPASSWORD": "{password}"}}
    url = f"postgresql://db.internal:5432{parts.path}"
    settings = settings_for(tmp_path, boundary, {"psql": {"url": url, "tunnel": tunnel}})
    async with secret_bench(settings, tmp_path) as bench:
        asked = Reading(tool="psql", action="query", input={"statement": "SELECT 40 + 2 AS answer"})
        call = bench.bench.registry.read_call(asked, PROD)
        through_it = await bench.runner.run(call, {}, bench.line)

    assert through_it.outputs["value"] == "42"
    assert str(parts.password) not in f"{bench.lines}{through_it}"
