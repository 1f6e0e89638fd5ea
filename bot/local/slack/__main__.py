"""Run a local Slack: `python -m bot.local.slack --port 8400`."""

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from bot.local.issuer.server import accounts, open_issuer
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
    parser.add_argument("--issuer-port", type=int, default=0, help="of the issuer beside it")
    parser.add_argument("--issuer-back", default="", help="redirect URI; empty: no issuer")
    parser.add_argument("--no-budgets", action="store_true", help="do not enforce rate limits")
    return parser.parse_args()


async def serve(asked: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    world = load_world(asked.world)
    async with AsyncExitStack() as stack:
        if asked.issuer_back:
            issuer = open_issuer(accounts(world), asked.issuer_back, port=asked.issuer_port)
            await stack.enter_async_context(issuer)
        slack = await stack.enter_async_context(
            open_local_slack(
                asked.port,
                host=asked.host,
                state=asked.state,
                url=asked.url,
                world=world,
                budgets=not asked.no_budgets,
            )
        )
        slack.deliveries.request_url.url = asked.request_url
        slack.deliveries.request_url.secret = asked.signing_secret
        sys.stdout.write(f"{slack.url}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
