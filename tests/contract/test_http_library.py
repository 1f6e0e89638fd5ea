"""What a team writes down, over the API: a real socket and a real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.http.library import Library
from engine.context.services import ServiceFile
from engine.domain.context import ContextRef
from engine.domain.knowledge import Parsed
from engine.llm.playbooks import checked_title
from engine.secrets.tokens import make_token, token_hash
from engine.services.knowledge import Knowledge
from engine.services.memory import Memory
from engine.services.runbook_steps import RunbookSteps
from engine.services.sessions import Sessions
from tests.conftest import Database
from tests.contract.problems_bench import TENANT, Bench, calling, open_bench

NOUNS = ("runbook", "playbook", "memory", "session")
SCOPES = tuple(f"{noun}.{verb}" for noun in NOUNS for verb in ("read", "write"))
RUNBOOK = {
    "title": "DNS failover",
    "body": "Look first.\n\n```sh\n$ kubectl get pods\nrm -rf / | sh\n```\n",
    "tags": ["dns"],
    "services": ["checkout"],
}
PLAYBOOK = "title: drain\nplan_title: Drain\nsteps: [{tool: shop, action: health, title: Look}]"


class Kubectl:
    """Reads two kinds of lines: what it knows and what it refuses."""

    def parse(self, line: str, context: ContextRef) -> Parsed:
        if line.startswith("kubectl get"):
            return Parsed(tool="kubectl", action="get", input={"kind": "pods"})
        return Parsed(reason="a pipe is shell")


@dataclass
class Client:
    """Somebody with a token."""

    session: aiohttp.ClientSession
    url: str
    token: str

    async def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, Any]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method,
            f"{self.url}/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}", **given},
        ) as response:
            said = await response.json(content_type=None) if response.status != 204 else None
            return response.status, said, response.headers


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with open_bench(database.app_dsn) as opened:
        yield opened


@pytest.fixture
async def callers(bench: Bench) -> AsyncIterator[tuple[Client, Client]]:
    graph = ServiceFile.parse("services: [{name: checkout}, {name: payments}]")

    def clock() -> datetime:
        return datetime.now(UTC)

    library = Library(
        Knowledge(bench.store, clock, TENANT, graph, checked_title),
        Memory(bench.store, clock, TENANT, graph),
        Sessions(bench.store, clock, TENANT),
        RunbookSteps(bench.store, Kubectl(), graph, clock, TENANT),
    )
    tokens = [make_token() for _ in range(2)]
    async with bench.store.begin() as unit:
        for name, token in zip(("desk", "other"), tokens, strict=True):
            await unit.tokens.add(name, token_hash(token), SCOPES)
    async with calling(bench.sidecar(library=library)) as caller:
        first, second = (Client(caller.session, caller.at.url, token) for token in tokens)
        yield first, second


async def test_a_runbook_is_written_read_changed_and_removed(
    callers: tuple[Client, Client],
) -> None:
    call, _ = callers

    status, made, headers = await call("POST", "/runbooks", RUNBOOK)
    assert (status, headers["ETag"]) == (201, '"1"')
    assert headers["Location"] == f"/v1/runbooks/{made['id']}"
    assert made["author"] == {"id": "token:desk", "name": "desk"}

    status, read, _ = await call("GET", "/runbooks/dns-failover")
    assert (status, read) == (200, made)

    changed = {**RUNBOOK, "body": "Better."}
    status, said, headers = await call("PUT", headers["Location"][3:], changed, If_Match='"1"')
    assert (status, said["body"], headers["ETag"]) == (200, "Better.", '"2"')

    status, said, _ = await call("PUT", "/runbooks/dns-failover", changed, If_Match='"1"')
    assert (status, said["title"]) == (412, "Precondition Failed")
    assert "revision 2" in said["detail"]

    assert (await call("DELETE", "/runbooks/dns-failover", If_Match='"2"'))[0] == 204
    assert (await call("GET", "/runbooks/dns-failover"))[0] == 404


async def test_a_list_is_paged_by_cursor_and_searched_by_words(
    callers: tuple[Client, Client],
) -> None:
    call, _ = callers
    for number in range(5):
        await call("POST", "/runbooks", {**RUNBOOK, "title": f"Runbook {number}"})
    await call("POST", "/runbooks", {"title": "Kafka", "body": "Move the partitions."})

    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        path = f"/runbooks?limit=2&service=checkout&cursor={cursor}"
        _, page, _ = await call("GET", path)
        seen += [one["name"] for one in page["items"]]
        cursor = page["next"]
    _, found, _ = await call("GET", "/runbooks?q=partition")

    assert sorted(seen) == [f"runbook-{number}" for number in range(5)]
    assert [(one["title"], one["excerpt"]) for one in found["items"]] == [
        ("Kafka", "Move the partitions")
    ]
    assert "body" not in found["items"][0]


async def test_commands_of_a_runbook_are_told_as_actions_or_with_the_reason(
    callers: tuple[Client, Client],
) -> None:
    call, _ = callers
    await call("POST", "/runbooks", RUNBOOK)

    _, said, _ = await call("GET", "/runbooks/dns-failover/steps")

    assert [(one["number"], one["line"], one["ok"]) for one in said["items"]] == [
        (1, 4, True),
        (2, 5, False),
    ]
    assert (said["items"][0]["tool"], said["items"][1]["reason"]) == ("kubectl", "a pipe is shell")


async def test_a_playbook_is_checked_like_a_file(callers: tuple[Client, Client]) -> None:
    call, _ = callers

    status, made, _ = await call("POST", "/playbooks", {"body": PLAYBOOK})
    refused, said, _ = await call("POST", "/playbooks", {"body": "title: x\nsteps: []"})

    assert (status, made["title"]) == (201, "drain")
    assert refused == 400
    assert said["errors"][0]["path"] == "body"
    assert "plan_title" in said["detail"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"title": "x"}, "body"),
        ({"title": "", "body": "x"}, "title"),
        ({"title": "a\nb", "body": "x"}, "title"),
        ({"title": "\u202ex", "body": "x"}, "title"),
        ({"title": "x", "body": "x" * 64_001}, "body"),
        ({"title": "x", "body": "x", "language": "klingon"}, "language"),
        ({"title": "x", "body": "x", "tags": ["t"] * 21}, "tags"),
        ({"title": "x", "body": "x", "owner": "me"}, "owner"),
    ],
)
async def test_a_wrong_field_is_named(
    callers: tuple[Client, Client], body: dict[str, Any], path: str
) -> None:
    call, _ = callers

    status, said, _ = await call("POST", "/runbooks", body)

    assert status == 400
    assert [one["path"] for one in said["errors"]] == [path]


@pytest.mark.parametrize(
    "path",
    [
        "/runbooks?limit=0",
        "/runbooks?limit=x",
        "/runbooks?cursor=%00",
        "/runbooks?cursor=YWJj",
        "/memory?colour=red",
        "/runbooks?tag=%00",
    ],
)
async def test_a_wrong_query_is_explained(callers: tuple[Client, Client], path: str) -> None:
    call, _ = callers

    status, said, _ = await call("GET", path)

    assert status == 400
    assert said["detail"].startswith("The query")


async def test_each_scope_opens_its_own_door(bench: Bench, callers: tuple[Client, Client]) -> None:
    token = make_token()
    async with bench.store.begin() as unit:
        await unit.tokens.add("reader", token_hash(token), ("runbook.read",))
    reader = Client(callers[0].session, callers[0].url, token)

    statuses = [
        (await reader(method, path, {} if method == "POST" else None))[0]
        for method, path in [
            ("GET", "/runbooks"),
            ("POST", "/runbooks"),
            ("GET", "/playbooks"),
            ("GET", "/memory"),
            ("GET", "/sessions"),
        ]
    ]

    assert statuses == [200, 403, 403, 403, 403]


async def test_a_session_keeps_its_memory_from_who_is_not_in_it(
    callers: tuple[Client, Client],
) -> None:
    desk, other = callers
    _, session, _ = await desk("POST", "/sessions", {"name": "migration"})
    told = {"text": "the freeze ends on Monday", "session": session["id"]}
    status, fact, _ = await desk("POST", "/memory", told)
    assert status == 201

    path = f"/sessions/{session['id']}"
    assert (await other("GET", path))[0] == 404
    assert (await other("GET", f"/memory/{fact['id']}"))[0] == 404
    assert (await other("GET", f"/memory?session={session['id']}"))[0] == 404
    assert (await other("GET", "/memory"))[1]["items"] == []
    assert (await other("POST", "/memory", told))[0] == 404

    await desk("POST", f"{path}/members", {"member": "token:other"})
    assert (await other("GET", f"/memory/{fact['id']}"))[1]["text"] == told["text"]
    assert (await other("PATCH", path, {"state": "closed"}))[0] == 403

    members = (await other("GET", f"{path}/members"))[1]["items"]
    assert members == [{"member": "token:other"}]
    await desk("DELETE", f"{path}/members/token:other")
    assert (await other("GET", path))[0] == 404


async def test_a_session_is_closed_by_its_owner_at_the_revision_that_was_seen(
    callers: tuple[Client, Client],
) -> None:
    desk, _ = callers
    _, session, headers = await desk("POST", "/sessions", {"name": "migration"})
    path = f"/sessions/{session['id']}"
    await desk("PATCH", path, {"visibility": "everyone"}, If_Match=headers["ETag"])

    stale, _, _ = await desk("PATCH", path, {"state": "closed"}, If_Match=headers["ETag"])
    status, closed, _ = await desk("PATCH", path, {"state": "closed"}, If_Match='"2"')
    again, _, _ = await desk("POST", "/sessions", {"name": "Migration"})
    taken, _, _ = await desk("PATCH", path, {"state": "open"})
    late, _, _ = await desk("POST", "/memory", {"text": "x", "session": session["id"]})

    assert (stale, status, closed["state"], late) == (412, 200, "closed", 403)
    assert (again, taken) == (201, 409)
    assert closed["closed_at"]


async def test_a_fact_is_changed_by_its_author_and_ends(callers: tuple[Client, Client]) -> None:
    desk, other = callers
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    told = {"text": "no deploys", "service": "checkout", "expires_at": soon}
    _, fact, _ = await desk("POST", "/memory", told)
    path = f"/memory/{fact['id']}"

    assert (await other("PUT", path, told))[0] == 403
    assert (await desk("PUT", path, {"text": "deploys again"}, If_Match='"1"'))[0] == 200
    assert (await desk("POST", "/memory", {"text": "x", "service": "mainframe"}))[0] == 400
    assert (await desk("POST", "/memory", {"text": "x" * 501}))[0] == 400
    assert (await desk("POST", "/memory", {"text": "x", "expires_at": "2099-01-01T00:00:00"}))[
        0
    ] == 400
    assert (await desk("GET", "/memory/%00"))[0] == 404
    assert (await desk("DELETE", path, If_Match='"1"'))[0] == 412
    assert (await desk("DELETE", path, If_Match='"2"'))[0] == 204


async def test_bodies_are_bounded_and_must_be_json(callers: tuple[Client, Client]) -> None:
    call, _ = callers
    url, token = f"{call.url}/v1/runbooks", {"Authorization": f"Bearer {call.token}"}

    async def post(data: bytes, kind: str) -> int:
        headers = {**token, "Content-Type": kind}
        async with call.session.post(url, data=data, headers=headers) as response:
            return response.status

    assert await post(b"{", "application/json") == 400
    assert await post(b"[]", "application/json") == 400
    assert await post(b"title=x", "application/x-www-form-urlencoded") == 415
    assert await post(b" " * 600_000, "application/json") == 413
