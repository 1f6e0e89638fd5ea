"""A whole Carapulse for tests: every process is the real one, only the waits are shorter."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import aiohttp
import asyncpg
import psutil
import pytest
import yaml

from bot.local import up
from bot.local.children import ChildEvent
from bot.local.demo.git import Git
from bot.local.demo.repository import SETTINGS_PATH, Commit
from bot.local.demo.shop.checkout import Pace
from bot.local.demo.world import PLAYBOOKS, World, open_world
from bot.local.slack.person import Control, Person, open_control, open_person
from bot.local.stack import StackOptions
from engine.secrets.tokens import make_token, token_hash
from tests.acceptance.past import remember
from tests.acceptance.waiting import until
from tests.conftest import ENGINE

QUICK = Pace(window=4.0, poll=0.2, rollout_pause=0.1, hold=1.0)
WAITS = {
    "CARAPULSE_EXECUTION__ROLLBACK_DELAY": "5",
    "CARAPULSE_EXECUTION__ROLLBACK_LATEST": "10",
    "CARAPULSE_EXECUTION__CALL_LEASE": "5",
    "CARAPULSE_EXECUTION__KILL_GRACE": "1",
}
# The demo's playbooks, held to what this quick shop can do.
SHORTER = {"within_seconds: 120": "within_seconds: 10", "hold_seconds: 20": "hold_seconds: 2"}
TRAILER = "%(trailers:key=Carapulse-Step,valueonly,separator=%x20)"


def engine_of_tests() -> Literal["temporal", "direct"]:
    """What CARAPULSE_TEST_ENGINE says; tests/conftest.py takes it away and keeps its value."""
    said = os.environ.get("CARAPULSE_TEST_ENGINE") or os.environ.get(ENGINE)
    return "direct" if said == "direct" else "temporal"


@dataclass(frozen=True, slots=True)
class Additions:
    """What a test brings beside the demo's world: tools, playbooks, services by the world."""

    tools: Path | None = None
    playbooks: Path | None = None
    services: Callable[[World], list[dict[str, Any]]] = lambda _: []
    env: Mapping[str, str] = field(default_factory=dict)
    durable: bool = False  # whether a killed Postgres has kept what it said it had
    engine: Literal["temporal", "direct"] = field(default_factory=engine_of_tests)


DRILLS = Path(__file__).with_name("drill")


def practice(world: World) -> list[dict[str, Any]]:
    """A service in staging, where a plan of high risk needs two people."""
    place = {"remote": world.repository_url, "branch": "main", "path": SETTINGS_PATH}
    return [
        {
            "name": "practice",
            "namespace": "shop",
            "owners": ["shop-owners"],
            "environments": ["staging"],
            "gitops": {"repository": "shop-config", **place},
            "health": {"tool": "shop", "action": "health"},
        }
    ]


DRILL = Additions(tools=DRILLS / "tools", playbooks=DRILLS / "playbooks", services=practice)


