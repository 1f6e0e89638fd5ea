"""A worker next to one cluster: it makes that cluster's calls, and knows nothing else.

It connects to Postgres and Temporal and serves nobody, so that it needs no inbound port.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog

from bot.engines import ASK_AGAIN, at_once
from bot.process import running
from engine.domain.site import Site
from engine.errors import ConfigurationError, Unavailable
from engine.ports import Store
from engine.settings import Settings
from engine.wiring import Engine, open_engine
from engine.workflows.activities import ToolActivities
from engine.workflows.worker import connect, open_runner_on

BEAT = 5.0
log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_runner(settings: Settings, site: Site) -> AsyncIterator[Engine]:
    """Make the calls of this site for as long as the block lasts.

    Raises `ConfigurationError` where it would hold more than a runner may.
    """
    check(settings, site)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings, gate=False, site=site))
        await check_login(engine.store, site)
        # What is old is removed by those who know which drafts and holds there are.
        delivery = replace(engine.delivery, keep_days=None)
        await stack.enter_async_context(running(delivery.run()))
        await stack.enter_async_context(running(engine.credentials.run()))
        await stack.enter_async_context(running(serve(settings, engine, site)))
        yield engine


def check(settings: Settings, site: Site) -> None:
    """A runner has the credentials of its cluster, and none of anybody else."""
    if settings.engine == "direct" or not settings.temporal.address:
        raise ConfigurationError(
            f"A runner gets its work from Temporal; the direct engine has no runners. Set "
            f"CARAPULSE_TEMPORAL__ADDRESS, or let the worker make the calls of {site} itself."
        )
    slack, keys = settings.slack, settings.keys
    foreign = {
        "CARAPULSE_KEYS__SIGNING_KEY_FILE": keys.signing_key_file is not None,
        "CARAPULSE_SLACK__BOT_TOKEN": bool(slack.bot_token.get_secret_value()),
        "CARAPULSE_SLACK__APP_TOKEN": bool(slack.app_token.get_secret_value()),
        "CARAPULSE_POSTGRES__OWNER_DSN": bool(settings.postgres.owner_dsn.get_secret_value()),
    }
    if held := [name for name, given in foreign.items() if given]:
        raise ConfigurationError(f"A runner must not know {', '.join(held)}. Take it away.")


async def check_login(store: Store, site: Site) -> None:
    """Raises `ConfigurationError` where the database's login is not that of this site."""
    async with store.begin() as unit:
        mine = await unit.runners.mine()
    if mine != site:
        whose = f"is the runner's of {mine}" if mine else "is no runner's"
        raise ConfigurationError(
            f"The login of CARAPULSE_POSTGRES__DSN {whose}. `carapulse runner create {site}` "
            "makes the one that is needed."
        )


async def serve(settings: Settings, engine: Engine, site: Site) -> None:
    """Wait for Temporal, then take this site's calls until cancelled."""
    temporal = settings.temporal
    while True:
        try:
            client = await connect(temporal.address, temporal.namespace)
            break
        except Unavailable as error:
            log.warning("runner waits", action="runner.waits", component=error.component)
            await asyncio.sleep(ASK_AGAIN)
    tools = ToolActivities(engine.steps.perform)
    async with open_runner_on(client, site.queue, tools=tools, at_once=at_once(settings)):
        log.info("runner is ready", action="runner.ready", site=str(site))
        await beating(engine)


async def beating(engine: Engine) -> None:
    """Say that it is alive, for as long as it takes work."""
    while True:
        try:
            async with engine.store.begin() as unit:
                await unit.runners.beat(engine.steps.worker)
        except Unavailable as error:
            log.warning("no beat", action="runner.no_beat", component=error.component)
        await asyncio.sleep(BEAT)
