"""The one place where services and adapters meet: settings in, a working engine out."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

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
from engine.errors import ConfigurationError, NotFound, Unavailable
from engine.feed.quiet import NoFeed
from engine.feed.redis import RedisFeed
from engine.policy.rego import RegoPolicy
from engine.ports import Directory, Feed, Policy, Store, Tools
from engine.resources import shipped
from engine.services.alerts import Alerts
from engine.services.approvals import Approvals
from engine.services.authority import Authority
from engine.services.conversations import Conversations
from engine.services.course import Pace
from engine.services.drafts import Drafts
from engine.services.executions import Executions
from engine.services.loglines import LogLines
from engine.services.plans import Plans
from engine.services.steps import Steps
from engine.services.views import Views
from engine.settings import Settings
from engine.store.connection import Pool, open_pool
from engine.store.migrations import missing
from engine.store.surface import PostgresSurface
from engine.store.unit import PostgresStore
from engine.telemetry.metrics import Metrics
from engine.tools.api import ApiTransport
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner
from engine.tools.sandbox import ProcessSandbox


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
    notes: tuple[str, ...]


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
        pool = await opened(settings, stack)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=True, trust_env=False)
        )
        feed = await opened_feed(settings, stack)
        sandbox = await ProcessSandbox.detect(settings.tools.work_folder, hidden(settings))
        yield assembled(settings, pool, session, feed, sandbox, gate=gate)


async def opened(settings: Settings, stack: AsyncExitStack) -> Pool:
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
    async with pool.acquire() as connection:
        lacking = await missing(connection)  # type: ignore[arg-type]  # a pooled connection is one
    if lacking:
        raise Unavailable(
            "postgres",
            f"The database lacks {', '.join(lacking)}. Run `carapulse migrate` with the owner's "
            "address in CARAPULSE_POSTGRES__OWNER_DSN.",
        )
    return pool


async def opened_feed(settings: Settings, stack: AsyncExitStack) -> Feed:
    """The live feed, or none; losing it loses nothing."""
    url = settings.redis.url.get_secret_value()
    if not url:
        return NoFeed()
    feed = RedisFeed(url)
    stack.push_async_callback(feed.close)
    return feed


def assembled(
    settings: Settings,
    pool: Pool,
    session: aiohttp.ClientSession,
    feed: Feed,
    sandbox: ProcessSandbox,
    *,
    gate: bool,
) -> Engine:
    """Everything, from opened parts."""
    tenant = Tenant(settings.tenant)
    store = PostgresStore(pool, settings.tenant)
    limits = Limits(
        tenant=tenant,
        stage=settings.policy.stage,
        emoji_max_risk=settings.approvals.emoji_max_risk,
    )
    directory = people(settings.directory.file, tenant)
    services = loaded_services(settings.context.services_file)
    policy = RegoPolicy([shipped("policies"), *filter(None, [settings.policy.folder])])
    metrics = Metrics()
    redactor = Redactor(known_values(settings))
    tools = ToolRegistry.load(
        settings.tools.folder,
        connections={name: one.url for name, one in settings.tools.connections.items()},
        remotes=lambda: (*settings.tools.git_remotes, *remotes(services)),
    )
    runner = ToolRunner(
        bodies=definitions(tools, store),
        sandbox=sandbox,
        redactor=redactor,
        api=ApiTransport(session, endpoints(settings)),
        kill_grace=settings.execution.kill_grace,
    )
    plans = Plans(store, tools, policy, directory, services, now, limits)
    drafts = Drafts(
        store,
        tools,
        runner,
        planner(settings, services, tools, redactor, metrics),
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
        pool=pool,
        store=store,
        surface=PostgresSurface(pool, settings.tenant),
        directory=directory,
        policy=policy,
        services=services,
        tools=tools,
        feed=feed,
        metrics=metrics,
        redactor=redactor,
        conversations=Conversations(store, now, tenant, {}),
        drafts=drafts,
        executions=Executions(store, policy, authority, now, limits, pace),
        steps=Steps(
            store,
            tools,
            runner,
            policy,
            authority,
            LogLines(store, feed, now),
            now,
            limits,
            execution.call_lease,
            f"{socket.gethostname()}:{new_id()}",
        ),
        views=Views(store, directory),
        alerts=Alerts(store, services, now, tenant, settings.slack.channel),
        approvals=(
            Approvals(store, policy, directory, signer(settings), verifier, now, limits)
            if gate
            else None
        ),
        notes=(),
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
