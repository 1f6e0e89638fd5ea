"""The one place where services and adapters meet: settings in, a working engine out."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import structlog

from engine.configured import (
    endpoints,
    hidden,
    known_values,
    loaded_services,
    people,
    planner,
    public_keys,
    remotes,
    signer,
)
from engine.context.services import ServiceFile
from engine.domain.ids import Tenant, new_id
from engine.domain.questions import Limits
from engine.errors import ConfigurationError, NotFound
from engine.feed.quiet import NoFeed
from engine.feed.redis import RedisFeed
from engine.policy.counted import CountedPolicy
from engine.policy.rego import RegoPolicy
from engine.ports import Directory, Feed, Policy, Store, Tools
from engine.resources import shipped
from engine.services.alerts import Alerts
from engine.services.approvals import Approvals
from engine.services.authority import Authority
from engine.services.conversations import Conversations
from engine.services.drafts import Drafts
from engine.services.executions import Executions
from engine.services.loglines import LogLines
from engine.services.plans import Plans
from engine.services.progress import Pace
from engine.services.steps import Steps
from engine.services.views import Views
from engine.settings import Settings
from engine.store.connection import Pool, open_pool
from engine.store.migrations import missing
from engine.store.surface import PostgresSurface
from engine.store.unit import PostgresStore
from engine.telemetry.metrics import Metrics
from engine.tools.api import ApiTransport
from engine.tools.counted import CountedRunner
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner
from engine.tools.sandbox import ProcessSandbox

SCHEMA_POLL = 2.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """What the outside may ask of the engine: one field per use case, and what feeds them."""

    tenant: Tenant
    pool: Pool
    store: Store
    surface: PostgresSurface
    directory: Directory
    policy: Policy
    services: ServiceFile
    tools: Tools
    feed: Feed
    metrics: Metrics
    redactor: Redactor
    conversations: Conversations
    drafts: Drafts
    executions: Executions
    steps: Steps
    views: Views
    alerts: Alerts
    approvals: Approvals | None


def now() -> datetime:
    """The `Clock` port."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_engine(settings: Settings, *, gate: bool) -> AsyncIterator[Engine]:
    """Open every connection, yield the engine, and close them in reverse order.

    With `gate` the private key is read, so that decisions can be signed; a worker has none.
    Raises `ConfigurationError` or `Unavailable`.
    """
    async with AsyncExitStack() as stack:
        pool = await open_database(settings, stack)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=True, trust_env=False)
        )
        metrics = Metrics()
        feed = await opened_feed(settings, metrics, stack)
        sandbox = await ProcessSandbox.detect(settings.tools.work_folder, hidden(settings))
        yield assembled(settings, Opened(pool, session, feed, sandbox, metrics), gate=gate)


async def open_database(settings: Settings, stack: AsyncExitStack) -> Pool:
    """The pool, to a database that has the schema of this version."""
    dsn = settings.postgres.dsn.get_secret_value()
    if not dsn:
        raise ConfigurationError(
            "No database is configured. Set CARAPULSE_POSTGRES__DSN, or use `carapulse up`."
        )
    postgres = settings.postgres
    pool = await open_pool(
        dsn,
        size=postgres.pool_size,
        statement_timeout=postgres.statement_timeout_seconds,
        connect_timeout=postgres.connect_timeout_seconds,
    )
    stack.push_async_callback(pool.close)
    await wait_for_schema(pool)
    return pool


async def wait_for_schema(pool: Pool) -> None:
    """Only the owner migrates; everybody else waits, and says for what."""
    while True:
        async with pool.acquire() as connection:
            lacking = await missing(connection)  # type: ignore[arg-type]  # a pooled connection is one
        if not lacking:
            return
        log.warning("waiting for `carapulse migrate`", action="schema.waits", lacking=lacking)
        await asyncio.sleep(SCHEMA_POLL)


async def opened_feed(settings: Settings, metrics: Metrics, stack: AsyncExitStack) -> Feed:
    """The live feed, or none; losing it loses nothing."""
    url = settings.redis.url.get_secret_value()
    if not url:
        return NoFeed()
    feed = RedisFeed(url, metrics)
    stack.push_async_callback(feed.close)
    return feed


@dataclass(frozen=True, slots=True)
class Opened:
    """What has to be closed again, and what counts."""

    pool: Pool
    session: aiohttp.ClientSession
    feed: Feed
    sandbox: ProcessSandbox
    metrics: Metrics


def assembled(settings: Settings, opened: Opened, *, gate: bool) -> Engine:
    """Everything, from opened parts."""
    tenant = Tenant(settings.tenant)
    store = PostgresStore(opened.pool, settings.tenant)
    limits = Limits(
        tenant=tenant,
        stage=settings.policy.stage,
        emoji_max_risk=settings.approvals.emoji_max_risk,
    )
    directory = people(settings.directory.file, tenant)
    services = loaded_services(settings.context.services_file)
    rules = RegoPolicy([shipped("policies"), *filter(None, [settings.policy.folder])])
    policy = CountedPolicy(rules, opened.metrics)
    redactor = Redactor(known_values(settings))
    tools = ToolRegistry.load(
        settings.tools.folder,
        connections={name: one.url for name, one in settings.tools.connections.items()},
        remotes=lambda: (*settings.tools.git_remotes, *remotes(services)),
    )
    sandboxed = ToolRunner(
        bodies=definitions(tools, store),
        sandbox=opened.sandbox,
        redactor=redactor,
        api=ApiTransport(opened.session, endpoints(settings)),
        kill_grace=settings.execution.kill_grace,
    )
    runner = CountedRunner(sandboxed, opened.metrics)
    plans = Plans(store, tools, policy, directory, services, now, limits)
    drafts = Drafts(
        store,
        tools,
        runner,
        planner(settings, services, tools, redactor, opened.metrics),
        policy,
        directory,
        plans,
        now,
        limits,
    )
    verifier = public_keys(settings)
    authority = Authority(verifier)
    execution = settings.execution
    pace = Pace(
        rollback_delay=execution.rollback_delay,
        rollback_latest=execution.rollback_latest,
        grace=execution.kill_grace,
    )
    return Engine(
        tenant=tenant,
        pool=opened.pool,
        store=store,
        surface=PostgresSurface(opened.pool, settings.tenant),
        directory=directory,
        policy=policy,
        services=services,
        tools=tools,
        feed=opened.feed,
        metrics=opened.metrics,
        redactor=redactor,
        conversations=Conversations(store, now, tenant, {}),
        drafts=drafts,
        executions=Executions(store, policy, authority, now, limits, pace, opened.metrics.workflow),
        steps=Steps(
            store,
            tools,
            runner,
            policy,
            authority,
            LogLines(store, opened.feed, now),
            now,
            limits,
            execution.call_lease,
            f"{socket.gethostname()}:{new_id()}",
        ),
        views=Views(store, directory),
        alerts=Alerts(
            store, services, now, tenant, settings.slack.channel, timezone=settings.timezone
        ),
        approvals=(
            Approvals(
                store,
                policy,
                directory,
                signer(settings),
                verifier,
                now,
                limits,
                opened.metrics.approval,
            )
            if gate
            else None
        ),
    )


def definitions(tools: ToolRegistry, store: Store) -> Callable[[str], Awaitable[str | None]]:
    """Find a definition by its digest: loaded now, or stored when a step was frozen."""

    async def body(digest: str) -> str | None:
        try:
            return tools.definition(digest)
        except NotFound:
            async with store.begin() as unit:
                return await unit.definitions.body(digest)

    return body
