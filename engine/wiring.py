"""The one place where services and adapters meet: settings in, a working engine out."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import aiohttp
import structlog

from engine import models
from engine.configured import (
    blind,
    endpoints,
    hidden,
    people,
    planner,
    public_keys,
    redactor,
    remotes,
    signer,
)
from engine.context.services import ServiceFile, loaded_services
from engine.domain.breaker import Breaker
from engine.domain.ids import Tenant, new_id
from engine.domain.questions import Limits
from engine.errors import ConfigurationError, NotFound
from engine.feed.quiet import NoFeed
from engine.feed.redis import RedisFeed
from engine.library import mirroring
from engine.llm.correcting import Correcting
from engine.llm.playbooks import checked_title
from engine.policy.cached import CachedPolicy
from engine.policy.counted import CountedPolicy
from engine.policy.opa import OpaPolicy, checked_url
from engine.policy.rego import RegoPolicy
from engine.policy.standby import StandbyPolicy
from engine.ports import Directory, Feed, Policy, Runner, Store, Tools
from engine.resources import shipped
from engine.secrets.keys import FileVerifier
from engine.services.alerts import Alerts
from engine.services.answers import Answers
from engine.services.approvals import Approvals
from engine.services.audit import Audits
from engine.services.authority import Authority
from engine.services.conversations import Conversations
from engine.services.drafts import Drafts
from engine.services.executions import Executions
from engine.services.feedback import Feedback
from engine.services.knowledge import Knowledge
from engine.services.loglines import LogLines
from engine.services.memory import Memory
from engine.services.mirror import Mirror
from engine.services.plans import Plans
from engine.services.presence import Presence
from engine.services.previews import Previews
from engine.services.progress import Pace
from engine.services.revisions import Revisions
from engine.services.runbook_steps import RunbookSteps
from engine.services.sessions import Sessions
from engine.services.steps import Steps
from engine.services.tool_runs import ToolRuns
from engine.services.views import Views
from engine.settings import PolicySettings, Settings
from engine.store.chain import PostgresChain
from engine.store.connection import Pool, open_pool
from engine.store.migrations import missing
from engine.store.spending import PostgresSpending
from engine.store.surface import PostgresSurface
from engine.store.unit import PostgresStore
from engine.telemetry.metrics import Metrics
from engine.tools.api import ApiTransport
from engine.tools.command_lines import CommandLines
from engine.tools.counted import CountedRunner
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner
from engine.tools.sandbox import ProcessSandbox

SCHEMA_POLL = 2.0
OPA_FAILURES, OPA_PAUSE = 5, 30.0
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
    revisions: Revisions
    previews: Previews
    tool_runs: ToolRuns
    views: Views
    knowledge: Knowledge
    memory: Memory
    sessions: Sessions
    runbook_steps: RunbookSteps
    mirror: Mirror
    alerts: Alerts
    answers: Answers
    feedback: Feedback
    presence: Presence
    audits: Audits
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


@dataclass(frozen=True, slots=True)
class Ground:
    """What the services stand on."""

    tenant: Tenant
    store: PostgresStore
    limits: Limits
    directory: Directory
    services: ServiceFile
    policy: Policy
    redactor: Redactor
    tools: ToolRegistry
    runner: Runner
    verifier: FileVerifier


def grounded(settings: Settings, opened: Opened) -> Ground:
    """Adapters, from settings and what was opened."""
    tenant = Tenant(settings.tenant)
    store = PostgresStore(opened.pool, settings.tenant)
    services = loaded_services(settings.context.services_file)
    rules = deciding_by(settings.policy, opened.session)
    masking = redactor(settings)
    tools = ToolRegistry.load(
        settings.tools.folder,
        connections={name: one.url for name, one in endpoints(settings).items()},
        remotes=lambda: (*settings.tools.git_remotes, *remotes(services)),
        redactor=masking,
    )
    runner = ToolRunner(
        bodies=definitions(tools, store),
        sandbox=opened.sandbox,
        redactor=masking,
        api=ApiTransport(opened.session, endpoints(settings)),
        kill_grace=settings.execution.kill_grace,
    )
    return Ground(
        tenant=tenant,
        store=store,
        limits=Limits(
            tenant=tenant,
            stage=settings.policy.stage,
            emoji_max_risk=settings.approvals.emoji_max_risk,
            sessions_required=settings.sessions.required,
        ),
        directory=people(settings.directory.file, tenant),
        services=services,
        policy=CountedPolicy(rules, opened.metrics),
        redactor=masking,
        tools=tools,
        runner=CountedRunner(runner, opened.metrics),
        verifier=public_keys(settings),
    )


def deciding_by(settings: PolicySettings, session: aiohttp.ClientSession) -> Policy:
    """The server that is set, or our own process; allowed reads are remembered for a moment."""
    folders = [shipped("policies"), *filter(None, [settings.folder])]
    if not settings.opa_url:
        return CachedPolicy(RegoPolicy(folders), monotonic)
    breaker = Breaker(OPA_FAILURES, OPA_PAUSE, monotonic)
    url = checked_url(settings.opa_url)
    server: Policy = OpaPolicy(session, url, timeout=settings.timeout_seconds, breaker=breaker)
    if settings.standby:
        server = StandbyPolicy(server, RegoPolicy(folders))
    return CachedPolicy(server, monotonic)


def assembled(settings: Settings, opened: Opened, *, gate: bool) -> Engine:
    """Services, on their ground."""
    on = grounded(settings, opened)
    store, tenant, directory = on.store, on.tenant, on.directory
    channel, zone = settings.slack.channel, settings.timezone
    return Engine(
        tenant=tenant,
        pool=opened.pool,
        store=store,
        surface=PostgresSurface(opened.pool, settings.tenant),
        directory=directory,
        policy=on.policy,
        services=on.services,
        tools=on.tools,
        feed=opened.feed,
        metrics=opened.metrics,
        redactor=on.redactor,
        conversations=Conversations(store, now, tenant, {}),
        drafts=drafting(settings, opened, on),
        executions=executing(settings, opened, on),
        steps=stepping(settings, opened, on),
        revisions=Revisions(store, on.tools, now),
        previews=previewing(on),
        tool_runs=ToolRuns(on.tools, on.runner, on.policy, now, on.limits),
        views=Views(store, directory, blind(settings)),
        knowledge=knowing(on),
        memory=Memory(store, now, tenant, on.services),
        sessions=Sessions(store, now, tenant),
        mirror=mirroring(settings, store, now, tenant),
        runbook_steps=RunbookSteps(
            store, CommandLines(one.tool for one, _ in on.tools.tools()), on.services, now, tenant
        ),
        alerts=Alerts(store, on.services, now, tenant, channel, timezone=zone),
        answers=Answers(store, on.services),
        feedback=Feedback(store, now, tenant),
        presence=Presence(store, now),
        audits=auditing(settings, opened, on, gate=gate),
        approvals=deciding(settings, opened, on) if gate else None,
    )


def auditing(settings: Settings, opened: Opened, on: Ground, *, gate: bool) -> Audits:
    """The audit as a whole; only the gate seals it."""
    chain = PostgresChain(opened.pool, settings.tenant)
    return Audits(chain, now, signer(settings) if gate else None, on.verifier)


def drafting(settings: Settings, opened: Opened, on: Ground) -> Drafts:
    """From a request to a version."""
    spending = PostgresSpending(opened.pool, settings.tenant, models.allowance(settings.llm), now)
    router = models.router(
        settings.llm, spending=spending, redactor=on.redactor, metrics=opened.metrics
    )
    behind = planner(settings, on.services, on.tools, router, now, on.store)
    planning = Correcting(behind, on.tools, on.services, on.directory)
    plans = Plans(on.store, on.tools, on.policy, on.directory, on.services, now, on.limits)
    return Drafts(
        on.store,
        on.tools,
        on.runner,
        planning,
        on.policy,
        on.directory,
        plans,
        previewing(on),
        now,
        on.limits,
        knowing(on),
    )


def knowing(on: Ground) -> Knowledge:
    """What is written down."""
    return Knowledge(on.store, now, on.tenant, on.services, checked_title)


def previewing(on: Ground) -> Previews:
    """What a plan would change."""
    return Previews(on.store, on.tools, on.runner, on.policy, now, on.limits)


def executing(settings: Settings, opened: Opened, on: Ground) -> Executions:
    """What comes next for a version."""
    waits = settings.execution
    pace = Pace(
        rollback_delay=waits.rollback_delay,
        rollback_latest=waits.rollback_latest,
        grace=waits.kill_grace,
    )
    ended = opened.metrics.workflow
    authority = Authority(on.verifier)
    return Executions(on.store, on.policy, authority, now, on.limits, pace, ended)


def stepping(settings: Settings, opened: Opened, on: Ground) -> Steps:
    """One call of an execution, on this worker."""
    return Steps(
        on.store,
        on.tools,
        on.runner,
        on.policy,
        Authority(on.verifier),
        LogLines(on.store, opened.feed, now),
        now,
        on.limits,
        settings.execution.call_lease,
        f"{socket.gethostname()}:{new_id()}",
    )


def deciding(settings: Settings, opened: Opened, on: Ground) -> Approvals:
    """The gate, with its private key."""
    return Approvals(
        on.store,
        on.policy,
        on.directory,
        signer(settings),
        on.verifier,
        now,
        on.limits,
        opened.metrics.approval,
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