@dataclass(frozen=True, slots=True)
class Rig:
    """What runs, and the people who use it."""

    up: up.Up
    world: World
    slack_url: str
    control: Control
    dana: Person
    ann: Person
    bo: Person
    owner: "asyncpg.Pool[asyncpg.Record]"
    token: str
    events: list[ChildEvent]

    async def head(self) -> str:
        """The newest commit of shop-config."""
        return await self.world.repository.head()

    async def marks(self, path: Path | None = None, branch: str = "main") -> list[str]:
        """The steps that left a commit on a branch, one entry for each commit."""
        git = Git(path or self.world.repository.path)
        told = await git("log", f"--format={TRAILER}", f"refs/heads/{branch}")
        return [line for line in told.splitlines() if line]

    async def health(self) -> dict[str, Any]:
        """What the shop says of itself."""
        async with aiohttp.ClientSession() as session:
            answer = await session.get(f"{self.world.shop_url}/health")
            told: dict[str, Any] = await answer.json()
            return told

    async def api(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """GET from the sidecar with a service token; status and body."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            answer = await session.get(f"{self.up.http_url}{path}")
            return answer.status, await answer.json(content_type=None)

    async def broken(self) -> str:
        """Break checkout as the story does, and wait until it shows; the bad commit."""
        bad = await self.world.bad_commit()
        await until(self._failing, within=30, what="checkout to fail")
        return bad

    async def write(self, message: str, pool_size: int) -> str:
        """A commit by hand on shop-config."""
        return await self._put(message, "pool_size", pool_size)

    async def _put(self, message: str, key: str, value: int) -> str:
        text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", await self._settings())
        commit = Commit("bo", message, datetime.now(UTC), {SETTINGS_PATH: text})
        await self.world.repository._write([commit], parent=await self.head())
        return await self.head()

    async def changed(self) -> str:
        """A harmless change by a person, which is then the newest; the commit.

        After an undoing of Carapulse's own "roll back the last change" is rightly asked about.
        """
        wait = 260 if "timeout_ms: 250\n" in await self._settings() else 250
        made = await self._put("the till waits another moment", "timeout_ms", wait)
        await until(self.healthy, within=30, what="checkout to take a harmless change")
        return made

    async def mended(self) -> None:
        """Checkout healthy again, by hand where no test has done it."""
        if "pool_size: 0" in await self._settings():
            await self.write("mended by hand", 10)
        await until(self.healthy, within=30, what="checkout to recover")

    async def healthy(self) -> bool:
        """Whether all instances run the head and few checkouts fail."""
        told = await self.health()
        return bool(
            float(told["error_rate"]) <= 0.05
            and told["revision"] == await self.head()
            and told["status"] == "healthy"
        )

    async def _failing(self) -> bool:
        told = await self.health()
        return float(told["error_rate"]) > 0.2 and told["revision"] == await self.head()

    async def _settings(self) -> str:
        return await self.world.repository.settings()

    async def commits(self) -> list[str]:
        """The commits of checkout's settings, newest first."""
        git = Git(self.world.repository.path)
        told = await git("log", "--format=%H", "refs/heads/main", "--", SETTINGS_PATH)
        return told.split()

    async def executions(self, plan: str) -> list[asyncpg.Record]:
        """Every execution of a plan, by the plan's reference."""
        found: list[asyncpg.Record] = await self.owner.fetch(
            "SELECT e.* FROM executions e JOIN plans p ON p.id = e.plan_id WHERE p.reference = $1",
            plan,
        )
        return found

    async def versions(self, plan: str) -> dict[int, str]:
        """The state of each version of a plan, by the plan's reference."""
        rows = await self.owner.fetch(
            "SELECT s.version, s.state FROM version_states s JOIN plans p ON p.id = s.plan_id "
            "WHERE p.reference = $1",
            plan,
        )
        return {row["version"]: row["state"] for row in rows}

    def process(self, name: str) -> psutil.Process:
        """A running part of Carapulse; its guard's one child."""
        guard = psutil.Process(self.up.stack.children.pid(name))
        return guard.children()[0]

    def kill(self, name: str) -> None:
        """kill -9, without a goodbye."""
        self.process(name).kill()


@asynccontextmanager
async def open_rig(folder: Path, added: Additions | None = None) -> AsyncIterator[Rig]:
    """Start everything below `folder`, sign people in, and stop it all at the end."""
    added = added or Additions()
    events: list[ChildEvent] = []
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(up, "open_world", partial(quick_world, added))
        options = up.UpOptions(
            folder / "up",
            StackOptions(durable=added.durable, engine=added.engine),
            env=WAITS | files(folder, added) | dict(added.env),
        )
        opened = await stack.enter_async_context(up.open_up(options, on_event=events.append))
        assert opened.slack_url
        assert opened.world
        control = await stack.enter_async_context(open_control(opened.slack_url))
        dana, ann, bo = [
            await stack.enter_async_context(open_person(opened.slack_url, one))
            for one in ("U0DANA", "U0ANN", "U0BO")
        ]
        pool = asyncpg.create_pool(opened.stack.owner_dsn, min_size=1, max_size=2, timeout=10)
        owner = await stack.enter_async_context(pool)
        token = await service_token(owner)
        yield Rig(
            opened, opened.world, opened.slack_url, control, dana, ann, bo, owner, token, events
        )


@asynccontextmanager
async def quick_world(
    added: Additions, folder: Path, *args: Any, **more: Any
) -> AsyncIterator[World]:
    """The demo's world at the quick pace, with a past and the test's own services beside it."""
    await remember(folder / "monitoring" / "prometheus")
    async with open_world(folder, *args, **more, pace=QUICK) as world:
        services = yaml.safe_load(world.services_file.read_text())
        services["environments"]["staging"] = {"clusters": ["eu-9"]}
        services["services"] += added.services(world)
        world.services_file.write_text(yaml.safe_dump(services, sort_keys=False))
        yield world


def files(folder: Path, added: Additions) -> dict[str, str]:
    """The demo's tools and playbooks with the test's own, in folders of the test."""
    tools, playbooks = folder / "tools", folder / "playbooks"
    shutil.copytree(up.DEMO_TOOLS, tools)
    shutil.copytree(PLAYBOOKS, playbooks)
    for path in playbooks.glob("*.yaml"):
        text = path.read_text()
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        path.write_text(text)
    if added.tools:
        shutil.copytree(added.tools, tools, dirs_exist_ok=True)
    if added.playbooks:
        shutil.copytree(added.playbooks, playbooks, dirs_exist_ok=True)
    return {
        "CARAPULSE_TOOLS__FOLDER": str(tools),
        "CARAPULSE_CONTEXT__PLAYBOOKS_FOLDER": str(playbooks),
    }


async def service_token(owner: "asyncpg.Pool[asyncpg.Record]") -> str:
    """A token that may read plans and executions."""
    token = make_token()
    await owner.execute(
        "INSERT INTO service_tokens (digest, name, scopes) VALUES ($1, 'tests', $2)",
        token_hash(token),
        ["plan.read", "execution.read"],
    )
    return token


def environment(rig: Rig, **more: str) -> dict[str, str]:
    """What a process of Carapulse beside the rig's own has to be told."""
    return {**os.environ, **rig.up.env, **more}


__all__ = ["Additions", "Rig", "environment", "open_rig"]
