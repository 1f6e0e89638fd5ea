"""The demo's shop really breaks on a bad commit, really recovers, and really says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

from bot.local.children import open_children
from bot.local.demo import monitoring
from bot.local.demo.git import Git, GitFailed
from bot.local.demo.repository import SETTINGS_PATH, ShopConfig, open_shop_config
from bot.local.demo.shop.alerts import Alert, fingerprint, payload
from bot.local.demo.shop.checkout import Pace
from bot.local.demo.shop.follower import Follower
from bot.local.demo.world import World, open_world

Json = dict[str, Any]

QUICK = Pace(window=3, poll=0.2, rollout_pause=0.1, hold=0.5, rate=40)
TOKEN = "hook-token-for-tests"
ANN = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ann Okafor"), ("EMAIL", "ann@acme.example"))
}


@dataclass
class Receiver:
    """Stands in for Carapulse's hook; refuses the first `refusals_left` notifications."""

    url: str = ""
    refusals_left: int = 0
    refused: list[Json] = field(default_factory=list)
    taken: list[Json] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    async def hook(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.tokens.add(request.headers.get("Authorization", ""))
        if self.refusals_left:
            self.refusals_left -= 1
            self.refused.append(body)
            return web.Response(status=503)
        self.taken.append(body)
        return web.Response(status=202)

    async def state(self) -> Json:
        return {"statuses": [body["status"] for body in self.taken]}


OpenWorld = Callable[[bool], Awaitable[World]]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.hook)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


@pytest.fixture
async def opened(tmp_path: Path, receiver: Receiver) -> AsyncIterator[OpenWorld]:
    token_file = tmp_path / "hook.token"
    token_file.write_text(TOKEN + "\n")
    async with AsyncExitStack() as stack:

        async def open_it(own_alerts: bool) -> World:
            children = await stack.enter_async_context(
                open_children(tmp_path / "logs", tmp_path / "lock", lambda event: None)
            )
            world = open_world(
                tmp_path / "world",
                children,
                receiver.url,
                token_file,
                pace=QUICK,
                own_alerts=own_alerts,
            )
            return await stack.enter_async_context(world)

        yield open_it


async def until(read: Callable[[], Awaitable[Json]], holds: Callable[[Json], bool]) -> Json:
    """Read again and again until it holds, for at most 15 s."""
    seen: Json = {}
    try:
        async with asyncio.timeout(15):
            while not holds(seen := await read()):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"still {seen}")
    return seen


def health_of(world: World) -> Callable[[], Awaitable[Json]]:
    async def read() -> Json:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(f"{world.shop_url}/health") as answer,
        ):
            found: Json = await answer.json()
            return found

    return read


async def requests_by_code(world: World) -> dict[str, float]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
        session.get(f"{world.shop_url}/metrics") as answer,
    ):
        text = await answer.text()
    counts: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "checkout_requests_total":
                code = sample.labels["code"]
                counts[code] = counts.get(code, 0) + sample.value
    return counts


async def cloned(repository: ShopConfig, folder: Path) -> Git:
    await Git(folder)("clone", "--quiet", repository.url, "work")
    return Git(folder / "work", environment=ANN)


async def revert(repository: ShopConfig, commit: str, folder: Path) -> str:
    git = await cloned(repository, folder)
    await git("revert", "--no-edit", commit)
    await git("push", "--quiet", "origin", "HEAD:main")
    return (await git("rev-parse", "HEAD")).strip()


def on(revision: str) -> Callable[[Json], bool]:
    return lambda health: health["revision"] == revision and health["ready"] == 3


def broken(health: Json) -> bool:
    return health["status"] == "degraded" and Decimal(health["error_percent"]) >= 25


def well(health: Json) -> bool:
    return bool(health["status"] == "healthy" and health["requests"] > 30)


