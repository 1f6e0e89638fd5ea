"""The two long-running processes, each as one stack of open things."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.engines import check_engine, serve, starting
from bot.http.app import Listening, open_sidecar
from bot.relay.relay import Relay
from bot.relay.rendering import Rendering
from bot.relay.statuses import Statuses
from bot.relay.writing import Writing
from bot.sidecar import served
from bot.slack.app import Workspace, build, open_client, sign_in
from bot.slack.budgets import Budgets
from bot.slack.heartbeat import beating
from bot.slack.http import RequestUrl
from bot.slack.services import Glance, Services
from bot.slack.services import Library as SlackLibrary
from bot.slack.socket import Facts
from bot.slack.sockets import Sockets
from bot.slack.writer import Writer
from bot.surfaces import open_surfaces
from bot.work import desks, gate_jobs, worker_jobs
from engine.domain.ids import new_id
from engine.errors import ConfigurationError, Unavailable
from engine.ground import windows
from engine.services.waiting import Waiting
from engine.settings import Settings
from engine.store.intake import open_intake
from engine.store.jobs import working
from engine.wiring import Engine, open_engine
from engine.workflows.reconciler import Reconciler

ASK_AGAIN = 1.0
log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[Engine]:
    """Draft and execute for as long as the block lasts; Temporal may come and go.

    Raises `ConfigurationError` when the chosen engine is not configured.
    """
    check_engine(settings)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings, gate=False))
        starter = await starting(settings, engine)
        await stack.enter_async_context(working(engine.pool, worker_jobs(engine, starter)))
        reconciler = Reconciler(engine.store, starter)
        await stack.enter_async_context(running(reconciler.run()))
        await stack.enter_async_context(running(engine.mirror.run()))
        await stack.enter_async_context(running(engine.delivery.run()))
        await stack.enter_async_context(running(engine.credentials.run()))
        if engine.shadow:
            await stack.enter_async_context(running(engine.shadow.run()))

        await stack.enter_async_context(running(serve(settings, engine)))
        yield engine


@asynccontextmanager
async def open_bot(settings: Settings) -> AsyncIterator[Listening]:
    """Serve Slack and the sidecar for as long as the block lasts.

    The sidecar answers first, so that the orchestrator sees why the rest waits.
    """
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings, gate=True))
        slack = settings.slack
        client = await stack.enter_async_context(
            open_client(slack.bot_token.get_secret_value(), slack.base_url)
        )
        holder = f"{socket.gethostname()}:{new_id()}"
        intake = open_intake(engine.pool, engine.tenant, holder)
        facts = Facts()
        request_url = asked_over_http(settings)
        surfaces = await stack.enter_async_context(open_surfaces(engine, settings, holder))
        sidecar = served(settings, engine, intake, facts, request_url, surfaces)
        listening = await stack.enter_async_context(
            open_sidecar(sidecar, host=settings.http.host, port=settings.http.port)
        )
        workspace = await signed_in(client)
        surfaces.workspace = workspace.url
        statuses, relay = showing(settings, engine, client, workspace, holder)
        inbox = build(
            client,
            workspace,
            store=engine.store,
            arrivals=intake,
            directory=engine.directory,
            services=slack_services(engine, relay.glance),
        )
        await stack.enter_async_context(working(engine.pool, gate_jobs(engine)))
        for work in gate_loops(engine):
            await stack.enter_async_context(running(work))
        everything = {**desks(inbox, engine), **surfaces.desks()}
        await stack.enter_async_context(intake.working(everything))
        await stack.enter_async_context(running(surfaces.run()))
        await stack.enter_async_context(running(statuses.run()))
        await stack.enter_async_context(running(relay.run()))
        if request_url:
            request_url.serve(inbox.receive)
        else:
            token = slack.app_token.get_secret_value()
            sockets = Sockets(client, token, inbox.receive, slack.sockets, facts)
            await stack.enter_async_context(sockets.connected())
        there = partial(heard, facts, over_http=request_url is not None)
        await stack.enter_async_context(running(beating(engine.presence.beat, there)))
        log.info("bot is ready", action="bot.ready", team=workspace.team)
        yield listening


def showing(
    settings: Settings, engine: Engine, client: AsyncWebClient, workspace: Workspace, holder: str
) -> tuple[Statuses, Relay]:
    """What keeps cards, logs and thread statuses true; all of it writes through one writer."""
    writer = Writer(client, Budgets(scale=settings.slack.budget_scale), counted(engine))
    rendering = Rendering(
        engine.views,
        engine.store,
        engine.answers,
        waiting(engine, settings),
        workspace.url,
        engine.downloads,
    )
    statuses = Statuses(writer)
    writing = Writing(engine.surface, rendering, writer, statuses)
    return statuses, Relay(engine.surface, writing, f"relay:{workspace.team}", holder)


def gate_loops(engine: Engine) -> Iterator[Awaitable[None]]:
    """What the gate's process does beside answering, for ever."""
    yield engine.audits.run()
    yield engine.freezes.run()
    yield engine.digests.run()
    if engine.shadow:
        yield engine.shadow.run()


def asked_over_http(settings: Settings) -> RequestUrl | None:
    """The request URL, where Slack comes to us. Raises `ConfigurationError` without its secret."""
    if settings.slack.transport == "socket":
        return None
    secret = settings.slack.signing_secret.get_secret_value()
    if not secret:
        raise ConfigurationError(
            "Slack over HTTP needs the signing secret of the app (Basic Information). Set "
            "CARAPULSE_SLACK__SIGNING_SECRET."
        )
    return RequestUrl(secret)


def heard(facts: Facts, *, over_http: bool) -> bool:
    """Whether what people do in Slack reaches us now."""
    return over_http or facts.connected > 0


async def signed_in(client: AsyncWebClient) -> Workspace:
    """Who we are in Slack; asked until Slack answers."""
    while True:
        try:
            return await sign_in(client)
        except Unavailable as error:
            log.warning("bot waits", action="bot.waits", component=error.component)
            await asyncio.sleep(ASK_AGAIN)


def slack_services(engine: Engine, glance: Glance) -> Services:
    """What the listeners may ask."""
    assert engine.step_ups is not None, "the bot is the gate's process"
    return Services(
        access=engine.access,
        conversations=engine.conversations,
        approvals=engine.step_ups,
        accounts=engine.step_ups,
        executions=engine.operating,
        drafts=engine.drafts,
        revisions=engine.revisions,
        previews=engine.previews,
        answers=engine.answers,
        feedback=engine.feedback,
        presence=engine.presence,
        alerts=engine.alerts,
        views=engine.views,
        freezes=engine.freezes,
        library=SlackLibrary(
            engine.knowledge, engine.memory, engine.sessions, engine.runbook_steps
        ),
        glance=glance,
        templates=engine.templates,
    )


def waiting(engine: Engine, settings: Settings) -> Waiting:
    """What App Home lists."""
    assert engine.approvals is not None, "the bot is the gate's process"
    return Waiting(engine.approvals, engine.directory, engine.freezes, windows(settings))


def counted(engine: Engine) -> Callable[[str, str], None]:
    """Count calls to Slack by method and outcome."""

    def count(method: str, outcome: str) -> None:
        engine.metrics.slack_call(method, outcome, 0)
        if outcome == "limited":
            engine.metrics.slack_limited(method)

    return count


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
