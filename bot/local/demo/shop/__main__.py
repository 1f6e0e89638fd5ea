"""Run the shop: `python -m bot.local.demo.shop --repository URL --port 0 --data DIR`."""

import argparse
import asyncio
import shutil
import signal
import sys
from dataclasses import fields
from pathlib import Path

import structlog

from bot.local.demo.alert import ALERT_NAME, LABELS, annotations
from bot.local.demo.shop.alerts import Rule, Sender, alerting
from bot.local.demo.shop.checkout import Checkout, Pace
from bot.local.demo.shop.follower import Follower
from bot.local.demo.shop.load import customers
from bot.local.demo.shop.server import HOST, serving

log = structlog.get_logger(__name__)


def main() -> None:
    """Read the arguments and serve until SIGTERM or SIGINT."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(_serve(_arguments().parse_args()))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot.local.demo.shop", description=__doc__)
    parser.add_argument("--repository", required=True, help="URL or path of shop-config")
    parser.add_argument("--branch", default="main")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder for the local clone")
    parser.add_argument("--alerts-to", help="webhook that gets the alerts of the shop's own rule")
    parser.add_argument("--alerts-token-file", type=Path)
    for field in fields(Pace):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=float, default=field.default)
    return parser


async def _serve(options: argparse.Namespace) -> None:
    clone = await asyncio.to_thread(_empty_folder, options.data / "shop-config")
    pace = Pace(**{field.name: getattr(options, field.name) for field in fields(Pace)})
    checkout = Checkout(pace)
    follower = Follower(options.repository, options.branch, clone, pace.poll)
    async with serving(checkout, follower, options.port) as front:
        log.info("shop serves", action="shop.started", port=front.port)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(checkout.follow(follower)),
                group.create_task(checkout.roll_out()),
                group.create_task(customers(pace.rate, front.instance_urls)),
            ]
            if options.alerts_to:
                tasks.append(group.create_task(_alerting(options, checkout, front.port)))
            await _asked_to_stop()
            for task in tasks:
                task.cancel()
    log.info("shop stopped", action="shop.stopped")


def _empty_folder(path: Path) -> Path:
    """Start with a clone of our own: a killed git may have left locks in the last one."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    return path


async def _alerting(options: argparse.Namespace, checkout: Checkout, port: int) -> None:
    rule = Rule(
        labels={"alertname": ALERT_NAME, **LABELS},
        annotations=annotations("{percent}", checkout.pace.limit),
        hold=checkout.pace.hold,
    )
    sender = Sender(options.alerts_to, options.alerts_token_file, f"http://{HOST}:{port}")
    await alerting(checkout, rule, sender)


async def _asked_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    main()
