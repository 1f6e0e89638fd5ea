"""The one place where services and adapters meet: settings in, a working engine out."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp

from engine import models
from engine.configured import (
    blind,
    planner,
    signer,
)
from engine.context.services import ServiceFile
from engine.credentials import Credentials, opened_credentials
from engine.domain.ids import Tenant, new_id
from engine.domain.reminding import Nagging
from engine.domain.site import Site
from engine.filing import linking
from engine.ground import Ground, Opened, grounded, now, open_database, opened_feed
from engine.identified import identifying, identity_provider, signing_in
from engine.library import mirroring
from engine.llm.correcting import Correcting
from engine.llm.picked import Picking
from engine.llm.playbooks import checked_title
from engine.policy.shadow import Shadow
from engine.ports import Directory, Feed, Policy, Store, Tools
from engine.ports.shadows import Shadows
from engine.ports.tracking import Accounts
from engine.sandboxes import opened_sandbox
from engine.services.access import Access
from engine.services.alerts import Alerts
from engine.services.answers import Answers
from engine.services.approvals import Approvals
from engine.services.audit import Audits
from engine.services.authority import Authority, loaded
from engine.services.conversations import Conversations
from engine.services.delivery import Delivery
from engine.services.downloads import Downloads
from engine.services.drafts import Drafts
from engine.services.drift import Drift
from engine.services.executions import Executions
from engine.services.feedback import Feedback
from engine.services.freezes import Freezes
from engine.services.glass import Digests, GlassAlarm
from engine.services.guards import Guards, Holds
from engine.services.identities import Identities
from engine.services.knowledge import Knowledge
from engine.services.loglines import LogLines
from engine.services.memory import Memory
from engine.services.mirror import Mirror
from engine.services.operating import Operating
from engine.services.overrides import Overrides
from engine.services.plans import Plans
from engine.services.presence import Presence
from engine.services.previews import Previews
from engine.services.progress import Pace
from engine.services.reminders import Reminders
from engine.services.requests import Requests
from engine.services.revisions import Revisions
from engine.services.runbook_steps import RunbookSteps
from engine.services.sessions import Sessions
from engine.services.sign_ins import SignIns
from engine.services.slots import AtOnce, Slots
from engine.services.steering import Steering
from engine.services.step_ups import Door, StepUps
from engine.services.steps import Steps
from engine.services.templates import Templates
from engine.services.tool_runs import ToolRuns
from engine.services.views import Views
from engine.settings import Settings
from engine.store.chain import PostgresChain
from engine.store.connection import Pool
from engine.store.minted import PostgresMinted
from engine.store.shadows import PostgresShadows
from engine.store.spending import PostgresSpending
from engine.store.surface import PostgresSurface
from engine.telemetry.metrics import Metrics
from engine.templates.loading import digest_of
from engine.templating import Checking, shelf
from engine.tools.command_lines import CommandLines
from engine.tools.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Engine:
    """What the outside may ask of the engine: one field per use case, and what feeds them."""

    tenant: Tenant
    pool: Pool
    store: Store
    surface: PostgresSurface
    directory: Directory
    accounts: Accounts
    policy: Policy
    services: ServiceFile
    tools: Tools
    feed: Feed
    metrics: Metrics
    redactor: Redactor
    conversations: Conversations
    drafts: Drafts
    executions: Executions
    operating: Operating
    steering: Steering
    steps: Steps
    revisions: Revisions
    previews: Previews
    tool_runs: ToolRuns
    views: Views
    knowledge: Knowledge
    memory: Memory
    sessions: Sessions
    templates: Templates
    runbook_steps: RunbookSteps
    mirror: Mirror
    alerts: Alerts
    answers: Answers
    feedback: Feedback
    presence: Presence
    audits: Audits
    freezes: Freezes
    digests: Digests
    identities: Identities | None
    sign_ins: SignIns | None
    approvals: Approvals | None
    step_ups: StepUps | None
    access: Access
    downloads: Downloads
    delivery: Delivery
    shadow: Shadow | None
    shadows: Shadows
    credentials: Credentials


@asynccontextmanager
async def open_engine(
    settings: Settings, *, gate: bool, site: Site | None = None
) -> AsyncIterator[Engine]:
    """Open every connection, yield the engine, and close them in reverse order.

    With `gate` the private key is read, so that decisions can be signed; a worker has none. At a
    `site` only its own steps are made.
    Raises `ConfigurationError` or `Unavailable`.
    """
    async with AsyncExitStack() as stack:
        pool = await open_database(settings, stack)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=True, trust_env=False)
        )
        metrics = Metrics()
        feed = await opened_feed(settings, metrics, stack)
        sandbox = await stack.enter_async_context(opened_sandbox(settings))
        provider = identity_provider(settings, now) if gate else None
        if provider:
            stack.push_async_callback(provider.close)
        credentials = await stack.enter_async_context(
            opened_credentials(settings, PostgresMinted(pool, settings.tenant), session, metrics)
        )
        opened = Opened(pool, session, feed, sandbox, metrics, provider, credentials)
        yield assembled(settings, opened, gate=gate, site=site)


def assembled(
    settings: Settings, opened: Opened, *, gate: bool, site: Site | None = None
) -> Engine:
    """Services, on their ground."""
    on = grounded(settings, opened)
    store, tenant, directory = on.store, on.tenant, on.directory
    channel, zone = settings.slack.channel, settings.timezone
    identities, sign_ins = identified(settings, opened, on)
    approvals = deciding(settings, opened, on) if gate else None
    overrides = Overrides(directory, signer(settings)) if gate else None
    operating = Operating(store, on.policy, now, on.limits, overrides)
    return Engine(
        tenant=tenant,
        pool=opened.pool,
        store=store,
        surface=PostgresSurface(opened.pool, settings.tenant),
        directory=directory,
        accounts=directory,
        policy=on.policy,
        services=on.services,
        tools=on.tools,
        feed=opened.feed,
        metrics=opened.metrics,
        redactor=on.redactor,
        conversations=Conversations(store, now, tenant, {}),
        drafts=drafting(settings, opened, on),
        executions=executing(settings, opened, on),
        operating=operating,
        steering=Steering(store, on.policy, operating, now, on.limits, approvals),
        steps=stepping(settings, opened, on, site),
        revisions=Revisions(store, on.tools, now),
        previews=previewing(on),
        tool_runs=ToolRuns(on.tools, on.runner, on.policy, now, on.limits),
        views=Views(store, directory, blind(settings), on.limits, Holds(on.windows), now),
        knowledge=knowing(on),
        memory=Memory(store, now, tenant, on.services),
        sessions=Sessions(store, now, tenant),
        mirror=mirroring(settings, store, now, tenant),
        templates=templated(settings, on),
        runbook_steps=from_runbooks(on),
        alerts=Alerts(store, on.services, now, tenant, channel, timezone=zone),
        answers=Answers(store, on.services),
        feedback=Feedback(store, now, tenant),
        presence=Presence(store, now),
        audits=auditing(settings, opened, on, gate=gate),
        freezes=Freezes(store, on.policy, now, tenant, on.services, zone, on.windows),
        digests=Digests(store, now, loud_in(settings), settings.approvals.digest_at, zone),
        identities=identities,
        sign_ins=sign_ins,
        approvals=approvals,
        step_ups=stepping_up(store, approvals, sign_ins, identities),
        access=Access(store, on.policy, now, on.limits),
        downloads=downloading(settings, on),
        delivery=delivering(settings, opened, on),
        shadow=on.shadow,
        shadows=PostgresShadows(opened.pool, settings.tenant),
        credentials=opened.credentials,
    )


def identified(
    settings: Settings, opened: Opened, on: Ground
) -> tuple[Identities | None, SignIns | None]:
    """Who holds a token, and second sign-ins where there is somewhere to sign in."""
    people = on.directory
    identities = identifying(
        settings, opened.provider, store=on.store, directory=people, links=people, clock=now
    )
    return identities, signing_in(settings, opened.provider, store=on.store, clock=now)


def from_runbooks(on: Ground) -> RunbookSteps:
    """Commands of runbooks, as steps."""
    commands = CommandLines(one.tool for one, _ in on.tools.tools())
    return RunbookSteps(on.store, commands, on.services, now, on.tenant)


def auditing(settings: Settings, opened: Opened, on: Ground, *, gate: bool) -> Audits:
    """The audit as a whole; only the gate seals it."""
    chain = PostgresChain(opened.pool, settings.tenant)
    sealer = signer(settings) if gate else None
    return Audits(chain, now, sealer, on.verifier, settings.audit.keep_days)


def drafting(settings: Settings, opened: Opened, on: Ground) -> Drafts:
    """From a request to a version."""
    spending = PostgresSpending(opened.pool, settings.tenant, models.allowance(settings.llm), now)
    router = models.router(
        settings.llm, spending=spending, redactor=on.redactor, metrics=opened.metrics
    )
    behind = planner(settings, on.services, on.tools, router, now, on.store)
    spoken = Correcting(behind, on.tools, on.services, on.directory)
    planning = Picking(spoken, on.tools, on.services, templated(settings, on).spoken)
    plans = Plans(
        on.store, on.tools, on.policy, on.directory, on.services, now, on.limits, Holds(on.windows)
    )
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
        on.outputs,
    )


def templated(settings: Settings, on: Ground) -> Templates:
    """Workflows of the catalog, held against the tools of this deployment."""
    tools = [one.tool for one, _ in on.tools.tools()]
    requests = Requests(
        on.store,
        Conversations(on.store, now, on.tenant, {}),
        Revisions(on.store, on.tools, now),
        on.services,
        on.tools,
        on.tenant,
        settings.slack.channel,
    )
    files = shelf(tools, settings.context.workflows_folder)
    return Templates(on.store, requests, on.services, now, files, Checking(tools), digest_of)


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
        reminder=waits.reminder,
        reminder_longest=waits.reminder_longest,
        deadline=waits.deadline,
        start=waits.start,
    )
    ended = opened.metrics.workflow
    return Executions(on.store, guarding(on), now, pace, ended, reminding(settings, on))


def reminding(settings: Settings, on: Ground) -> Reminders:
    """Who is told of what nobody has decided."""
    asked = settings.approvals
    nagging = Nagging(remind_after=asked.remind_after, escalations=asked.escalations)
    return Reminders(on.directory, nagging, loud_in(settings))


def guarding(on: Ground) -> Guards:
    """What stands before each start and each change."""
    return Guards(on.policy, Authority(on.verifier), on.limits, Holds(on.windows))


def stepping(settings: Settings, opened: Opened, on: Ground, site: Site | None = None) -> Steps:
    """One call of an execution, on this worker."""
    return Steps(
        on.store,
        on.tools,
        on.runner,
        guarding(on),
        Authority(on.verifier),
        LogLines(on.store, opened.feed, now, on.outputs),
        now,
        settings.execution.call_lease,
        f"{socket.gethostname()}:{new_id()}",
        Slots(AtOnce.model_validate(settings.execution.at_once.model_dump())),
        Drift(on.runner, on.policy, now, on.limits),
        site,
    )


def downloading(settings: Settings, on: Ground) -> Downloads:
    """Complete outputs, handed out."""
    kept = settings.artifacts
    return Downloads(on.store, now, on.tenant, on.files, linking(kept), kept.link_seconds)


def delivering(settings: Settings, opened: Opened, on: Ground) -> Delivery:
    """Complete outputs, on their way."""
    kept, count = settings.artifacts, opened.metrics.artifact
    return Delivery(on.store, on.files, now, kept.keep_days, count, on.outputs.ready)


def stepping_up(
    store: Store, gate: Approvals | None, sign_ins: SignIns | None, identities: Identities | None
) -> StepUps | None:
    """The gate for surfaces, with the door to a second sign-in where there is one."""
    if gate is None:
        return None
    door = Door(sign_ins, identities) if sign_ins and identities else None
    return StepUps(gate, store, now, door)


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
        Holds(on.windows),
        GlassAlarm(on.directory, loud_in(settings)),
        partial(loaded, on.tools),
        opened.metrics.approval,
    )


def loud_in(settings: Settings) -> str:
    """Where what everybody should know is told."""
    return settings.approvals.digest_channel or settings.slack.channel
