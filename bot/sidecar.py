"""What the sidecar of a bot answers, and how it knows that it is ready."""

from collections.abc import Sequence

from bot.http.app import Handler, Sidecar
from bot.http.approvals import ApprovalRecords
from bot.http.artifacts import ArtifactRoutes
from bot.http.audit import AuditRecords
from bot.http.drafting import Drafting
from bot.http.executions import Verbs
from bot.http.freezes import FreezeRecords
from bot.http.health import Check
from bot.http.library import Library
from bot.http.plans import PlanRecords
from bot.http.policy import PolicyRoutes
from bot.http.revocations import RevocationRecords
from bot.http.sign_in import SignInPages
from bot.http.tools import ToolRoutes
from bot.http.workflows import WorkflowRoutes
from bot.slack.http import PATH, RequestUrl
from bot.slack.socket import Facts
from bot.surfaces import Surfaces
from engine.domain.actor import WORKER
from engine.domain.context import ContextRef
from engine.domain.ids import Tenant
from engine.domain.policy import Question
from engine.domain.questions import Limits, to_read
from engine.errors import Unavailable
from engine.feed.redis import RedisFeed
from engine.ground import now
from engine.services.requests import Requests
from engine.settings import Settings
from engine.store.intake import Intake
from engine.wiring import Engine
from engine.workflows.worker import connect


def served(
    settings: Settings,
    engine: Engine,
    intake: Intake,
    facts: Facts,
    request_url: RequestUrl | None,
    surfaces: Surfaces,
) -> Sidecar:
    """What the sidecar of a bot answers."""
    return Sidecar(
        engine.store,
        intake,
        engine.metrics,
        settings.hooks.alertmanager_token.get_secret_value(),
        {**checks(settings, engine, facts), **surfaces.checks},
        library=Library(engine.knowledge, engine.memory, engine.sessions, engine.runbook_steps),
        previews=engine.previews,
        callers=engine.identities,
        access=engine.access,
        holding=engine.views.holds,
        more=[
            *identity(engine),
            *AuditRecords(engine.store, engine.audits).routes(),
            *ToolRoutes(engine.store, engine.tool_runs).routes(),
            *PlanRecords(engine.store, engine.feedback).routes(),
            *operating(engine).routes(),
            *ArtifactRoutes(engine.store, engine.downloads, settings.http.public_url).routes(),
            *drafting(engine, settings).routes(),
            *FreezeRecords(engine.store, engine.freezes).routes(),
            *WorkflowRoutes(engine.store, engine.templates).routes(),
            *PolicyRoutes(engine.store, engine.shadows).routes(),
            *surfaces.routes(intake),
            *([("POST", PATH, request_url.handle)] if request_url else ()),
        ],
    )


def operating(engine: Engine) -> Verbs:
    """What buttons do, for callers with a token."""
    return Verbs(engine.store, engine.operating, engine.steering, engine.revisions)


def identity(engine: Engine) -> Sequence[tuple[str, str, Handler]]:
    """What people do under their own name, where an identity provider says who they are."""
    gate, found, sign_ins = engine.step_ups, engine.identities, engine.sign_ins
    assert gate is not None, "the bot is the gate's process"
    pages = (
        SignInPages(engine.store, engine.directory, sign_ins, found, gate).routes()
        if sign_ins and found
        else ()
    )
    return (
        *ApprovalRecords(engine.store, gate).routes(),
        *(RevocationRecords(engine.store, found).routes() if found else ()),
        *pages,
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


def checks(settings: Settings, engine: Engine, facts: Facts) -> dict[str, Check]:
    """What /readyz asks beside the database."""

    async def slack() -> None:
        if facts.connected < 1:
            raise Unavailable("slack", "No socket is connected.")

    async def policy() -> None:
        await engine.policy.ask(a_read(engine.tenant))

    async def temporal() -> None:
        await connect(settings.temporal.address, settings.temporal.namespace)

    found: dict[str, Check] = {"policy": policy, **engine.credentials.checks}
    if settings.slack.transport == "socket":
        found["slack"] = slack
    if settings.engine == "temporal" and settings.temporal.address:
        found["temporal"] = temporal
    if isinstance(engine.feed, RedisFeed):
        found["redis"] = engine.feed.ping
    return found


def a_read(tenant: Tenant) -> Question:
    """A question that every working policy answers."""
    context = ContextRef(tenant=tenant)
    return to_read(WORKER, context, limits=Limits(tenant=tenant), now=now())
