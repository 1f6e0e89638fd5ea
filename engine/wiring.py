"""The one place where services and adapters meet: settings in, a working engine out."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from engine.context.services import ServiceFile
from engine.directory.file import FileDirectory
from engine.directory.nobody import Nobody
from engine.domain.ids import Tenant, new_id
from engine.domain.questions import Limits
from engine.errors import ConfigurationError, NotFound, Unavailable
from engine.feed.quiet import NoFeed
from engine.feed.redis import RedisFeed
from engine.llm.endpoint import ModelSettings, Usage
from engine.llm.fallback import FallbackPlanner
from engine.llm.offline import OfflinePlanner
from engine.llm.openai import Means, OpenAIPlanner
from engine.llm.playbooks import load_playbooks
from engine.llm.prompts import load_prompts
from engine.policy.rego import RegoPolicy
from engine.ports import Directory, Feed, Planner, Policy, Signer, Store, Tools
from engine.resources import shipped
from engine.secrets.keys import FileSigner, FileVerifier
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
from engine.tools.api import ApiTransport, Endpoint
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


def people(path: Path | None, tenant: Tenant) -> Directory:
    """Who people are; without a file everybody is a stranger."""
    return FileDirectory(path, tenant=tenant) if path else Nobody()


def public_keys(settings: Settings) -> FileVerifier:
    """The keys that decisions are verified with."""
    if settings.keys.public_keys_folder is None:
        raise ConfigurationError(
            "No public keys are configured, so no decision could be verified. Set "
            "CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER; `carapulse up` makes the keys."
        )
    return FileVerifier(settings.keys.public_keys_folder)


def signer(settings: Settings) -> Signer:
    """The gate's private key."""
    if settings.keys.signing_key_file is None:
        raise ConfigurationError(
            "No signing key is configured, so nothing could be approved. Set "
            "CARAPULSE_KEYS__SIGNING_KEY_FILE; `carapulse up` makes one."
        )
    return FileSigner(settings.keys.signing_key_file)


def loaded_services(path: Path | None) -> ServiceFile:
    """The service graph; empty where no file is configured."""
    if path is None:
        return ServiceFile.build({"environments": {}, "services": []}, "services")
    return ServiceFile.load(path)


def remotes(services: ServiceFile) -> list[str]:
    """The repositories that the service graph names."""
    found = []
    for name in services.names():
        gitops = services.entry(name).get("gitops")
        if isinstance(gitops, dict) and gitops.get("remote"):
            found.append(str(gitops["remote"]))
    return found


def endpoints(settings: Settings) -> dict[str, Endpoint]:
    """How the API tools reach their systems."""
    return {
        name: Endpoint(one.url, one.token.get_secret_value())
        for name, one in settings.tools.connections.items()
        if one.url
    }


def known_values(settings: Settings) -> list[str]:
    """Secrets of this process that must never appear in any output."""
    values = [one.token.get_secret_value() for one in settings.tools.connections.values()]
    values += [
        settings.llm.openai_api_key.get_secret_value(),
        settings.slack.bot_token.get_secret_value(),
        settings.slack.app_token.get_secret_value(),
        settings.hooks.alertmanager_token.get_secret_value(),
    ]
    return [value for value in values if value]


def hidden(settings: Settings) -> list[Path]:
    """Folders that no tool may see."""
    keys = settings.keys
    return [path.parent for path in (keys.signing_key_file,) if path is not None]


def definitions(tools: ToolRegistry, store: Store) -> Callable[[str], Awaitable[str | None]]:
    """Find a definition by its digest: loaded now, or stored when a step was frozen."""

    async def body(digest: str) -> str | None:
        try:
            return tools.definition(digest)
        except NotFound:
            async with store.begin() as unit:
                return await unit.definitions.body(digest)

    return body


def planner(
    settings: Settings,
    services: ServiceFile,
    tools: ToolRegistry,
    redactor: Redactor,
    metrics: Metrics,
) -> Planner:
    """The offline planner, behind a model where one is configured."""
    folder = settings.context.playbooks_folder
    connected = frozenset(str(one["name"]).partition(".")[0] for one in tools.catalogue())
    offline = OfflinePlanner(services, load_playbooks(folder) if folder else (), connected)
    llm = settings.llm
    if not llm.openai_api_key.get_secret_value():
        return offline
    model = ModelSettings(
        api_key=llm.openai_api_key,
        base_url=llm.openai_base_url,
        model=llm.model,
        timeout_seconds=llm.timeout_seconds,
        repair_rounds=llm.repair_rounds,
    )
    means = Means(
        services=services,
        tools=tools,
        looks=offline,
        prompts=load_prompts(shipped("prompts")),
        redact=redactor.text,
        on_usage=lambda used: count_usage(metrics, used),
    )
    return FallbackPlanner(OpenAIPlanner(model, means), offline)


def count_usage(metrics: Metrics, used: Usage) -> None:
    """What one question to the model cost."""
    metrics.llm(used.model, used.ending, used.seconds)
    metrics.llm_tokens(used.model, "input", used.input_tokens)
    metrics.llm_tokens(used.model, "output", used.output_tokens)
