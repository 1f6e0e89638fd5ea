"""Real components for the tests: one server of each kind per session, one database per test."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from bot.local.stack import Stack, StackOptions, open_stack
from engine.store.migrations import migrate
from tests.contract.definitions.kubernetes import Cluster, open_cluster, programs

TEMPLATE = "carapulse_template"
ENGINE = "TESTED_ENGINE"
"""Where the engine that the acceptance tests run on is kept, for the processes of xdist too."""
PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "prometheus": ("prometheus",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
}
"""What `.ci/run` installs, by the name of its marker, with the programs that will do."""


@dataclass(frozen=True, slots=True)
class Database:
    """One test's own database, migrated and empty."""

    name: str
    owner_dsn: str
    app_dsn: str


def in_database(dsn: str, name: str) -> str:
    """Return the address with another database in it."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Postgres and Redis, as `carapulse up` starts them; Temporal has a fixture of its own."""
    wanted = StackOptions(temporal=False, policy=False, durable=False)
    async with open_stack(tmp_path_factory.mktemp("stack"), wanted=wanted) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_server(stack: Stack) -> Stack:
    """A Postgres with a migrated template database."""
    owner = await asyncpg.connect(stack.owner_dsn, timeout=10)
    try:
        await owner.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await owner.close()
    await migrate(in_database(stack.owner_dsn, TEMPLATE))
    return stack


@pytest.fixture
async def database(postgres_server: Stack) -> AsyncIterator[Database]:
    """A fresh copy of the migrated database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    owner = await asyncpg.connect(postgres_server.owner_dsn, timeout=10)
    try:
        await owner.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        yield Database(
            name,
            in_database(postgres_server.owner_dsn, name),
            in_database(postgres_server.app_dsn, name),
        )
        await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await owner.close()


@pytest.fixture(scope="session")
def redis_url(stack: Stack) -> str:
    """A running Redis; the tests that need it are skipped where there is none."""
    if stack.redis_url is None:
        pytest.skip(stack.notes[0])
    return stack.redis_url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A running Temporal development server."""
    configured = StackOptions(owner_dsn="unused", redis=False, policy=False)
    async with open_stack(tmp_path_factory.mktemp("temporal"), wanted=configured) as opened:
        assert opened.temporal_address
        yield opened.temporal_address


def program(name: str) -> Path:
    """Return an installed program, or skip; in CI its absence is a failure."""
    found = next(filter(None, map(shutil.which, PROGRAMS[name])), None)
    return Path(found) if found else absent(name)


def absent(name: str) -> NoReturn:
    """Skip what needs it; where CI runs it should have been there."""
    reason = f"{name} is not installed"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI skips nothing that it could have had")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Path:
    return program("chromium")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    return program("prometheus")


@pytest.fixture(scope="session")
def alertmanager() -> Path:
    return program("alertmanager")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """A Kubernetes control plane; tests make namespaces of their own in it."""
    folder = programs()
    if folder is None:
        absent("a Kubernetes control plane")
    async with open_cluster(folder, tmp_path_factory.mktemp("kubernetes")) as opened:
        yield opened


def pytest_configure(config: pytest.Config) -> None:
    """Keep Carapulse's settings of the person who runs the tests out of them."""
    if engine := os.environ.get("CARAPULSE_TEST_ENGINE"):
        os.environ[ENGINE] = engine
    foreign = re.compile(r"^(CARAPULSE_|SLACK_(BOT|APP)_TOKEN$|OPENAI_|ANTHROPIC_)")
    for name in [name for name in os.environ if foreign.match(name)]:
        del os.environ[name]
