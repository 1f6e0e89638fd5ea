"""Prometheus and Alertmanager for the demo, where the machine has them: configuration and start.

Nothing is started here: a `Child` says what the supervisor runs and how it sees that it is up.
"""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.local.children import Child, Probe
from bot.local.demo.alert import ALERT_NAME, LABELS, annotations, error_rate_query
from bot.local.demo.shop.checkout import Pace
from bot.local.ports import LOOPBACK, answers_http, kept_port

PROMETHEUS = ("prometheus",)
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the two servers are installed."""

    prometheus: str
    alertmanager: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What to watch, when to complain, and whom to tell."""

    shop_port: int
    hook_url: str
    hook_token_file: Path
    pace: Pace


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Both servers, ready to be started."""

    prometheus_url: str
    alertmanager_url: str
    children: tuple[Child, Child]


def installed() -> Programs | None:
    """The two servers on the PATH, or None when one of them is missing."""
    prometheus, alertmanager = _first(PROMETHEUS), _first(ALERTMANAGER)
    if prometheus is None or alertmanager is None:
        return None
    return Programs(prometheus, alertmanager)


async def prepare(folder: Path, programs: Programs, watched: Watched) -> Monitoring:
    """Write both configurations under `folder` and choose free loopback ports."""
    prometheus_port = kept_port(folder / "prometheus.port")
    alertmanager_port = kept_port(folder / "alertmanager.port")
    await asyncio.to_thread(_write, folder, watched, alertmanager_port)
    children = (
        _alertmanager(folder, programs.alertmanager, alertmanager_port),
        _prometheus(folder, programs.prometheus, prometheus_port),
    )
    return Monitoring(_url(prometheus_port), _url(alertmanager_port), children)


def answering(port: int, path: str) -> Probe:
    """Make the probe that asks for `path` on a loopback port."""

    async def ready() -> bool:
        return await answers_http(port, path)

    return ready


def _first(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _write(folder: Path, watched: Watched, alertmanager_port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "prometheus.yaml": _scrapes(watched, alertmanager_port),
        "rules.yaml": _rules(watched),
        "alertmanager.yaml": _routes(watched),
    }
    for name, document in documents.items():
        text = yaml.safe_dump(document, sort_keys=False)
        (folder / name).write_text(text, encoding="utf-8")


def _scrapes(watched: Watched, alertmanager_port: int) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "alerting": {
            "alertmanagers": [
                {"static_configs": [{"targets": [f"{LOOPBACK}:{alertmanager_port}"]}]}
            ]
        },
        "scrape_configs": [
            {
                "job_name": "shop",
                # `instance` is the shop's own: one process holds three of them
                "honor_labels": True,
                "static_configs": [{"targets": [f"{LOOPBACK}:{watched.shop_port}"]}],
            }
        ],
    }


def _rules(watched: Watched) -> dict[str, Any]:
    # Prometheus templates have no arithmetic functions; a query computes the percentage
    percent = f"{{{{ with query `100 * ({error_rate_query(watched.pace.window)})` }}}}"
    percent += '{{ . | first | value | printf "%.0f" }}{{ end }}'
    alert = {
        "alert": ALERT_NAME,
        "expr": f"{error_rate_query(watched.pace.window)} > {watched.pace.limit:g}",
        "for": f"{round(watched.pace.hold * 1000)}ms",
        "labels": LABELS,
        "annotations": annotations(percent, watched.pace.limit),
    }
    return {"groups": [{"name": "shop", "interval": "1s", "rules": [alert]}]}


def _routes(watched: Watched) -> dict[str, Any]:
    receiver = {
        "url": watched.hook_url,
        "send_resolved": True,
        "http_config": {
            "authorization": {
                "type": "Bearer",
                "credentials_file": str(watched.hook_token_file.absolute()),
            }
        },
    }
    return {
        "route": {
            "receiver": "carapulse",
            "group_by": ["alertname", "service"],
            "group_wait": "1s",
            "group_interval": "2s",
            "repeat_interval": "4h",
        },
        "receivers": [{"name": "carapulse", "webhook_configs": [receiver]}],
    }


def _prometheus(folder: Path, program: str, port: int) -> Child:
    argv = (
        program,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--storage.tsdb.retention.time=12h",
        "--storage.tsdb.retention.size=256MB",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--web.external-url={_url(port)}",
        "--log.level=warn",
    )
    return Child("prometheus", argv, ready=answering(port, "/-/ready"))


def _alertmanager(folder: Path, program: str, port: int) -> Child:
    argv = (
        program,
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        f"--web.external-url={_url(port)}",
        "--cluster.listen-address=",
        "--log.level=warn",
    )
    return Child("alertmanager", argv, ready=answering(port, "/-/ready"))


def _url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"
