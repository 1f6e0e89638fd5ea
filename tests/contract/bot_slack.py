"""The bot's Slack side on a real local Slack and a real Postgres; only the deciding is recorded."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.http.errors import problems
from bot.local import demo
from bot.local.slack.control_client import Control, open_control
from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.server import open_local_slack
from bot.relay.relay import Relay
from bot.relay.rendering import Rendering
from bot.relay.statuses import Statuses
from bot.relay.writing import Writing
from bot.slack.app import Workspace, build, open_client, sign_in
from bot.slack.budgets import Budgets
from bot.slack.http import PATH, RequestUrl
from bot.slack.inbox import SOURCE
from bot.slack.services import Glance, Library, Services
from bot.slack.sockets import Sockets
from bot.slack.writer import Writer
from engine.context.services import ServiceFile
from engine.directory.file import FileDirectory
from engine.domain.actor import Actor, Surface
from engine.domain.approval import Decided, Verdict
from engine.domain.execution import Choice
from engine.domain.glass import Tickets
from engine.domain.ids import DraftId, ExecutionId, PersonId, PlanId, ProblemId, Tenant
from engine.domain.questions import Limits
from engine.domain.views import PlanView
from engine.llm.playbooks import checked_title
from engine.policy.rego import RegoPolicy
from engine.services.access import Access
from engine.services.answers import Answers
from engine.services.conversations import Conversations
from engine.services.feedback import Feedback
from engine.services.knowledge import Knowledge
from engine.services.memory import Memory
from engine.services.presence import Presence
from engine.services.runbook_steps import RunbookSteps
from engine.services.sessions import Sessions
from engine.services.views import Views
from engine.store.connection import Pool, open_pool
from engine.store.intake import Desk, open_intake
from engine.store.surface import PostgresSurface
from engine.store.unit import PostgresStore
from engine.tools.command_lines import CommandLines
from engine.tools.loading import CATALOG, load_tools
from tests.unit.governing import POLICIES

TENANT = Tenant("default")
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
PEOPLE = Path(demo.__file__).parent / "directory.yaml"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Decisions:
    """Stands for the services that decide; writes down what they were asked."""

    seen: list[tuple[str, ...]] = field(default_factory=list)
    failure: Exception | None = None

    def note(self, *what: object) -> None:
        self.seen.append(tuple(str(each) for each in what))
        if self.failure is not None:
            raise self.failure

    async def decide(
        self,
        actor: Actor,
        plan_id: PlanId,
        version: int,
        verdict: Verdict,
        *,
        surface: Surface,
        reason: str = "",
        ticket: str = "",
        acted_at: str = "",
    ) -> Decided:
        self.note(verdict, actor.id, plan_id, version, surface, reason)
        return Decided(text="1 of 2 so far.")

    tickets = Tickets()

    async def may(self, actor: Actor, plan_id: PlanId, number: int) -> str:
        return ""

    async def why_not(self, person: PersonId, plan_id: PlanId, number: int) -> str:
        return ""

    async def in_force(self) -> list[str]:
        return []

    async def choose(
        self, actor: Actor, execution_id: ExecutionId, choice: Choice, *, step: int | None
    ) -> str:
        self.note(choice, actor.id, execution_id, step)
        return "Held X-1."

    async def confirm(self, actor: Actor, draft_id: DraftId) -> None:
        self.note("confirm", actor.id, draft_id)

    async def drop(self, actor: Actor, draft_id: DraftId) -> None:
        self.note("drop", actor.id, draft_id)

    async def acknowledge(self, actor: Actor, problem_id: ProblemId) -> str:
        self.note("acknowledge", actor.id, problem_id)
        return "You look after it now."

    async def draft(self, actor: Actor, problem_id: ProblemId) -> None:
        self.note("draft", actor.id, problem_id)


@dataclass
class FixedViews:
    """Cards as a test sets them."""

    plans: dict[PlanId, PlanView] = field(default_factory=dict)

    async def plan(self, plan_id: PlanId) -> PlanView:
        return self.plans[plan_id]

    async def execution(self, execution_id: ExecutionId) -> PlanView:
        return next(iter(self.plans.values()))


@dataclass
class Rig:
    """Everything that a test looks at."""

    slack: LocalSlack
    control: Control
    pool: Pool
    store: PostgresStore
    surface: PostgresSurface
    decisions: Decisions
    sockets: Sockets
    workspace: Workspace
    relay: Relay

    async def carried_out(self) -> None:
        """Until all that arrived was carried out; the eyes tell only that it is stored."""
        await eventually_in(self._all_handled)

    async def _all_handled(self) -> bool:
        return all(row["handled_at"] for row in await self.inbox())

    async def inbox(self) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "SELECT key, thread, handled_at FROM inbox WHERE source = 'slack' ORDER BY id"
        )
        return [dict(row) for row in rows]


def services_of(
    store: PostgresStore, decisions: Decisions, answers: Answers, shown: Any, glance: Glance
) -> Services:
    """What the listeners ask: real but for what decides."""
    unused: Any = decisions
    return Services(
        access=Access(store, RegoPolicy([POLICIES]), now, Limits()),
        conversations=Conversations(store, now, TENANT, {}),
        approvals=decisions,
        accounts=unused,
        executions=decisions,
        drafts=decisions,
        revisions=unused,
        previews=unused,
        answers=answers,
        feedback=Feedback(store, now, TENANT),
        presence=Presence(store, now),
        alerts=decisions,
        views=shown,
        library=library_of(store),
        glance=glance,
        freezes=unused,
        templates=unused,
    )


@asynccontextmanager
async def open_rig(
    dsn: str,
    *,
    views: Any = None,
    budgets: bool = False,
    work: bool = True,
    scale: float = 1.0,
    over_http: bool = False,
) -> AsyncIterator[Rig]:
    """Slack, database, app on two connections, jobs and relay."""
    async with (
        open_local_slack(budgets=budgets) as slack,
        open_control(slack.url) as control,
        pool_of(dsn) as pool,
        open_client("xoxb-local", slack.api_url) as client,
    ):
        directory = FileDirectory(PEOPLE, tenant=TENANT)
        store, surface = PostgresStore(pool, TENANT), PostgresSurface(pool, TENANT)
        decisions = Decisions()
        shown = views or Views(store, directory)
        answers = Answers(store, ServiceFile.build({}, "services"))
        writer = Writer(client, Budgets(scale=scale))
        writing = Writing(
            surface, Rendering(shown, store, answers, decisions), writer, Statuses(writer)
        )
        relay = Relay(surface, writing, "slack", "one")
        services = services_of(store, decisions, answers, shown, relay.glance)
        workspace = await sign_in(client)
        intake = open_intake(pool, TENANT, "one")
        inbox = build(
            client,
            workspace,
            store=store,
            arrivals=intake,
            directory=directory,
            services=services,
        )
        sockets = Sockets(client, "xapp-local", inbox.receive)
        desks = {SOURCE: Desk(inbox.carry_out, at_once=4)} if work else {}
        url = RequestUrl(SECRET)
        url.serve(inbox.receive)
        carried = serving(url, control) if over_http else sockets.connected()
        async with carried, intake.working(desks):
            running = asyncio.create_task(relay.run())
            try:
                await eventually(lambda: over_http or sockets.facts.connected == 2)
                yield Rig(
                    slack, control, pool, store, surface, decisions, sockets, workspace, relay
                )
            finally:
                running.cancel()
                await asyncio.wait({running}, timeout=5)


@asynccontextmanager
async def serving(url: RequestUrl, control: Control) -> AsyncIterator[str]:
    """The request URL as the sidecar serves it, and a Slack that delivers there."""
    sidecar = web.Application(middlewares=[problems])
    sidecar.router.add_post(PATH, url.handle)
    runner = web.AppRunner(sidecar, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    await control.verb("request_url", url=address, secret=SECRET)
    try:
        yield address
    finally:
        await runner.cleanup()


def library_of(store: PostgresStore) -> Library:
    """What a team writes down, with one service and no tools."""
    graph = ServiceFile.build({"services": [{"name": "checkout"}]}, "services")
    return Library(
        Knowledge(store, now, TENANT, graph, checked_title),
        Memory(store, now, TENANT, graph),
        Sessions(store, now, TENANT),
        RunbookSteps(store, CommandLines(load_tools(CATALOG)), graph, now, TENANT),
    )


@asynccontextmanager
async def pool_of(dsn: str) -> AsyncIterator[Pool]:
    """A pool that is closed at the end."""
    pool = await open_pool(dsn, size=10, statement_timeout=2, connect_timeout=5)
    try:
        yield pool
    finally:
        await pool.close()


async def eventually(fact: Callable[[], bool], within: float = 10.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within
    while not fact():
        assert time.monotonic() < end, "it did not come to be"
        await asyncio.sleep(0.02)


async def eventually_in(fact: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    """The same for what has to be asked for."""
    end = time.monotonic() + within
    while not await fact():
        assert time.monotonic() < end, "it did not come to be"
        await asyncio.sleep(0.05)
