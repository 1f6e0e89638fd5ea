"""Run a local Slack: `python -m bot.local.slack --port 8400`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from bot.local.slack.server import open_local_slack
from bot.local.slack.world import SHIPPED, load_world


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="bot.local.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--url", default="", help="where clients reach it, if not at host and port")
    parser.add_argument("--state", type=Path, help="keeps messages, reactions and files")
    parser.add_argument("--world", type=Path, default=SHIPPED, help="who and what exists")
    parser.add_argument("--request-url", default="", help="deliver over HTTP, to this address")
    parser.add_argument("--signing-secret", default="", help="what deliveries are signed with")
    parser.add_argument("--no-budgets", action="store_true", help="do not enforce rate limits")
    return parser.parse_args()


async def serve(asked: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    world = load_world(asked.world)
    async with open_local_slack(
        asked.port,
        host=asked.host,
        state=asked.state,
        url=asked.url,
        world=world,
        budgets=not asked.no_budgets,
    ) as slack:
        slack.deliveries.request_url.url = asked.request_url
        slack.deliveries.request_url.secret = asked.signing_secret
        sys.stdout.write(f"{slack.url}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
