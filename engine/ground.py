"""What the services stand on: what is opened, and the adapters made of it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

import aiohttp
import structlog

from engine.configured import (
    endpoints,
    people,
    public_keys,
    redactor,
    remotes,
)
from engine.context.services import ServiceFile, loaded_services
from engine.credentials import Credentials
from engine.directory.file import FileDirectory
from engine.directory.nobody import Nobody
from engine.directory.oidc.provider import Provider
from engine.domain.breaker import Breaker
from engine.domain.freeze import Window
from engine.domain.glass import Tickets
from engine.domain.ids import Tenant
from engine.domain.questions import Limits
from engine.errors import ConfigurationError, NotFound
from engine.feed.quiet import NoFeed
from engine.feed.redis import RedisFeed
from engine.filing import MIB, filing
from engine.policy.cached import CachedPolicy
from engine.policy.counted import CountedPolicy
from engine.policy.opa import OpaPolicy, checked_url
from engine.policy.rego import RegoPolicy
from engine.policy.shadow import Candidate, Shadow, ShadowedPolicy, candidate
from engine.policy.standby import StandbyPolicy
from engine.ports import Feed, Files, Policy, Runner, Store
from engine.resources import shipped
from engine.sandboxes import image_for, installed_for
from engine.secrets.published import FileVerifier
from engine.sections import PolicySettings
from engine.services.outputs import Outputs
from engine.settings import Settings
from engine.store.connection import Pool, open_pool
from engine.store.migrations import missing
from engine.store.shadows import PostgresShadows
from engine.store.unit import PostgresStore
from engine.telemetry.metrics import Metrics
from engine.tools.api import ApiTransport
from engine.tools.boxes import Sandbox
from engine.tools.commands import PRINTED
from engine.tools.counted import CountedRunner
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner

SCHEMA_POLL = 2.0
OPA_FAILURES, OPA_PAUSE = 5, 30.0
log = structlog.get_logger(__name__)


def now() -> datetime:
    """The `Clock` port."""
    return datetime.now(UTC)


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
    sandbox: Sandbox
    metrics: Metrics
    provider: Provider | None = None
    credentials: Credentials = field(default_factory=Credentials)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the services stand on."""

    tenant: Tenant
    store: PostgresStore
    limits: Limits
    directory: FileDirectory | Nobody
    services: ServiceFile
    policy: Policy
    redactor: Redactor
    tools: ToolRegistry
    runner: Runner
    verifier: FileVerifier
    windows: tuple[Window, ...]
    shadow: Shadow | None
    files: Files | None
    outputs: Outputs


def grounded(settings: Settings, opened: Opened) -> Ground:
    """Adapters, from settings and what was opened."""
    tenant = Tenant(settings.tenant)
    store = PostgresStore(opened.pool, settings.tenant)
    services = loaded_services(settings.context.services_file)
    rules = deciding_by(settings.policy, opened.session)
    masking = redactor(settings)
    live: Policy = CountedPolicy(rules, opened.metrics)
    shadow = shadowing(settings, opened, masking)
    tools = ToolRegistry.load(
        settings.tools.folder,
        connections={name: one.url for name, one in endpoints(settings).items()},
        remotes=lambda: (*settings.tools.git_remotes, *remotes(services)),
        redactor=masking,
        installed=installed_for(settings.sandbox),
        image=image_for(settings.sandbox),
    )
    files = filing(settings.artifacts)
    runner = ToolRunner(
        bodies=definitions(tools, store),
        sandbox=opened.sandbox,
        redactor=masking,
        api=ApiTransport(opened.session, endpoints(settings)),
        kill_grace=settings.execution.kill_grace,
        printed=settings.artifacts.limit * MIB if files else PRINTED,
        sources=opened.credentials.sources,
    )
    return Ground(
        tenant=tenant,
        store=store,
        limits=Limits(
            tenant=tenant,
            stage=settings.policy.stage,
            stages=settings.policy.stages,
            tickets=Tickets(
                pattern=settings.approvals.ticket_pattern,
                example=settings.approvals.ticket_example,
            ),
            emoji_max_risk=settings.approvals.emoji_max_risk,
            sessions_required=settings.sessions.required,
            identity_provider=bool(settings.oidc.client_id),
        ),
        directory=people(settings.directory.file, tenant),
        services=services,
        policy=ShadowedPolicy(live, shadow) if shadow else live,
        redactor=masking,
        tools=tools,
        runner=CountedRunner(runner, opened.metrics),
        verifier=public_keys(settings),
        windows=windows(settings),
        shadow=shadow,
        files=files,
        outputs=Outputs(
            store, now, tenant, socket.gethostname(), files, settings.artifacts.limit * MIB
        ),
    )


def windows(settings: Settings) -> tuple[Window, ...]:
    """When changes may start; hours are those of the settings' time zone unless they say else."""
    usual = {"timezone": settings.timezone}
    return tuple(one if one.timezone else one.model_copy(update=usual) for one in settings.windows)


def deciding_by(settings: PolicySettings, session: aiohttp.ClientSession) -> Policy:
    """The server that is set, or our own process; allowed reads are remembered for a moment."""
    folders = [shipped("policies"), *filter(None, [settings.folder])]
    if not settings.opa_url:
        return CachedPolicy(RegoPolicy(folders, settings.roles), monotonic)
    breaker = Breaker(OPA_FAILURES, OPA_PAUSE, monotonic)
    url = checked_url(settings.opa_url)
    server: Policy = OpaPolicy(session, url, timeout=settings.timeout_seconds, breaker=breaker)
    if settings.standby:
        server = StandbyPolicy(server, RegoPolicy(folders, settings.roles))
    return CachedPolicy(server, monotonic)


def shadowing(settings: Settings, opened: Opened, redactor: Redactor) -> Shadow | None:
    """A candidate beside the policy, where one is set; what is wrong with it stops nothing."""
    rules = settings.policy
    if rules.shadow_url:
        url, breaker = checked_url(rules.shadow_url), Breaker(OPA_FAILURES, OPA_PAUSE, monotonic)
        server = OpaPolicy(opened.session, url, timeout=rules.timeout_seconds, breaker=breaker)
        tried = Candidate(url, server)
    elif rules.shadow_folder:
        tried = candidate([shipped("policies"), rules.shadow_folder], rules.roles)
    else:
        return None
    kept = PostgresShadows(opened.pool, settings.tenant)
    return Shadow(tried, kept, opened.metrics, now, redactor.text)


def definitions(tools: ToolRegistry, store: Store) -> Callable[[str], Awaitable[str | None]]:
    """Find a definition by its digest: loaded now, or stored when a step was frozen."""

    async def body(digest: str) -> str | None:
        try:
            return tools.definition(digest)
        except NotFound:
            async with store.begin() as unit:
                return await unit.definitions.body(digest)

    return body
