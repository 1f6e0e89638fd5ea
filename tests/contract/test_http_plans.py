"""What people do in a thread, a program does over HTTP: real policy, registry and database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from bot.http.app import Sidecar, open_sidecar
from bot.http.drafting import Drafting
from bot.http.plans import PlanRecords
from engine.context.services import ServiceFile
from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.approval import Verdict
from engine.domain.draft import Outcome, OutcomeKind
from engine.domain.ids import PersonId, PlanId
from engine.domain.plan import Origin
from engine.domain.session import SessionWords, Visibility
from engine.errors import NotAllowed
from engine.secrets.tokens import make_token, token_hash
from engine.services.feedback import Feedback
from engine.services.requests import Requests
from engine.services.sessions import Sessions
from engine.store.intake import open_intake
from engine.telemetry.metrics import Metrics
from tests.conftest import Database
from tests.integration.room import Room, level, open_room, plans, write
from tests.integration.script import HEAD, REMOTE, TENANT, good
from tests.unit.governing import ANN
from tests.unit.governing import PROD as PLACE

CHANNEL = "C0INC"
GRAPH = """
environments: {prod: {clusters: [eu-1, us-1]}, staging: {clusters: [eu-9]}}
services:
- {name: checkout, namespace: shop, environments: [prod, staging], aliases: [shop checkout]}
- {name: cart, namespace: shop, environments: [staging]}
"""
PROD = {"environment": "prod", "cluster": "eu-1", "service": "checkout"}
ASKED = {"intent": "set the pool of checkout to 5", "context": PROD}
STEP = {
    "tool": "git",
    "action": "set_value",
    "input": {
        "remote": REMOTE,
        "branch": "main",
        "path": "settings.yaml",
        "key": "pool",
        "value": "7",
    },
}


@dataclass
class Desk:
    """A program at work, and the room that it works in."""

    room: Room
    session: aiohttp.ClientSession
    url: str
    tokens: dict[str, str]

    async def __call__(
        self, method: str, path: str, body: Any = None, *, who: str = "ci", **headers: str
    ) -> tuple[int, Any, Any]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method,
            f"{self.url}/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.tokens[who]}", **given},
        ) as response:
            return response.status, await response.json(content_type=None), response.headers

    async def notes(self) -> list[str]:
        rows = await self.room.pool.fetch(
            "SELECT body::json ->> 'text' AS said FROM posts WHERE kind = 'note' ORDER BY id"
        )
        return [row["said"] for row in rows]

    async def drafts(self) -> int:
        return int(await self.room.pool.fetchval("SELECT count(*) FROM drafts"))


@asynccontextmanager
async def worker(room: Room) -> AsyncIterator[None]:
    """Carries out every request that waits, as the worker's process does."""

    async def work() -> None:
        while True:
            async with room.store.begin() as unit:
                waiting = await unit.drafts.open_ids()
            for draft_id, _ in waiting:
                await room.drafts.look(draft_id)
                await room.drafts.propose(draft_id)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_room(database, tmp_path) as room, aiohttp.ClientSession() as session:
        room.mind.answers = [plans(write("5"), level())]
        room.script.says("git.head", good(head=HEAD))
        requests = Requests(
            room.store,
            room.conversations,
            room.revisions,
            ServiceFile.parse(GRAPH),
            room.plans.tools,
            TENANT,
            CHANNEL,
        )
        feedback = Feedback(room.store, lambda: room.now, TENANT)
        tokens = {name: make_token() for name in ("ci", "other", "reader")}
        async with room.store.begin() as unit:
            for name, token in tokens.items():
                scopes = ("plan.read",) if name == "reader" else ("plan.read", "plan.create")
                await unit.tokens.add(name, token_hash(token), scopes)
        sidecar = Sidecar(
            room.store,
            open_intake(room.pool, TENANT, "one"),
            Metrics(),
            previews=room.previews,
            more=[
                *PlanRecords(room.store, feedback).routes(),
                *Drafting(room.store, requests, room.drafts, feedback).routes(),
            ],
        )
        async with open_sidecar(sidecar) as at:
            yield Desk(room, session, at.url, tokens)


