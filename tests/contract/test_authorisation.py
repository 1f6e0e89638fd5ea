"""Every route and every subcommand has an action, and is refused where the policy denies that one.

The lists come from the app itself, so whoever adds one without a row here is told.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import aiohttp
import pytest

from bot.http.app import open_sidecar
from bot.sidecar import served
from bot.slack.app import Workspace, features
from bot.slack.commands import Commands, Subcommand
from bot.slack.rights import RIGHTS
from bot.slack.services import Services
from engine.domain.policy import Answer, Deed, Question, Ruling
from engine.domain.questions import Limits
from engine.errors import NotAllowed
from engine.policy.rego import RegoPolicy
from engine.secrets.tokens import make_token, token_hash
from engine.services.access import Access
from engine.store.connection import Pool, open_pool
from engine.store.unit import PostgresStore
from engine.telemetry.metrics import Metrics
from tests.conftest import Database
from tests.unit.governing import DANA, POLICIES

SEE, ASK, RUNS, STEER = Deed.PLAN_READ, Deed.PLAN_ASK, Deed.TOOL_LIST, Deed.EXECUTION_READ
KNOW, WRITE = Deed.KNOWLEDGE_READ, Deed.KNOWLEDGE_WRITE
OPEN = "answers everybody, and tells nothing of plans or people"
HOOK = "has a token or a signature of its own"
LINK = "is opened by what is in the address"
GATE = "only people: the gate asks plan.approve and plan.reject"
ROUTES: dict[str, Deed | str] = {
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": OPEN,
    "POST /v1/hooks/alertmanager": HOOK,
    "POST /v1/oidc/logout": HOOK,
    "GET /v1/sign-in/callback": LINK,
    "GET /v1/sign-in/{secret}": LINK,
    "GET /v1/sign-in/{secret}/start": LINK,
    "GET /v1/artifacts/{id}/content": LINK,
    "POST /v1/approvals": GATE,
    "GET /v1/approvals": SEE,
    "GET /v1/plans": SEE,
    "POST /v1/plans": ASK,
    "GET /v1/plans/{id}": SEE,
    "GET /v1/plans/{id}/diff": SEE,
    "GET /v1/plans/{id}/risk": SEE,
    "GET /v1/plans/{id}/versions": SEE,
    "GET /v1/plans/{id}/versions/{version}": SEE,
    "GET /v1/plans/{id}/versions/{version}/diff": SEE,
    "POST /v1/plans/{id}/corrections": ASK,
    "PUT /v1/plans/{id}/edit": ASK,
    "POST /v1/plans/{id}/edit": ASK,
    "POST /v1/plans/{id}/feedback": Deed.FEEDBACK_GIVE,
    "POST /v1/plans/{id}:execute": STEER,
    "POST /v1/plans/{id}:withdraw": ASK,
    "POST /v1/plans/{id}:cancel": STEER,
    "GET /v1/drafts/{id}": SEE,
    "POST /v1/drafts/{id}/replies": ASK,
    "POST /v1/drafts/{id}/feedback": ASK,
    "POST /v1/drafts/{id}:confirm": ASK,
    "POST /v1/drafts/{id}:drop": ASK,
    "GET /v1/executions/{id}": STEER,
    "GET /v1/executions/{id}/logs": STEER,
    "GET /v1/executions/{id}/steps": STEER,
    "GET /v1/executions/{id}/evidence": STEER,
    "GET /v1/executions/{id}/artifacts": STEER,
    "POST /v1/executions/{id}/artifacts:keep": STEER,
    "POST /v1/executions/{id}/artifacts:release": STEER,
    "GET /v1/artifacts/{id}": STEER,
    "POST /v1/executions/{id}:run-again": ASK,
    **{
        f"POST /v1/executions/{{id}}:{verb}": STEER
        for verb in ("pause", "resume", "cancel", "hold", "rollback", "keep", "acknowledge")
    },
    **{
        f"POST /v1/executions/{{id}}/steps/{{step}}:{verb}": STEER
        for verb in ("retry", "skip", "mark-done")
    },
    "GET /v1/tools": RUNS,
    "POST /v1/tools/{tool}/{action}:run": RUNS,
    "GET /v1/tool-calls/{id}/logs": STEER,
    **{f"GET /v1/{kind}": KNOW for kind in ("runbooks", "playbooks")},
    **{f"GET /v1/{kind}/{{id}}": KNOW for kind in ("runbooks", "playbooks")},
    **{f"POST /v1/{kind}": WRITE for kind in ("runbooks", "playbooks")},
    **{f"PUT /v1/{kind}/{{id}}": WRITE for kind in ("runbooks", "playbooks")},
    **{f"DELETE /v1/{kind}/{{id}}": WRITE for kind in ("runbooks", "playbooks")},
    "GET /v1/runbooks/{id}/steps": KNOW,
    "GET /v1/memory": Deed.MEMORY_READ,
    "GET /v1/memory/{id}": Deed.MEMORY_READ,
    "POST /v1/memory": Deed.MEMORY_WRITE,
    "PUT /v1/memory/{id}": Deed.MEMORY_WRITE,
    "DELETE /v1/memory/{id}": Deed.MEMORY_WRITE,
    "GET /v1/sessions": Deed.SESSION_READ,
    "GET /v1/sessions/{id}": Deed.SESSION_READ,
    "GET /v1/sessions/{id}/members": Deed.SESSION_READ,
    "POST /v1/sessions": Deed.SESSION_WRITE,
    "PATCH /v1/sessions/{id}": Deed.SESSION_WRITE,
    "POST /v1/sessions/{id}/members": Deed.SESSION_WRITE,
    "DELETE /v1/sessions/{id}/members/{member}": Deed.SESSION_WRITE,
    "GET /v1/freezes": Deed.FREEZE_READ,
    "GET /v1/freezes/{id}": Deed.FREEZE_READ,
    "POST /v1/freezes": Deed.FREEZE_READ,
    "DELETE /v1/freezes/{id}": Deed.FREEZE_READ,
    "GET /v1/workflows": Deed.WORKFLOW_READ,
    "GET /v1/workflows/{id}": Deed.WORKFLOW_READ,
    "GET /v1/workflows/{id}/versions": Deed.WORKFLOW_READ,
    "POST /v1/workflows": Deed.WORKFLOW_WRITE,
    "PUT /v1/workflows/{id}": Deed.WORKFLOW_WRITE,
    "DELETE /v1/workflows/{id}": Deed.WORKFLOW_WRITE,
    "POST /v1/workflows/{id}:enable": Deed.WORKFLOW_WRITE,
    "POST /v1/workflows/{id}:disable": Deed.WORKFLOW_WRITE,
    "POST /v1/workflows/{id}:start": Deed.WORKFLOW_START,
    "GET /v1/audit/events": Deed.AUDIT_READ,
    "GET /v1/policy/shadow": Deed.POLICY_READ,
    "GET /v1/revocations": Deed.TOKEN_REVOKE,
    "POST /v1/revocations": Deed.TOKEN_REVOKE,
}
GUARDED = {name: deed for name, deed in ROUTES.items() if isinstance(deed, Deed)}
SCOPES = (
    *("plan.read", "plan.create", "execution.read", "execution.operate", "tool.read", "tool.run"),
    *(
        f"{noun}.{verb}"
        for noun in ("runbook", "playbook", "memory", "session", "workflow", "freeze")
        for verb in ("read", "write")
    ),
    *("audit.read", "policy.read", "token.revoke"),
)


@dataclass
class Denying:
    """Our rules, but for one action that nobody may do."""

    rules: RegoPolicy
    deed: Deed | None = None
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Ruling:
        self.asked.append(question)
        if question.action is self.deed:
            return Ruling(id="1", decision=Answer.DENY, reasons=("Nobody may.",))
        return await self.rules.ask(question)


@dataclass
class Desk:
    """The whole sidecar; behind its doors there is nothing but stand-ins."""

    pool: Pool
    policy: Denying
    access: Access
    engine: Any
    url: str
    tokens: dict[str, str]

    async def ask(self, route: str, token: str) -> int:
        method, path = route.split(" ")
        for part in ("id", "version", "step", "tool", "action", "member", "secret"):
            path = path.replace(f"{{{part}}}", "1")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, json={}) as response,
        ):
            return response.status


def routes(engine: Any) -> Any:
    nothing = MagicMock(routes=lambda _: ())
    return served(MagicMock(), engine, MagicMock(), MagicMock(), None, nothing)


@pytest.fixture(scope="module")
def rules() -> RegoPolicy:
    return RegoPolicy([POLICIES])


@pytest.fixture
async def desk(database: Database, rules: RegoPolicy, tmp_path: Path) -> AsyncIterator[Desk]:
    pool = await open_pool(database.app_dsn, size=4, statement_timeout=5, connect_timeout=5)
    store, policy = PostgresStore(pool, "default"), Denying(rules)
    tokens = {"all": make_token(), "none": make_token()}
    async with store.begin() as unit:
        await unit.tokens.add("all", token_hash(tokens["all"]), SCOPES)
        await unit.tokens.add("none", token_hash(tokens["none"]), ())
    access = Access(store, policy, lambda: datetime.now(UTC), Limits())
    engine = MagicMock(store=store, access=access, metrics=Metrics())
    async with open_sidecar(routes(engine)) as at:
        yield Desk(pool, policy, access, engine, at.url, tokens)
    await pool.close()


def test_every_route_of_the_app_has_a_row() -> None:
    app = routes(MagicMock()).app()
    found = [
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.method != "HEAD"
    ]

    assert sorted(set(found)) == sorted(ROUTES)


async def test_no_route_opens_where_the_policy_denies_its_action(desk: Desk) -> None:
    wrong = []
    for route, deed in GUARDED.items():
        desk.policy.deed, desk.policy.asked = deed, []
        status = await desk.ask(route, desk.tokens["all"])
        who = [(one.action, one.actor.id) for one in desk.policy.asked]
        if status != 403 or who != [(deed, "token:all")]:
            wrong.append((route, status, who))

    assert wrong == []
    denied = await desk.pool.fetch(
        "SELECT DISTINCT action FROM audit WHERE actor = 'token:all' AND decision = 'deny'"
    )
    assert {row["action"] for row in denied} == {deed.value for deed in GUARDED.values()}


async def test_no_route_opens_without_its_scope_or_without_a_token(desk: Desk) -> None:
    closed = {
        route: (await desk.ask(route, desk.tokens["none"]), await desk.ask(route, ""))
        for route in GUARDED
    }

    assert {route: found for route, found in closed.items() if found != (403, 401)} == {}
    assert desk.policy.asked == []
    assert await desk.ask("POST /v1/approvals", desk.tokens["all"]) == 403
    assert await desk.ask("POST /v1/approvals", "") == 401


async def test_with_its_scope_and_the_rules_as_they_are_every_door_opens(desk: Desk) -> None:
    for route in GUARDED:
        await desk.ask(route, desk.tokens["all"])

    refused = await desk.pool.fetch("SELECT action FROM audit WHERE decision = 'deny'")
    assert [row["action"] for row in refused] == []
    assert {one.action for one in desk.policy.asked} == set(GUARDED.values())


def subcommands() -> tuple[Subcommand, ...]:
    unused: Any = MagicMock()
    unused.examples.return_value = []
    services = Services(**{each.name: unused for each in fields(Services)})
    workspace = Workspace("T0LOCAL", "U0BOT", "B0BOT", "Acme", "https://acme.example/")
    found = features(unused, workspace, unused, unused, services)
    (commands,) = (one for one in found if isinstance(one, Commands))
    return tuple(commands.table)


def test_every_subcommand_has_a_right_and_each_verb_is_one() -> None:
    usages = {one.name: one.usage for one in subcommands()}

    assert usages.keys() == RIGHTS.keys()
    for name, right in RIGHTS.items():
        for verb in right.verbs:
            assert verb in usages[name], (name, verb)


async def test_no_subcommand_answers_where_the_policy_denies_its_action(desk: Desk) -> None:
    answer = AsyncMock(return_value="")
    table = [Subcommand(one.usage, one.about, answer) for one in subcommands()]
    door = MagicMock(member=AsyncMock(return_value=DANA))
    commands = Commands(door, table, "", desk.access)
    for name, right in RIGHTS.items():
        for verb, deed in {"": right.usual, **right.verbs}.items():
            desk.policy.deed = deed
            text = f"{name} {verb} x" if verb else name
            body = {"text": text, "user_id": "U0DANA", "team_id": "T0LOCAL", "channel_id": "C1"}
            with pytest.raises(NotAllowed, match="Nobody may"):
                await commands.answer(MagicMock(body=body))

    assert answer.await_count == 0
    assert {one.actor.id for one in desk.policy.asked} == {DANA.id}
