"""Secrets of a call in a container: inside alone, and in nothing that its engine tells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from engine.domain.call import Ending
from engine.tools.containers.sandbox import ContainerSandbox
from tests.contract.conftest import confined
from tests.contract.container_engine import ContainerEngine
from tests.contract.played_boundary import played_boundary
from tests.contract.played_vault import PlayedVault, played_vault
from tests.contract.secret_bench import SecretBench, secret_bench, settings_for, until
from tests.contract.test_tunnels import door, through
from tests.contract.test_tunnels import settings_for as tunnelled

DATABASE = "database/creds/reader"
CONNECTION = {
    "secrets": [
        {
            "path": DATABASE,
            "token": "{password}",
            "variables": {"PGPASSWORD": "{password}", "BOX_PAUSE": "1.5"},
            "files": {"login.json": '{"password": "{password|json}"}'},
            "login": "login.json",
        }
    ]
}

WAY = """
tool: way
title: Way
transport: cli
environment: {WAY_URL: "{connection.url}", WAY_TOKEN: "{connection.token}"}
files: [way.py]
actions:
  open:
    title: Open the door
    effect: write
    timeout_seconds: 10
    hosts: ["{connection.host}"]
    commands:
      - {argv: [python3, -I, -S, way.py]}
    outputs: {last: {}}
"""
ASKS = """
import os
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
url = os.environ["WAY_URL"]
headers = {"Authorization": "Bearer " + os.environ["WAY_TOKEN"]}
print(urlsplit(url).hostname, urlopen(Request(url + "/open", b"", headers), timeout=5).status)
"""


@pytest.fixture
async def vault() -> AsyncIterator[PlayedVault]:
    async with played_vault() as played:
        yield played


@asynccontextmanager
async def in_containers(
    vault: PlayedVault, engine: ContainerEngine, folder: Path
) -> AsyncIterator[SecretBench]:
    async with (
        secret_bench(settings_for(folder, vault, CONNECTION), folder) as bench,
        ContainerSandbox.opened(
            engine.socket, confined(engine), work_folder=folder / "calls", prepared=0
        ) as sandbox,
    ):
        bench.runner = replace(bench.runner, sandbox=sandbox)
        yield bench


async def told_by(engine: ContainerEngine) -> str:
    """All that the engine tells of containers, their programs and their image."""
    connector = aiohttp.UnixConnector(str(engine.socket))
    async with aiohttp.ClientSession("http://engine", connector=connector) as session:

        async def asked(path: str) -> str:
            async with session.get(path) as answer:
                return await answer.text()

        async with session.get("/containers/json?all=true") as answer:
            found = [one["Id"] for one in await answer.json()]
        pieces = [await asked(f"/images/{engine.image}/{what}") for what in ("json", "history")]
        for one in found:
            async with session.get(f"/containers/{one}/json") as answer:
                programs = (await answer.json()).get("ExecIDs") or []
            pieces += [await asked(f"/containers/{one}/{what}") for what in ("json", "top")]
            pieces += [await asked(f"/exec/{program}/json") for program in programs]
        assert found
        return "\n".join(pieces)


async def test_no_inspection_of_a_container_shows_what_its_call_was_given(
    docker: ContainerEngine, vault: PlayedVault, tmp_path: Path
) -> None:
    async with in_containers(vault, docker, tmp_path) as bench:
        running = asyncio.create_task(bench.run())
        await until(lambda: bool(bench.lines), 20)
        inspected = await told_by(docker)
        result = await running
        shown = f"{bench.lines}{result}"

    (password,) = vault.minted
    assert result.ending is Ending.SUCCEEDED
    assert '"folder": "/tmp/call"' in result.outputs["last"]
    assert '"login.json": "{' in result.outputs["last"]
    assert '"BOX_LOGIN": "login.json"' in result.outputs["last"]
    assert "program.py" in inspected
    assert password not in inspected
    assert password not in shown
    assert vault.leases == {}
    assert not [
        path
        for path in (tmp_path / "calls").rglob("*")
        if path.is_file() and password.encode() in path.read_bytes()
    ]


async def test_a_call_in_a_container_reaches_its_tunnel_and_nothing_else(
    docker: ContainerEngine, tmp_path: Path
) -> None:
    files = tmp_path / "tools" / "files"
    files.mkdir(parents=True)
    (files / "way.py").write_text(ASKS)
    (files.parent / "way.yaml").write_text(WAY)
    async with played_boundary() as boundary, door() as (port, seen):
        boundary.credentials = [{"credential": {"password": "brokered-Pa55word"}}]
        boundary.leads_to = f"127.0.0.1 {port}"
        connections = {"way": through("http://door.internal")["door"]}
        settings = tunnelled(tmp_path, boundary, connections)
        async with (
            secret_bench(settings, tmp_path) as bench,
            ContainerSandbox.opened(
                docker.socket, confined(docker), work_folder=tmp_path / "calls", prepared=0
            ) as sandbox,
        ):
            bench.runner = replace(bench.runner, sandbox=sandbox)
            result = await bench.run("way.open")

    assert (result.ending, result.outputs["last"]) == (Ending.SUCCEEDED, "127.0.0.1 200")
    assert seen == ["Bearer brokered-Pa55word"]
    assert boundary.states == ["canceling"]
