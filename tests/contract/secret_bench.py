"""A tool that tells all that it was given, with the settings' credentials around its calls."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from engine.configured import endpoints, redactor
from engine.credentials import Credentials, opened_credentials
from engine.domain.call import CallResult
from engine.domain.minted import Minted
from engine.errors import Unavailable
from engine.settings import Settings
from engine.telemetry.metrics import Metrics
from engine.tools.api import ApiTransport
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner
from engine.tools.sandbox import ProcessSandbox
from tests.contract.played_vault import ROLE_ID, PlayedVault
from tests.contract.tool_bench import Bench

BOX = """
tool: box
title: Box
transport: cli
environment: {BOX_TOKEN: "{connection.token}", BOX_LOGIN: "{connection.file}"}
files: [program.py]
actions:
  tell:
    title: Tell all
    effect: write
    timeout_seconds: 10
    commands:
      - {argv: [python3, -I, -S, program.py]}
    outputs:
      last: {missing: "It told nothing."}
"""
# All that it was given: its variables, and the files in its folder.
PROGRAM = """
import json, os, sys, time
print("ready", os.getpid(), flush=True)
go = os.environ.get("BOX_GO", "")
while go and not os.path.exists(go):
    time.sleep(0.01)
time.sleep(float(os.environ.get("BOX_PAUSE", "0")))
files = {name: open(name).read() for name in sorted(os.listdir(".")) if name != "program.py"}
mine = {name: text for name, text in os.environ.items() if name.startswith(("BOX", "PG"))}
told = json.dumps({"files": files, "variables": mine, "folder": os.getcwd()})
report = os.environ.get("BOX_REPORT", "")
if report:
    open(report, "w").write(told)
print(told)
print("and on the other side", told, file=sys.stderr)
"""
PLAIN = """
tool: plain
title: Plain
transport: cli
actions:
  tell:
    title: Tell
    effect: write
    commands:
      - {argv: ["true"]}
"""
DOOR = """
tool: door
title: Door
transport: api
actions:
  open:
    title: Open
    effect: write
    request: {method: POST, path: /open}
    outputs: {seen: {path: seen}}
"""


@dataclass
class Kept:
    """The `MintedRecords` port in memory, that can be away."""

    rows: list[Minted] = field(default_factory=list)
    away: bool = False

    async def keep(self, minted: Minted) -> None:
        if self.away:
            raise Unavailable("postgres", "The database does not answer.")
        self.rows.append(minted)

    async def forget(self, minted: Minted) -> None:
        self.rows = [one for one in self.rows if one != minted]

    async def out(self) -> list[Minted]:
        return list(self.rows)


@dataclass
class SecretBench:
    """Runs calls; `told` is what the program of the last one was given, unredacted."""

    bench: Bench
    runner: ToolRunner
    credentials: Credentials
    kept: Kept
    folder: Path
    on_ready: Callable[[int], None] | None = None
    lines: list[str] = field(default_factory=list)

    async def run(self, action: str = "box.tell") -> CallResult:
        call = self.bench.frozen(action, {}).call
        return await self.runner.run(call, {}, self.line)

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "report").read_text())
        return told

    async def line(self, line: str, /, *, shown: bool = True, filed: bool = True) -> None:
        self.lines.append(line)
        if line.startswith("ready") and self.on_ready:
            self.on_ready(int(line.split()[1]))


def settings_for(
    folder: Path,
    vault: PlayedVault,
    connection: dict[str, Any],
    login: dict[str, Any] | None = None,
    **more: Any,
) -> Settings:
    """Settings with one connection of the box; its variables say where it reports."""
    secret_id = folder / "secret" / "secret-id"
    secret_id.parent.mkdir(exist_ok=True)
    secret_id.write_text("first-secret-id")
    over = {
        "CARAPULSE_VAULT": json.dumps(
            {
                "url": vault.url,
                "role_id": ROLE_ID,
                "secret_id_file": str(secret_id),
                "timeout_seconds": 1,
                **(login or {}),
            }
        ),
        "CARAPULSE_TOOLS": json.dumps(
            {
                "folder": str(folder / "tools"),
                "work_folder": str(folder / "calls"),
                "connections": {"box": {"url": "http://box.example", **connection}, **more},
            }
        ),
    }
    return Settings.load(over)


def report_to(folder: Path, *, waits: bool = False) -> dict[str, str]:
    """Variables by which the box reports, and waits until it may."""
    go = {"BOX_GO": str(folder / "go")} if waits else {}
    return {"BOX_REPORT": str(folder / "report"), **go}


@asynccontextmanager
async def secret_bench(settings: Settings, folder: Path) -> AsyncIterator[SecretBench]:
    """The bench on these settings."""
    tools = folder / "tools"
    (tools / "files").mkdir(parents=True, exist_ok=True)
    (tools / "files" / "program.py").write_text(PROGRAM)
    for name, text in (("box", BOX), ("plain", PLAIN), ("door", DOOR)):
        (tools / f"{name}.yaml").write_text(text)
    kept = Kept()
    async with (
        aiohttp.ClientSession() as session,
        opened_credentials(settings, kept, session, Metrics()) as credentials,
    ):
        connections = endpoints(settings)
        urls = {name: one.url for name, one in connections.items()}
        bench = Bench(
            ToolRegistry.load(tools, connections=urls),
            ProcessSandbox(folder / "calls"),
            ApiTransport(session, connections),
            redactor(settings),
        )
        runner = replace(bench.runner, sources=credentials.sources)
        yield SecretBench(bench, runner, credentials, kept, folder)


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    """Poll until it is true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