async def test_a_bad_commit_breaks_checkout_and_a_revert_heals_it(
    opened: OpenWorld, tmp_path: Path
) -> None:
    world = await opened(True)
    health = health_of(world)
    before = await until(health, well)

    bad = await world.bad_commit()
    during = await until(health, lambda seen: on(bad)(seen) and broken(seen))
    good = await revert(world.repository, bad, tmp_path)
    after = await until(health, lambda seen: on(good)(seen) and well(seen))

    assert before["settings"]["pool_size"] == after["settings"]["pool_size"] == 10
    assert during["settings"]["pool_size"] == 0
    assert (during["ready"], during["on_revision"], during["total"]) == (3, 3, 3)
    assert (during["last_change"]["author"], during["last_change"]["message"]) == (
        "Dana Reyes",
        "raise pool size",
    )
    assert Decimal(during["error_rate"]) * 100 == Decimal(during["error_percent"])
    assert after["last_change"]["author"] == "Ann Okafor"


async def test_only_instances_with_the_bad_commit_fail(tmp_path: Path, receiver: Receiver) -> None:
    slow = Pace(window=3, poll=0.2, rollout_pause=60, rate=40)
    unused = tmp_path / "unused"
    async with (
        open_children(tmp_path / "logs", tmp_path / "lock", lambda event: None) as children,
        open_world(tmp_path, children, receiver.url, unused, pace=slow, own_alerts=True) as world,
    ):
        bad = await world.bad_commit()

        seen = await until(
            health_of(world),
            lambda health: Decimal(health["instances"][0]["error_percent"]) > 20,
        )

    assert [one["revision"] == bad for one in seen["instances"]] == [True, False, False]
    assert all(Decimal(one["error_percent"]) < 5 for one in seen["instances"][1:])
    assert seen["revision"] is None


async def test_health_and_metrics_count_the_same_requests(opened: OpenWorld) -> None:
    world = await opened(True)
    await world.bad_commit()
    await until(health_of(world), broken)

    first = await requests_by_code(world)
    await asyncio.sleep(QUICK.window)  # the measured span itself, not a wait for something
    health, second = await health_of(world)(), await requests_by_code(world)

    failed, done = second["503"] - first["503"], sum(second.values()) - sum(first.values())
    assert failed / done == pytest.approx(float(health["error_rate"]), abs=0.08)


async def test_settings_that_cannot_be_used_leave_the_old_ones_in_force(
    opened: OpenWorld, tmp_path: Path
) -> None:
    world = await opened(True)
    health = health_of(world)
    before = await until(health, well)
    git = await cloned(world.repository, tmp_path)
    (tmp_path / "work" / SETTINGS_PATH).write_text("pool_size: many\ncurrency: EUR\n")

    await git("commit", "--quiet", "--all", "--message", "a better pool")
    await git("push", "--quiet", "origin", "HEAD:main")
    seen = await until(health, lambda health: bool(health["problems"]))

    assert "pool_size" in seen["problems"][0]
    assert "timeout_ms" in seen["problems"][0]
    assert seen["status"] == "degraded"
    assert (seen["revision"], seen["settings"]) == (before["revision"], before["settings"])