async def test_a_request_becomes_a_plan_whose_card_people_see_and_decide(desk: Desk) -> None:
    async with worker(desk.room):
        status, said, headers = await desk("POST", "/plans", ASKED)

    plan = said["plan"]
    assert (status, said["kind"], plan["state"]) == (201, "plan", "waiting")
    assert headers["Location"] == f"/v1/plans/{said['plan_id']}"
    assert said["created_at"] == plan["created_at"]
    assert plan["requester"] == {"id": "token:ci", "name": "ci"}
    assert (plan["origin"], plan["requirements"]["people"]) == ("api", 1)
    assert await desk.notes() == ["ci asks: “set the pool of checkout to 5”"]
    assert await desk.room.posts("plan") == 1
    version = await current(desk, said["plan_id"])
    decided = await desk.room.approve(version)
    assert decided.complete
    again = await desk("GET", f"/drafts/{said['draft_id']}")
    assert (again[0], again[1]["plan"]["state"]) == (200, "approved")


async def test_the_program_that_asked_never_approves(desk: Desk) -> None:
    async with worker(desk.room):
        _, said, _ = await desk("POST", "/plans", ASKED)
    program = Actor(kind=ActorKind.SERVICE, id=PersonId("token:ci"), name="ci")

    with pytest.raises(NotAllowed):
        await desk.room.gate.decide(
            program, PlanId(said["plan_id"]), 1, Verdict.APPROVE, surface=Surface.API
        )


def test_no_person_is_named_like_a_program() -> None:
    with pytest.raises(ValidationError, match="a person can't have the id token:ci"):
        Actor(id=PersonId("token:ci"), name="ci", groups=("sre",))


async def test_what_takes_longer_is_found_under_its_location(desk: Desk) -> None:
    status, said, headers = await desk("POST", "/plans", ASKED, Prefer="wait=0")
    path = headers["Location"].removeprefix("/v1")
    before = await desk("GET", path)
    async with worker(desk.room):
        after = await desk("GET", path, Prefer="respond-async, wait=10")

    assert (status, said["kind"], path) == (202, "drafting", f"/drafts/{said['draft_id']}")
    assert headers["Retry-After"] == "1"
    assert before[1]["kind"] == "drafting"
    assert (after[0], after[1]["kind"], after[1]["version"]) == (200, "plan", 1)


