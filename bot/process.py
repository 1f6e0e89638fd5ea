"""The two long-running processes, each as one stack of open things."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from engine.domain.ids import DraftId, PlanId
from engine.domain.model import Json
from engine.domain.plan import VersionRef
from engine.errors import ConfigurationError, Unavailable
from engine.settings import Settings
from engine.store.jobs import working
from engine.wiring import Engine, open_engine
from engine.workflows.activities import DraftActivities, ExecutionActivities, ToolActivities
from engine.workflows.reconciler import Reconciler
from engine.workflows.starter import Starter
from engine.workflows.worker import connect, connect_later, open_workers

ASK_AGAIN = 1.0
log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[Engine]:
    """Draft and execute for as long as the block lasts; Temporal may come and go."""
    if not settings.temporal.address:
        raise ConfigurationError(
            "No Temporal is configured. Set CARAPULSE_TEMPORAL__ADDRESS, or use `carapulse up`."
        )
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings, gate=False))
        temporal = settings.temporal
        starter = Starter(await connect_later(temporal.address, temporal.namespace), temporal.queue)
        await stack.enter_async_context(working(engine.pool, worker_jobs(engine, starter)))
        reconciler = Reconciler(engine.store, starter)
        await stack.enter_async_context(running(reconciler.run()))

        await stack.enter_async_context(running(serve(engine, settings)))
        yield engine


async def serve(engine: Engine, settings: Settings) -> None:
    """Wait for Temporal, then work on its queues until cancelled."""
    temporal = settings.temporal
    while True:
        try:
            client = await connect(temporal.address, temporal.namespace)
            break
        except Unavailable as error:
            log.warning("worker waits", action="worker.waits", component=error.component)
            await asyncio.sleep(ASK_AGAIN)
    async with open_workers(
        client,
        temporal.queue,
        drafts=DraftActivities(engine.drafts.look, engine.drafts.propose),
        executions=ExecutionActivities(engine.executions.next_move),
        tools=ToolActivities(engine.steps.perform),
    ):
        log.info("worker is ready", action="worker.ready")
        await asyncio.Event().wait()


def worker_jobs(
    engine: Engine, starter: Starter
) -> dict[str, Callable[[dict[str, Json]], Awaitable[None]]]:
    """What a committed change asks of the worker."""

    async def start_draft(payload: dict[str, Json]) -> None:
        await starter.start_draft(DraftId(str(payload["draft_id"])))

    async def wake(payload: dict[str, Json]) -> None:
        plan_id, version = PlanId(str(payload["plan_id"])), int(str(payload["version"]))
        ref = VersionRef(plan_id=plan_id, version=version)
        async with engine.store.begin() as unit:
            epoch = await unit.plans.epoch(ref)
        await starter.wake(ref.model_copy(update={"epoch": epoch}))

    return {"draft.start": start_draft, "execution.wake": wake}


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    """Do this beside the block; its failure ends the block, its end is awaited."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(as_coroutine(work))
        try:
            yield
        finally:
            task.cancel()


async def as_coroutine(work: Awaitable[None]) -> None:
    """An awaitable as a task wants it."""
    await work
