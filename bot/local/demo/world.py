"""The whole small world that Carapulse looks after in the demo: repository, shop, monitoring."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import yaml

from bot.local.children import Child
from bot.local.demo import monitoring
from bot.local.demo.alert import error_rate_query
from bot.local.demo.monitoring import Monitoring, Programs, Watched, answering
from bot.local.demo.repository import BRANCH, ShopConfig, open_shop_config
from bot.local.demo.shop.checkout import Pace
from bot.local.ports import LOOPBACK, kept_port

PACKAGE = "bot.local.demo"
PLAYBOOKS = Path(__file__).with_name("playbooks")
RUNBOOKS = Path(__file__).with_name("runbooks")


class Starts(Protocol):
    """The part of `Children` that is used here: start one and wait until it is up."""

    async def start(self, child: Child) -> None: ...


@dataclass(frozen=True, slots=True)
class Hook:
    """Where alerts go: Carapulse's own webhook, with the file that holds its bearer token."""

    url: str
    token_file: Path


@dataclass(frozen=True, slots=True)
class World:
    """What runs, and where Carapulse finds it."""

    repository: ShopConfig
    shop_url: str
    prometheus_url: str | None
    alertmanager_url: str | None
    services_file: Path
    directory_file: Path
    playbooks_folder: Path = PLAYBOOKS

    @property
    def repository_url(self) -> str:
        """The remote of `shop-config`."""
        return self.repository.url

    async def bad_commit(self) -> str:
        """Break checkout as Dana did; the commit."""
        return await self.repository.push_bad_commit()


@asynccontextmanager
async def open_world(
    folder: Path,
    supervisor: Starts,
    hook_url: str,
    hook_token_file: Path,
    *,
    pace: Pace | None = None,
    programs: Programs | None = None,
    own_alerts: bool = False,
) -> AsyncIterator[World]:
    """Make and start everything under `folder`; the supervisor ends the processes.

    Args:
        folder: kept between starts; the repository in it goes on where it was.
        supervisor: starts the children.
        hook_url: Carapulse's webhook, which is told about alerts.
        hook_token_file: holds the bearer token for it.
        pace: the shop's speeds, shorter in tests.
        programs: Prometheus and Alertmanager; what is on the PATH if None.
        own_alerts: leave those two out even where they are installed.
    """
    pace, hook = pace or Pace(), Hook(hook_url, hook_token_file)
    found = None if own_alerts else programs or monitoring.installed()
    repository = await open_shop_config(folder)
    port = kept_port(folder / "shop.port")
    await supervisor.start(_shop(folder, repository, port, pace, None if found else hook))
    watching = await _watch(folder / "monitoring", supervisor, found, port, hook, pace)
    shop_url = f"http://{LOOPBACK}:{port}"
    prometheus_url = watching.prometheus_url if watching else None
    services = services_document(repository.url, shop_url, pace if watching else None)
    yield World(
        repository,
        shop_url,
        prometheus_url,
        watching.alertmanager_url if watching else None,
        await _write(folder / "services.yaml", services),
        await _write(folder / "directory.yaml", _packaged("directory.yaml")),
    )


def services_document(remote: str, shop_url: str, measured: Pace | None) -> str:
    """The services file for this world; `measured` says that Prometheus runs, and its window."""
    document: dict[str, Any] = yaml.safe_load(_packaged("services.yaml"))
    for service in document["services"]:
        if "gitops" in service:
            service["gitops"]["remote"] = remote
        if service["name"] == "checkout":
            service["health"]["url"] = shop_url
            if measured:
                query = error_rate_query(measured.window)
                service["metrics"] = {"error_rate": query, "limit": f"{measured.limit:g}"}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _packaged(name: str) -> str:
    return files(PACKAGE).joinpath(name).read_text(encoding="utf-8")


async def _write(path: Path, text: str) -> Path:
    await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    return path


def _shop(
    folder: Path, repository: ShopConfig, port: int, pace: Pace, alerts_to: Hook | None
) -> Child:
    argv = [
        *(sys.executable, "-m", "bot.local.demo.shop"),
        *("--repository", repository.url, "--branch", BRANCH),
        *("--port", str(port), "--data", str(folder / "shop")),
        *("--window", str(pace.window), "--poll", str(pace.poll)),
        *("--rollout-pause", str(pace.rollout_pause), "--limit", str(pace.limit)),
        *("--hold", str(pace.hold), "--rate", str(pace.rate)),
    ]
    if alerts_to is not None:
        argv += ["--alerts-to", alerts_to.url, "--alerts-token-file", str(alerts_to.token_file)]
    return Child("shop", tuple(argv), ready=answering(port, "/ready"))


async def _watch(
    folder: Path,
    supervisor: Starts,
    programs: Programs | None,
    port: int,
    hook: Hook,
    pace: Pace,
) -> Monitoring | None:
    if programs is None:
        return None
    watched = Watched(port, hook.url, hook.token_file, pace)
    ready = await monitoring.prepare(folder, programs, watched)
    for child in ready.children:
        await supervisor.start(child)
    return ready