async def test_an_answer_a_question_back_and_a_refusal_are_told_as_such(desk: Desk) -> None:
    ask = Outcome(kind=OutcomeKind.QUESTION, text="Which one?", choices=("pods", "instance"))
    answers = Outcome(kind=OutcomeKind.ANSWER, text="All is well.")
    refuses = Outcome(kind=OutcomeKind.REFUSE, text="Not without a service.")
    desk.room.mind.answers = [ask, answers, refuses]

    async with worker(desk.room):
        asked = await desk("POST", "/plans", ASKED)
        told = await desk("POST", f"/drafts/{asked[1]['draft_id']}/replies", {"text": "is it up?"})
        refused = await desk("POST", "/plans", ASKED)

    assert [one[0] for one in (asked, told, refused)] == [200, 200, 200]
    assert (asked[1]["kind"], asked[1]["choices"]) == ("ask", ["pods", "instance"])
    assert (told[1]["kind"], told[1]["answer"]) == ("question", "All is well.")
    assert told[1]["evidence"] == []
    assert (refused[1]["kind"], refused[1]["answer"]) == ("refuse", "Not without a service.")
    assert "ci says: “is it up?”" in await desk.notes()


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["intent"]),
        ({"intent": "  "}, ["intent"]),
        ({"intent": "x", "because": "y"}, ["because"]),
        ({"intent": "x", "context": {"environment": ""}}, ["context.environment"]),
        ({"intent": "x", "context": {"tenant": "other"}}, ["context.tenant"]),
        ({"intent": "x", "context": {"environment": "qa"}}, ["context.environment"]),
        ({"intent": "x", "context": {"service": "billing"}}, ["context.service"]),
        (
            {"intent": "x", "context": {"service": "cart", "environment": "prod"}},
            ["context.environment"],
        ),
        ({"intent": "x", "context": {**PROD, "cluster": "eu-9"}}, ["context.cluster"]),
        ({"intent": "x", "context": {**PROD, "namespace": "kube"}}, ["context.namespace"]),
        (
            {"intent": "x", "context": PROD, "constraints": {"environments": ["staging"]}},
            ["constraints.environments"],
        ),
        ({"intent": "x", "constraints": {"max_targets": 0}}, ["constraints.max_targets"]),
        ({"intent": "x", "session": "nowhere"}, ["session"]),
        ({"intent": "x", "steps": [STEP]}, ["context.environment", "context.service"]),
        (
            {**ASKED, "steps": [{**STEP, "action": "sing"}]},
            ["steps.0.action"],
        ),
        (
            {**ASKED, "steps": [{**STEP, "input": {**STEP["input"], "path": "../x"}}]},  # type: ignore[dict-item]
            ["steps.0.input.path"],
        ),
    ],
)
async def test_each_wrong_field_is_named_and_nothing_is_begun(
    desk: Desk, body: dict[str, Any], paths: list[str]
) -> None:
    status, said, headers = await desk("POST", "/plans", body)

    assert (status, headers["Content-Type"]) == (400, "application/problem+json")
    assert [one["path"] for one in said["errors"]] == paths, said
    assert await desk.drafts() == 0


async def test_words_that_contradict_the_fields_make_no_plan(desk: Desk) -> None:
    async with worker(desk.room):
        _, said, _ = await desk("POST", "/plans", {**ASKED, "context": {"environment": "staging"}})
        limited = {"intent": "x", "constraints": {"environments": ["staging"]}}
        _, beyond, _ = await desk("POST", "/plans", limited)

    assert said["kind"] == beyond["kind"] == "refuse"
    assert "context.environment is staging, and the words ask for prod" in said["answer"]
    assert "limited to staging" in beyond["answer"]
    assert await desk.room.posts("plan") == 0


async def test_a_repeated_key_asks_once_and_another_request_with_it_is_refused(desk: Desk) -> None:
    async with worker(desk.room):
        first, repeated = await asyncio.gather(
            desk("POST", "/plans", ASKED, Idempotency_Key="deploy-7"),
            desk("POST", "/plans", ASKED, Idempotency_Key="deploy-7"),
        )
        changed = {**ASKED, "intent": "something else"}
        other = await desk("POST", "/plans", changed, Idempotency_Key="deploy-7")
        theirs = await desk("POST", "/plans", changed, who="other", Idempotency_Key="deploy-7")
        wrong = await desk("POST", "/plans", ASKED, Idempotency_Key="a b")

    assert first[0] == repeated[0] == theirs[0] == 201
    assert first[1] == repeated[1]
    assert (other[0], wrong[0]) == (409, 400)
    assert await desk.drafts() == 2


async def test_steps_of_the_caller_skip_the_planner_and_nothing_else(desk: Desk) -> None:
    async with worker(desk.room):
        status, said, _ = await desk("POST", "/plans", {**ASKED, "steps": [STEP]})

    version = await current(desk, said["plan_id"])
    assert (status, desk.room.mind.asked) == (201, 0)
    assert version.steps[0].call.input["expected_head"] == HEAD, "what is pinned is read"
    assert version.steps[0].rollback is not None
    assert (version.risk.word, version.requirements.people) == ("medium", 1)
    assert (version.origin, version.planner) == (Origin.API, "ci")
    assert version.digest


