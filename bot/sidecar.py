"""What the sidecar of a bot answers, and how it knows that it is ready."""

from bot.http.app import Sidecar
from bot.http.audit import AuditRecords
from bot.http.drafting import Drafting
from bot.http.health import Check
from bot.http.library import Library
from bot.http.plans import PlanRecords
from bot.http.tools import ToolRoutes
from bot.slack.http import PATH, RequestUrl
from bot.slack.socket import Facts
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
