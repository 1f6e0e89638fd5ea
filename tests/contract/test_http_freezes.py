"""What programs do about high risk and freezes over HTTP: real policy, registry and database."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.http.app import Sidecar, open_sidecar
from bot.http.drafting import Drafting
from bot.http.freezes import FreezeRecords
from engine.context.services import ServiceFile
from engine.secrets.tokens import make_token, token_hash
from engine.services.feedback import Feedback
from engine.services.freezes import Freezes
from engine.services.guards import Holds
from engine.services.requests import Requests
from engine.store.intake import open_intake
from engine.telemetry.metrics import Metrics
from tests.conftest import Database
from tests.contract.test_http_plans import ASKED, CHANNEL, GRAPH, Desk, worker
from tests.integration.room import note, open_room, plans
from tests.integration.script import TENANT

WHY = "checkout loses orders and the fix is known"
SCOPES = {
    "ci": ("plan.read", "plan.create", "freeze.read", "freeze.write"),
    "reader": ("plan.read", "freeze.read"),
    "other": ("plan.read",),
}


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_room(database, tmp_path) as room, aiohttp.ClientSession() as session:
        room.mind.answers = [plans(note())]  # nothing undoes it: in prod that is high risk
        graph = ServiceFile.parse(GRAPH)
        freezes = Freezes(room.store, room.policy, lambda: room.now, TENANT, graph)
        requests = Requests(
            room.store,
            room.conversations,
            room.revisions,
            graph,
            room.plans.tools,
            TENANT,
            CHANNEL,
        )
        feedback = Feedback(room.store, lambda: room.now, TENANT)
        tokens = {name: make_token() for name in SCOPES}
        async with room.store.begin() as unit:
            for name, token in tokens.items():
                await unit.tokens.add(name, token_hash(token), SCOPES[name])
        sidecar = Sidecar(
            room.store,
            open_intake(room.pool, TENANT, "one"),
            Metrics(),
            holding=Holds(),
            more=[
                *FreezeRecords(room.store, freezes).routes(),
                *Drafting(room.store, requests, room.drafts, feedback).routes(),
            ],
        )
        async with open_sidecar(sidecar) as at:
            yield Desk(room, session, at.url, tokens)


async def test_a_program_asks_for_break_glass_with_a_reason_and_two_people_decide(
    desk: Desk,
) -> None:
    async with worker(desk.room):
        bare, refused, _ = await desk("POST", "/plans", ASKED)
        status, body, _ = await desk("POST", "/plans", ASKED, X_Break_Glass=WHY)

    assert (bare, refused["kind"]) == (200, "refuse")
    assert "X-Break-Glass" in refused["answer"]
    assert status == 201
    needs = body["plan"]["requirements"]
    assert (needs["people"], needs["break_glass"], needs["emoji"]) == (2, True, False)
    assert needs["groups"] == [["shop-owners"], ["sre"]]
    assert await desk.room.pool.fetchval("SELECT count(*) FROM plan_versions") == 1


@pytest.mark.parametrize("reason", ["", "now", "x" * 501, "                         "])
async def test_a_reason_that_is_none_is_refused_before_anything_is_kept(
    desk: Desk, reason: str
) -> None:
    status, body, _ = await desk("POST", "/plans", ASKED, X_Break_Glass=reason)

    assert (status, await desk.drafts()) == (400, 0)
    assert "X-Break-Glass must hold the reason" in body["detail"]


async def test_a_freeze_is_set_listed_and_lifted(desk: Desk) -> None:
    ends = (desk.room.now + timedelta(hours=2)).isoformat()
    asked = {"environment": "prod", "service": "checkout", "reason": "release day", "ends_at": ends}

    status, made, headers = await desk("POST", "/freezes", asked)
    path = f"/freezes/{made['id']}"
    _, listed, _ = await desk("GET", "/freezes?open=true", who="reader")
    lifted, over, _ = await desk("DELETE", path)
    again, told, _ = await desk("DELETE", path)
    _, after, _ = await desk("GET", "/freezes?open=true")
    _, history, _ = await desk("GET", "/freezes")

    assert (status, headers["Location"], made["in_force"]) == (201, f"/v1{path}", True)
    assert made["set_by"] == {"id": "token:ci", "name": "ci"}
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    assert (lifted, over["in_force"], over["lifted_by"]) == (200, False, "ci")
    assert (again, told["detail"]) == (409, "This freeze is over already.")
    assert (after["items"], [one["id"] for one in history["items"]]) == ([], [made["id"]])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"environment": "prod"}, "reason"),
        ({"reason": "x", "environment": "prodd"}, "environment"),
        ({"reason": "x", "service": "chekout"}, "service"),
        ({"reason": "x", "ends_at": "2026-11-22T18:00:00"}, "ends_at"),
        ({"reason": "x", "ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"reason": "x", "environment": "a b"}, "environment"),
        ({"reason": "x", "scope": "all"}, "scope"),
    ],
)
async def test_a_freeze_that_is_wrong_is_told_by_field(
    desk: Desk, body: dict[str, str], path: str
) -> None:
    status, told, _ = await desk("POST", "/freezes", body)

    assert status == 400
    assert [one["path"] for one in told["errors"]] == [path]


async def test_freezing_takes_its_own_scope(desk: Desk) -> None:
    write, _, _ = await desk("POST", "/freezes", {"reason": "x"}, who="reader")
    read, _, _ = await desk("GET", "/freezes", who="other")
    missing, _, _ = await desk("GET", "/freezes/not-an-id")

    assert (write, read, missing) == (403, 403, 404)


async def test_a_plan_tells_what_holds_it(desk: Desk) -> None:
    version = await desk.room.planned()
    free = (await desk("GET", f"/plans/{version.plan_id}"))[1]["holds"]
    freeze = {"environment": "prod", "reason": "the sale of the year is on"}
    await desk("POST", "/freezes", freeze)

    _, body, _ = await desk("GET", f"/plans/{version.plan_id}")

    (held,) = body["holds"]
    assert free == []
    assert (held["kind"], held["until"]) == ("freeze", None)
    assert "the sale of the year is on" in held["text"]