async def test_a_correction_makes_the_next_version_and_says_so_in_the_thread(desk: Desk) -> None:
    desk.room.mind.answers = [plans(write("5")), plans(write("6"))]
    async with worker(desk.room):
        _, made, _ = await desk("POST", "/plans", ASKED)
        path = f"/plans/{made['reference']}"
        status, said, _ = await desk("POST", f"{path}/corrections", {"text": "use 6"}, who="other")
        edited = await desk(
            "PUT", f"{path}/edit", {"version": 2, "steps": {"1": {"value": "8"}}}, who="other"
        )
        same = await desk("PUT", f"{path}/edit", {"version": 3, "steps": {"1": {"value": "8"}}})
        old = await desk("PUT", f"{path}/edit", {"version": 1, "steps": {"1": {"value": "9"}}})

    assert (status, said["version"], said["plan_id"]) == (201, 2, made["plan_id"])
    assert (edited[0], edited[1]["version"]) == (201, 3)
    assert (same[0], same[1]["errors"][0]["path"]) == (400, "steps.1.value")
    assert old[0] == 409
    assert "other says: “use 6”" in await desk.notes()
    version = await current(desk, made["plan_id"])
    assert version.requester == "token:ci"
    assert "token:other" in version.editors
    _, versions, _ = await desk("GET", f"{path}/versions")
    assert [(one["version"], one["state"]) for one in versions["items"]] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "waiting"),
    ]
    _, second, _ = await desk("GET", f"{path}/versions/2")
    assert (second["version"], second["plan_id"]) == (2, made["plan_id"])


async def test_what_the_program_ruled_out_stays_ruled_out_for_corrections(desk: Desk) -> None:
    limited = {**ASKED, "constraints": {"environments": ["prod"], "max_targets": 1}}
    staging = PLACE.model_copy(update={"environment": "staging"})
    desk.room.mind.answers = [plans(write("5")), plans(write("5"), context=staging)]
    async with worker(desk.room):
        _, made, _ = await desk("POST", "/plans", limited)
        path = f"/plans/{made['plan_id']}/corrections"
        _, moved, _ = await desk("POST", path, {"text": "in staging"}, who="other")

    assert moved["kind"] == "refuse"
    assert "limited to prod, and the plan would act in staging" in moved["answer"]
    version = await current(desk, made["plan_id"])
    assert (version.version, version.constraints.max_targets) == (1, 1)


async def test_a_dry_run_is_told_with_its_address(desk: Desk) -> None:
    dry = Outcome(kind=OutcomeKind.ANSWER, dry_run=True)
    desk.room.mind.answers = [plans(write("5")), dry]
    async with worker(desk.room):
        _, made, _ = await desk("POST", "/plans", ASKED)
        path = f"/plans/{made['plan_id']}/corrections"
        _, told, _ = await desk("POST", path, {"text": "dry run first"})

    assert told["answer"].endswith(f"/v1/plans/{made['plan_id']}/diff.")
    shown = await desk("GET", f"/plans/{made['plan_id']}/diff")
    assert (shown[0], len(shown[1]["steps"])) == (200, 1)


async def test_a_correction_that_ends_an_approval_asks_the_program_first(desk: Desk) -> None:
    async with worker(desk.room):
        _, made, _ = await desk("POST", "/plans", ASKED)
        await desk.room.approve(await current(desk, made["plan_id"]), ANN)
        path = f"/plans/{made['plan_id']}/corrections"
        desk.room.mind.answers = [plans(write("6"))]
        _, asks, _ = await desk("POST", path, {"text": "use 6"})
        _, asks_again, _ = await desk("POST", path, {"text": "use 6, please"})
        dropped = await desk("POST", f"/drafts/{asks_again['draft_id']}:drop")
        theirs = await desk("POST", f"/drafts/{asks['draft_id']}:confirm", who="other")
        status, confirmed, _ = await desk("POST", f"/drafts/{asks['draft_id']}:confirm")

    assert asks["kind"] == "confirm"
    assert "Ann's approval of v1 ends" in asks["answer"]
    assert (dropped[0], dropped[1]["kind"]) == (200, "remark")
    assert theirs[0] == 404
    assert (status, confirmed["version"]) == (201, 2)
    assert await desk.room.posts("whisper") == 0, "no person was asked"


