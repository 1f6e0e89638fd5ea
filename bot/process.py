"""The two long-running processes, each as one stack of open things."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.http import jobs as hook_jobs
from bot.http.app import Listening, Sidecar, open_sidecar
from bot.http.audit import AuditRecords
from bot.http.drafting import Drafting
from bot.http.health import Check
from bot.http.hooks import SOURCE as ALERTMANAGER
from bot.http.jobs import HookJobs
from bot.http.library import Library
from bot.http.plans import PlanRecords
from bot.http.tools import ToolRoutes
from bot.relay.relay import Relay
from bot.relay.rendering import Rendering
from bot.relay.statuses import Statuses
from bot.relay.writing import Writing
from bot.slack.app import Workspace, build, open_client, sign_in
from bot.slack.budgets import Budgets
from bot.slack.heartbeat import beating
from bot.slack.http import PATH, RequestUrl
from bot.slack.inbox import SOURCE as SLACK
from bot.slack.inbox import Payloads
from bot.slack.services import Library as SlackLibrary
from bot.slack.services import Services
from bot.slack.socket import Facts
from bot.slack.sockets import Sockets
from bot.slack.writer import Writer
from engine.domain.actor import WORKER
from engine.domain.context import ContextRef
from engine.domain.ids import DraftId, PlanId, Tenant, new_id
from engine.domain.model import Json
from engine.domain.plan import VersionRef
from engine.domain.policy import Question
from engine.domain.questions import Limits, to_read
from engine.errors import ConfigurationError, Conflict, NotAllowed, Unavailable
from engine.feed.redis import RedisFeed
from engine.services.requests import Requests
from engine.settings import Settings
from engine.store.intake import Desk, Intake, open_intake
from engine.store.jobs import working
from engine.wiring import Engine, now, open_engine
from engine.workflows.activities import DraftActivities, ExecutionActivities, ToolActivities
from engine.workflows.reconciler import Reconciler
from engine.workflows.starter import Starter
from engine.workflows.worker import connect, connect_later, open_worker_on

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
        await stack.enter_async_context(running(engine.mirror.run()))

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
    async with open_worker_on(
        client,
        temporal.queue,
        drafts=DraftActivities(engine.drafts.look, engine.drafts.propose),
        executions=ExecutionActivities(engine.executions.next_move),
        tools=ToolActivities(engine.steps.perform),
    ):
        log.info("worker is ready", action="worker.ready")
        await asyncio.Event().wait()


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
        sidecar = served(settings, engine, intake, facts, request_url)
        listening = await stack.enter_async_context(
            open_sidecar(sidecar, host=settings.http.host, port=settings.http.port)
        )
        workspace = await signed_in(client)
        app = build(
            client,
            workspace,
            store=engine.store,
            arrivals=intake,
            directory=engine.directory,
            services=slack_services(engine),
        )
        await stack.enter_async_context(working(engine.pool, gate_jobs(engine)))
        await stack.enter_async_context(running(engine.audits.run()))
        await stack.enter_async_context(intake.working(desks(app, engine)))
        writer = Writer(client, Budgets(scale=slack.budget_scale), counted(engine))
        rendering = Rendering(engine.views, engine.store, engine.answers)
        statuses = Statuses(writer)
        writing = Writing(engine.surface, rendering, writer, statuses)
        await stack.enter_async_context(running(statuses.run()))
        relay = Relay(engine.surface, writing, f"relay:{workspace.team}", holder)
        await stack.enter_async_context(running(relay.run()))
        if request_url:
            request_url.serve(app.async_dispatch)
        else:
            token = slack.app_token.get_secret_value()
            sockets = Sockets(client, token, app.async_dispatch, slack.sockets, facts)
            await stack.enter_async_context(sockets.connected())
        there = partial(heard, facts, over_http=request_url is not None)
        await stack.enter_async_context(running(beating(engine.presence.beat, there)))
        log.info("bot is ready", action="bot.ready", team=workspace.team)
        yield listening


def served(
    settings: Settings, engine: Engine, intake: Intake, facts: Facts, request_url: RequestUrl | None
) -> Sidecar:
    """What the sidecar of a bot answers."""
    return Sidecar(
        engine.store,
        intake,
        engine.metrics,
        settings.hooks.alertmanager_token.get_secret_value(),
        checks(settings, engine, facts),
        library=Library(engine.knowledge, engine.memory, engine.sessions, engine.runbook_steps),
        previews=engine.previews,
        more=[
            *AuditRecords(engine.store, engine.audits).routes(),
            *ToolRoutes(engine.store, engine.tool_runs).routes(),
            *PlanRecords(engine.store, engine.feedback).routes(),
            *drafting(engine, settings).routes(),
            *([("POST", PATH, request_url.handle)] if request_url else ()),
        ],
    )


def drafting(engine: Engine, settings: Settings) -> Drafting:
    """What programs ask for, shown where alerts are."""
    requests = Requests(
        engine.store,
        engine.conversations,
        engine.revisions,
        engine.services,
        engine.tools,
        engine.tenant,
        settings.slack.channel,
    )
    return Drafting(engine.store, requests, engine.drafts, engine.feedback)


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


def desks(app: AsyncApp, engine: Engine) -> dict[str, Desk]:
    """What the stored payloads of each source mean."""
    return {
        SLACK: Desk(Payloads(app).carry_out, at_once=4),
        ALERTMANAGER: Desk(
            HookJobs(engine.alerts).carry_out,
            at_once=2,
            together=hook_jobs.TOGETHER,
            bytes_together=hook_jobs.BYTES_TOGETHER,
        ),
    }


async def signed_in(client: AsyncWebClient) -> Workspace:
    """Who we are in Slack; asked until Slack answers."""
    while True:
        try:
            return await sign_in(client)
        except Unavailable as error:
            log.warning("bot waits", action="bot.waits", component=error.component)
            await asyncio.sleep(ASK_AGAIN)


def slack_services(engine: Engine) -> Services:
    """What the listeners may ask."""
    assert engine.approvals is not None, "the bot is the gate's process"
    return Services(
        conversations=engine.conversations,
        approvals=engine.approvals,
        executions=engine.executions,
        drafts=engine.drafts,
        revisions=engine.revisions,
        previews=engine.previews,
        answers=engine.answers,
        feedback=engine.feedback,
        presence=engine.presence,
        alerts=engine.alerts,
        views=engine.views,
        library=SlackLibrary(
            engine.knowledge, engine.memory, engine.sessions, engine.runbook_steps
        ),
    )


def gate_jobs(engine: Engine) -> dict[str, Callable[[dict[str, Json]], Awaitable[None]]]:
    """What a committed change asks of the gate."""
    approvals = engine.approvals
    assert approvals is not None, "the bot is the gate's process"

    async def release(payload: dict[str, Json]) -> None:
        try:
            await approvals.release(PlanId(str(payload["plan_id"])), int(str(payload["version"])))
        except (NotAllowed, Conflict) as error:
            log.warning("not released", action="gate.not_released", said=str(error))

    return {"gate.release": release}


def counted(engine: Engine) -> Callable[[str, str], None]:
    """Count calls to Slack by method and outcome."""

    def count(method: str, outcome: str) -> None:
        engine.metrics.slack_call(method, outcome, 0)
        if outcome == "limited":
            engine.metrics.slack_limited(method)

    return count


def checks(settings: Settings, engine: Engine, facts: Facts) -> dict[str, Check]:
    """What /readyz asks beside the database."""

    async def slack() -> None:
        if facts.connected < 1:
            raise Unavailable("slack", "No socket is connected.")

    async def policy() -> None:
        await engine.policy.ask(a_read(engine.tenant))

    async def temporal() -> None:
        await connect(settings.temporal.address, settings.temporal.namespace)

    found: dict[str, Check] = {"policy": policy}
    if settings.slack.transport == "socket":
        found["slack"] = slack
    if settings.temporal.address:
        found["temporal"] = temporal
    if isinstance(engine.feed, RedisFeed):
        found["redis"] = engine.feed.ping
    return found


def a_read(tenant: Tenant) -> Question:
    """A question that every working policy answers."""
    context = ContextRef(tenant=tenant)
    return to_read(WORKER, context, limits=Limits(tenant=tenant), now=now())


def worker_jobs(
    engine: Engine, starter: Starter
) -> dict[str, Callable[[dict[str, Json]], Awaitable[None]]]:
    """What a committed change asks of the worker."""

    async def start_draft(payload: dict[str, Json]) -> None:
        draft_id = DraftId(str(payload["draft_id"]))
        async with engine.store.begin() as unit:
            draft = await unit.drafts.get(draft_id)
        await starter.start_draft(draft_id, draft.epoch)

    async def wake(payload: dict[str, Json]) -> None:
        plan_id, version = PlanId(str(payload["plan_id"])), int(str(payload["version"]))
        ref = VersionRef(plan_id=plan_id, version=version)
        async with engine.store.begin() as unit:
            epoch = await unit.plans.epoch(ref)
        await starter.wake(ref.model_copy(update={"epoch": epoch}))

    async def preview(payload: dict[str, Json]) -> None:
        plan_id, version = PlanId(str(payload["plan_id"])), int(str(payload["version"]))
        await engine.previews.tell(plan_id, version, str(payload["asker"]))

    return {"draft.start": start_draft, "execution.wake": wake, "plan.preview": preview}


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
