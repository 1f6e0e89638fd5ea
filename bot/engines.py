"""Which engine carries out drafts and executions: Temporal, or Postgres alone."""

import asyncio
import socket

import structlog

from engine.domain.ids import new_id
from engine.errors import ConfigurationError, Unavailable
from engine.ports import Store
from engine.settings import Settings
from engine.store.flows import PostgresFlows
from engine.wiring import Engine
from engine.workflows.activities import DraftActivities, ExecutionActivities, ToolActivities
from engine.workflows.direct import DirectStarter, DirectWorker, Work
from engine.workflows.starter import Starter
from engine.workflows.starting import Starting
from engine.workflows.worker import connect, connect_later, open_worker_on

ASK_AGAIN = 1.0
# Activities beside the calls that the settings allow: drafts, and calls that undo.
BESIDE, UNLIMITED = 20, 200
log = structlog.get_logger(__name__)


def check_engine(settings: Settings) -> None:
    """Raises `ConfigurationError` where the chosen engine can't be reached at all."""
    if settings.engine == "temporal" and not settings.temporal.address:
        raise ConfigurationError(
            "No Temporal is configured. Set CARAPULSE_TEMPORAL__ADDRESS, or "
            "CARAPULSE_ENGINE=direct to do without, or use `carapulse up`."
        )


async def starting(settings: Settings, engine: Engine) -> Starting:
    """What starts and wakes work; Temporal may be away meanwhile."""
    if settings.engine == "direct":
        await refuse_runners(engine.store)
        return DirectStarter(PostgresFlows(engine.pool, settings.tenant))
    temporal = settings.temporal
    client = await connect_later(temporal.address, temporal.namespace)
    return Starter(client, temporal.queue)


async def refuse_runners(store: Store) -> None:
    """Raises `ConfigurationError` where some places have runners: nothing would bring them work."""
    async with store.begin() as unit:
        places = [str(one.site) for one in await unit.runners.listed()]
    if places:
        raise ConfigurationError(
            f"The direct engine has no runners, and {', '.join(places)} has its own. Set "
            "CARAPULSE_ENGINE=temporal, or end them with `carapulse runner remove`."
        )


async def serve(settings: Settings, engine: Engine) -> None:
    """Work until cancelled."""
    if settings.engine == "direct":
        await serve_directly(settings, engine)
    else:
        await serve_temporal(settings, engine)


async def serve_directly(settings: Settings, engine: Engine) -> None:
    """Take what is due in the database."""
    work = Work(
        engine.drafts.look,
        engine.drafts.propose,
        engine.executions.next_move,
        engine.steps.perform,
    )
    flows = PostgresFlows(engine.pool, settings.tenant)
    holder = f"{socket.gethostname()}:{new_id()}"
    log.info("worker is ready", action="worker.ready", engine="direct")
    await DirectWorker(flows, work, holder, at_once(settings)).run()


async def serve_temporal(settings: Settings, engine: Engine) -> None:
    """Wait for Temporal, then work on its queue."""
    temporal = settings.temporal
    while True:
        try:
            client = await connect(temporal.address, temporal.namespace)
            break
        except Unavailable as error:
            log.warning("worker waits", action="worker.waits", component=error.component)
            await asyncio.sleep(ASK_AGAIN)
    async with open_worker_on(
        client,
        temporal.queue,
        drafts=DraftActivities(engine.drafts.look, engine.drafts.propose),
        executions=ExecutionActivities(engine.executions.next_move),
        tools=ToolActivities(engine.steps.perform),
        at_once=at_once(settings),
    ):
        log.info("worker is ready", action="worker.ready", engine="temporal")
        await asyncio.Event().wait()


def at_once(settings: Settings) -> int:
    """How much one worker has in hand."""
    return (settings.execution.at_once.worker or UNLIMITED) + BESIDE