async def test_plans_are_listed_by_page_state_and_service(desk: Desk) -> None:
    async with worker(desk.room):
        made = [(await desk("POST", "/plans", ASKED))[1]["reference"] for _ in range(3)]
        await desk.room.approve(await current(desk, made[0]), ANN)

    _, first, _ = await desk("GET", "/plans?limit=2", who="reader")
    _, rest, _ = await desk("GET", f"/plans?limit=2&cursor={first['next']}", who="reader")
    _, approved, _ = await desk("GET", "/plans?state=approved", who="reader")
    _, none, _ = await desk("GET", "/plans?service=cart", who="reader")
    _, all_, _ = await desk("GET", "/plans?service=checkout&state=waiting", who="reader")
    wrong = await desk("GET", "/plans?state=odd", who="reader")

    shown = [one["reference"] for one in first["items"] + rest["items"]]
    assert (shown, rest["next"]) == (made[::-1], None)
    assert [one["reference"] for one in approved["items"]] == made[:1]
    assert (none["items"], len(all_["items"])) == ([], 2)
    assert (wrong[0], wrong[1]["errors"][0]["path"]) == (400, "state")


async def test_risk_is_told_with_its_reasons_and_a_thumb_is_kept(desk: Desk) -> None:
    async with worker(desk.room):
        _, made, _ = await desk("POST", "/plans", ASKED)
        path = f"/plans/{made['plan_id']}"
        _, risk, _ = await desk("GET", f"{path}/risk", who="reader")
        rated = await desk("POST", f"{path}/feedback", {"verdict": "down", "words": "too much"})

    assert (risk["risk"], risk["requirements"]["people"]) == ("medium", 1)
    assert risk["reasons"]
    assert [one["effect"] for one in risk["steps"]] == ["write", "read"]
    assert (rated[0], rated[1]["subject"]) == (200, f"plan:{made['plan_id']}:1")


async def test_asking_needs_its_scope_and_what_others_asked_is_not_found(desk: Desk) -> None:
    refused = await desk("POST", "/plans", ASKED, who="reader")
    _, said, _ = await desk("POST", "/plans", ASKED, Prefer="wait=0")
    theirs = await desk("GET", f"/drafts/{said['draft_id']}", who="other")
    odd = await desk("GET", "/drafts/P-1001")
    unknown = await desk("POST", "/plans/P-9999/corrections", {"text": "use 6"})

    assert (refused[0], theirs[0], odd[0], unknown[0]) == (403, 404, 404, 404)


async def test_a_session_takes_the_programs_that_are_its_members(desk: Desk) -> None:
    sessions = Sessions(desk.room.store, lambda: desk.room.now, TENANT)
    words = SessionWords(name="quiet", visibility=Visibility.MEMBERS, members=("token:ci",))
    session = await sessions.open(ANN, words)

    async with worker(desk.room):
        inside = await desk("POST", "/plans", {**ASKED, "session": "quiet"})
        outside = await desk("POST", "/plans", {**ASKED, "session": "quiet"}, who="other")

    assert (inside[0], inside[1]["plan"]["session"]) == (201, session.id)
    assert (outside[0], outside[1]["errors"][0]["path"]) == (400, "session")


async def current(desk: Desk, name: str) -> Any:
    async with desk.room.store.begin() as unit:
        return await unit.plans.current(await unit.plans.find(name))