@pytest.mark.parametrize("own_alerts", [False, True], ids=["prometheus", "own sender"])
async def test_the_alert_fires_and_resolves_at_the_hook(
    opened: OpenWorld, receiver: Receiver, tmp_path: Path, own_alerts: bool
) -> None:
    if not own_alerts and monitoring.installed() is None:
        pytest.skip("Prometheus and Alertmanager are not on the PATH")
    receiver.refusals_left = 1
    world = await opened(own_alerts)
    await until(health_of(world), well)

    bad = await world.bad_commit()
    await until(receiver.state, lambda seen: "firing" in seen["statuses"])
    await revert(world.repository, bad, tmp_path)
    await until(receiver.state, lambda seen: "resolved" in seen["statuses"])

    fired, ended = receiver.taken[0], receiver.taken[-1]
    assert receiver.tokens == {f"Bearer {TOKEN}"}
    assert receiver.refused[0]["status"] == "firing"
    assert [fired["status"], ended["status"]] == ["firing", "resolved"]
    (alert,), (end,) = fired["alerts"], ended["alerts"]
    assert alert["labels"] == {
        "alertname": "CheckoutErrorRateHigh",
        "severity": "critical",
        "service": "checkout",
        "environment": "prod",
        "cluster": "eu-1",
        "namespace": "shop",
    }
    assert alert["fingerprint"] == end["fingerprint"] == fingerprint(alert["labels"])
    assert alert["startsAt"] == end["startsAt"] < end["endsAt"]
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"
    assert alert["annotations"]["summary"].endswith(" % (limit 5 %)")
    own = payload(Alert(alert["labels"], alert["annotations"], datetime.now(UTC)), world.shop_url)
    assert own.keys() == fired.keys()
    assert own["alerts"][0].keys() == alert.keys()
    for name in ("receiver", "version", "groupKey", "groupLabels", "truncatedAlerts"):
        assert own[name] == fired[name]


async def test_the_services_file_names_where_checkout_really_is(opened: OpenWorld) -> None:
    world = await opened(True)

    services = yaml.safe_load(world.services_file.read_text())["services"]
    checkout = next(one for one in services if one["name"] == "checkout")

    assert checkout["gitops"]["remote"] == world.repository_url
    assert checkout["health"] == {
        "tool": "shop",
        "action": "health",
        "url": world.shop_url,
    }
    assert "metrics" not in checkout
    named = {one["name"] for one in services}
    assert {other for one in services for other in one["depends_on"]} <= named


async def test_the_query_of_the_services_file_answers_what_health_says(
    opened: OpenWorld,
) -> None:
    if monitoring.installed() is None:
        pytest.skip("Prometheus and Alertmanager are not on the PATH")
    world = await opened(False)
    services = yaml.safe_load(world.services_file.read_text())["services"]
    metrics = next(one["metrics"] for one in services if one["name"] == "checkout")
    await world.bad_commit()
    await until(health_of(world), broken)

    async def ask() -> Json:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(
                f"{world.prometheus_url}/api/v1/query", params={"query": metrics["error_rate"]}
            ) as answer,
        ):
            found: Json = await answer.json()
            samples = found["data"]["result"]  # none until it has scraped twice
            return {"value": samples[0]["value"][1] if samples else "0"}

    seen = await until(ask, lambda seen: float(seen["value"]) > 0.2)

    assert float(seen["value"]) > float(metrics["limit"])


async def test_the_repository_keeps_its_history_when_it_is_opened_again(tmp_path: Path) -> None:
    repository = await open_shop_config(tmp_path)
    bad = await repository.push_bad_commit()
    await Git(repository.path)("pack-refs", "--all")  # no file names the branch any more

    again = await open_shop_config(tmp_path)

    assert await again.head() == bad
    assert "pool_size: 0" in await again.settings()
    with pytest.raises(GitFailed, match="no pool_size above 0"):
        await again.push_bad_commit()


async def test_a_remote_that_is_away_only_delays_and_is_spoken_of(tmp_path: Path) -> None:
    clone, away = tmp_path / "clone", tmp_path / "away"
    clone.mkdir()
    remote = tmp_path / "made" / "shop-config.git"
    follower = Follower(str(remote), "main", clone, poll=0.05)
    changes = follower.changes()

    waiting = asyncio.ensure_future(anext(changes))
    async with asyncio.timeout(10):
        while follower.problem is None:  # noqa: ASYNC110 - git sets it
            await asyncio.sleep(0.02)
        problem = follower.problem
        repository = await open_shop_config(away)
        away.rename(tmp_path / "made")
        first = await waiting

    assert "ls-remote" in problem
    assert first.revision == await ShopConfig(remote).head()
    assert follower.problem is None
    assert not repository.path.exists()
