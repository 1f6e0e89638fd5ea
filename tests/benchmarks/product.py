"""The real Carapulse under test: its stack, its bot and its worker, each a process of its own."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from bot.local.children import Child
from bot.local.credentials import kept_token
from bot.local.ports import answers_http, free_port
from bot.local.stack import Stack
from bot.local.up import key_environment, slack_environment, stack_environment
from engine.secrets.keys import make_keys
from engine.store.migrations import migrate
from tests.benchmarks.payloads import CHANNEL
from tests.benchmarks.slack import StampingSlack

WORLD = Path(__file__).with_name("world")
BUDGET_SCALE = 100_000
COMMAND = (sys.executable, "-m", "bot.cli")
SETTINGS = {
    "CARAPULSE_SLACK__BUDGET_SCALE": str(BUDGET_SCALE),
    "CARAPULSE_SLACK__CHANNEL": CHANNEL,
    "CARAPULSE_LOG__LEVEL": "WARNING",
    "CARAPULSE_DIRECTORY__FILE": str(WORLD / "directory.yaml"),
    "CARAPULSE_CONTEXT__SERVICES_FILE": str(WORLD / "services.yaml"),
    "CARAPULSE_CONTEXT__PLAYBOOKS_FOLDER": str(WORLD / "playbooks"),
    "CARAPULSE_TOOLS__FOLDER": str(WORLD / "tools"),
}


@dataclass(frozen=True, slots=True)
class Product:
    """One running Carapulse, and its database as the owner sees it."""

    http_port: int
    hook_token: str
    redis_url: str
    owner: "asyncpg.Connection[asyncpg.Record]"


@asynccontextmanager
async def open_product(
    stack: Stack, slack: StampingSlack, *, worker: bool, more: Mapping[str, str] | None = None
) -> AsyncIterator[Product]:
    """Bot, and worker where one is wanted, over a database of their own; `more` is set too."""
    slack.connected.clear()
    name = f"bench_{uuid4().hex[:12]}"
    await made(stack.owner_dsn, name)
    owner_dsn = in_database(stack.owner_dsn, name)
    await migrate(owner_dsn)
    keys = make_keys(stack.folder.secrets)
    token_file = kept_token(stack.folder.secrets / "alertmanager_token")
    port = free_port()
    env = (
        stack_environment(stack, port, token_file)
        | key_environment(keys)
        | slack_environment(slack.url)
        | SETTINGS
        | {"CARAPULSE_POSTGRES__DSN": in_database(stack.app_dsn, name)}
        | {"CARAPULSE_TEMPORAL__QUEUE": name}
        | dict(more or {})
    )
    owner = await asyncpg.connect(owner_dsn, timeout=10)
    started = await start(
        stack, env, {"CARAPULSE_KEYS__SIGNING_KEY_FILE": str(keys.private)}, port, worker=worker
    )
    try:
        await slack.connected.wait()
        yield Product(port, token_file.read_text(), stack.redis_url or "", owner)
    finally:
        for child in started:
            await stack.children.stop(child)
        await owner.close()


async def start(
    stack: Stack, env: Mapping[str, str], gate: Mapping[str, str], port: int, *, worker: bool
) -> list[str]:
    """Start the processes; the names to stop them by."""

    async def serving() -> bool:
        return await answers_http(port, "/healthz")

    started = []
    if worker:
        await stack.children.start(Child("worker", (*COMMAND, "worker"), env))
        started.append("worker")
    await stack.children.start(Child("bot", (*COMMAND, "bot"), {**env, **gate}, ready=serving))
    return ["bot", *started]


async def made(owner_dsn: str, name: str) -> None:
    """A database of this name."""
    owner = await asyncpg.connect(owner_dsn, timeout=10)
    try:
        await owner.execute(f"CREATE DATABASE {name}")
    finally:
        await owner.close()


def in_database(dsn: str, name: str) -> str:
    """The address with another database in it."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
