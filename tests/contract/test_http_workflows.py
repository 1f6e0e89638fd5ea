"""Workflows over the API: a real socket, database, policy and registry."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from bot.http.app import Sidecar, open_sidecar
from bot.http.workflows import WorkflowRoutes
from engine.context.services import ServiceFile
from engine.domain.actor import Actor, Surface
from engine.domain.approval import Verdict
from engine.domain.ids import PlanId
from engine.domain.wanted import Wanted
from engine.errors import NotAllowed
from engine.llm.picked import Picking
from engine.secrets.tokens import make_token, token_hash
from engine.services.requests import Requests
from engine.services.templates import Start, Templates, about
from engine.store.intake import open_intake
from engine.telemetry.metrics import Metrics
from engine.templates.loading import digest_of
from engine.templating import Checking, shelf
from tests.conftest import Database
from tests.contract.test_http_plans import CHANNEL, GRAPH, worker
from tests.integration.room import Room, open_room
from tests.integration.script import TENANT, good
from tests.unit.governing import ANN, BO, DANA

PLACE = {"environment": "staging", "service": "checkout"}
NOTE = """
workflow: take_note
title: Take a note
input:
  how_many: {type: integer, max: 9}
evidence:
  - {name: level, tool: desk, action: look, title: the level}
plan_title: Note {input.how_many} for {service.name}
why: "The level is {evidence.level.level}."
steps:
  - {tool: desk, action: note, title: Note, no_rollback: a note stays}
  - {tool: desk, action: look, title: Look, expect: {output: level, value: fine}}
"""


@dataclass
class Desk:
    """A program, the catalog and the room that it works in."""

    room: Room
    templates: Templates
    session: aiohttp.ClientSession
    url: str
    tokens: dict[str, str]

    async def __call__(
        self, method: str, path: str, body: Any = None, *, who: str = "ci", **headers: str
    ) -> tuple[int, Any, Any]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method,
            f"{self.url}/v1/workflows{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.tokens[who]}", **given},
        ) as response:
            said = await response.json(content_type=None) if response.status != 204 else None
            return response.status, said, response.headers


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_room(database, tmp_path) as room, aiohttp.ClientSession() as session:
        graph, tools = ServiceFile.parse(GRAPH), room.plans.tools
        requests = Requests(
            room.store, room.conversations, room.revisions, graph, tools, TENANT, CHANNEL
        )
        known = [one.tool for one, _ in tools.tools()]  # type: ignore[attr-defined]
        templates = Templates(
            room.store,
            requests,
            graph,
            lambda: room.now,
            shelf(known, None),
            Checking(known),
            digest_of,
        )
        planner = Picking(room.mind, tools, graph, templates.spoken)
        room.drafts = replace(room.drafts, planner=planner)
        scopes = {
            "ci": ("workflow.read", "workflow.write", "plan.create"),
            "reader": ("workflow.read",),
        }
        tokens = {name: make_token() for name in scopes}
        async with room.store.begin() as unit:
            for name, token in tokens.items():
                await unit.tokens.add(name, token_hash(token), scopes[name])
        routes = WorkflowRoutes(room.store, templates).routes()
        intake = open_intake(room.pool, TENANT, "one")
        async with open_sidecar(Sidecar(room.store, intake, Metrics(), more=routes)) as at:
            yield Desk(room, templates, session, at.url, tokens)


async def test_those_that_ship_are_listed_and_can_only_be_read(desk: Desk) -> None:
    status, said, _ = await desk("GET", "", who="reader")
    _, one, headers = await desk("GET", "/scale_service", who="reader")

    names = [each["name"] for each in said["items"]]
    assert status == 200
    assert names == [
        "gitops_deploy",
        "helm_release",
        "incident_remediation",
        "scale_service",
        "secret_rotation",
    ]
    assert {each["read_only"] for each in said["items"]} == {True}
    assert one["input"]["replicas"]["wants"] == "a whole number from 1 to 100"
    assert (headers["ETag"], one["steps"][1]["verifies"]) == ('"1"', True)
    refused = [
        await desk("PUT", "/scale_service", {"body": one["body"]}),
        await desk("DELETE", "/scale_service"),
        await desk("POST", "/scale_service:disable"),
        await desk("POST", "", {"body": one["body"]}),
        await desk("POST", "", {"body": NOTE}, who="reader"),
    ]
    assert [answer[0] for answer in refused] == [403, 403, 403, 409, 403]


async def test_each_change_is_a_version_that_stays_and_is_checked_like_a_file(desk: Desk) -> None:
    made, _, headers = await desk("POST", "", {"body": NOTE})
    wrong, why, _ = await desk("PUT", "/take_note", {"body": NOTE.replace("desk", "pencil")})
    changed, second, _ = await desk(
        "PUT", "/take_note", {"body": NOTE.replace("Take a", "Take one")}, If_Match='"1"'
    )
    stale, _, _ = await desk("PUT", "/take_note", {"body": NOTE}, If_Match='"1"')
    renamed, _, _ = await desk("PUT", "/take_note", {"body": NOTE.replace("take_note", "other")})
    _, versions, _ = await desk("GET", "/take_note/versions")
    old, first, _ = await desk("GET", "/take_note?version=1")
    removed, _, _ = await desk("DELETE", "/take_note")
    gone, _, _ = await desk("GET", "/take_note")
    again, third, _ = await desk("POST", "", {"body": NOTE})

    assert (made, headers["Location"]) == (201, "/v1/workflows/take_note")
    assert (wrong, changed, stale, renamed) == (400, 200, 412, 400)
    assert "there is no action pencil.look" in why["errors"][0]["detail"]
    assert (second["version"], second["title"]) == (2, "Take one note")
    assert [each["version"] for each in versions["items"]] == [2, 1]
    assert (old, first["title"]) == (200, "Take a note")
    assert (removed, gone, again, third["version"]) == (204, 404, 201, 3)
    actions = [
        row["action"]
        for row in await desk.room.pool.fetch(
            "SELECT action FROM audit WHERE action LIKE 'workflow.%' ORDER BY id"
        )
    ]
    assert actions == ["workflow.create", "workflow.change", "workflow.remove", "workflow.create"]


async def test_a_start_becomes_a_frozen_plan_that_its_author_and_enabler_cannot_approve(
    desk: Desk,
) -> None:
    desk.room.script.says("desk.look", good(level="fine"))
    await desk.templates.write(ANN, NOTE)
    await desk.templates.switch(BO, "take_note", enabled=True)

    async with worker(desk.room):
        start = {"context": PLACE, "input": {"how_many": 3}, "words": "for the report"}
        status, said, headers = await desk("POST", "/take_note:start", start, Prefer="wait=10")

    plan = said["plan"]
    assert (status, plan["title"]) == (201, "Note 3 for checkout")
    assert headers["Location"] == f"/v1/plans/{said['plan_id']}"
    assert (plan["state"], plan["requirements"]["people"]) == ("waiting", 1)
    for actor in (ANN, BO):
        with pytest.raises(NotAllowed, match=r"[Yy]ou"):
            await decided(desk, actor, said["plan_id"])
    audit = await desk.room.pool.fetchval(
        "SELECT count(*) FROM audit WHERE action = 'workflow.start'"
    )
    assert audit == 1


async def test_a_wrong_start_begins_nothing_and_names_each_field(desk: Desk) -> None:
    await desk.templates.write(ANN, NOTE)

    status, said, _ = await desk(
        "POST", "/take_note:start", {"context": {"service": "checkout"}, "input": {"size": 4}}
    )
    other, _, _ = await desk(
        "POST", "/take_note:start", {"context": PLACE, "input": {"how_many": 1}, "version": 7}
    )
    await desk.templates.switch(BO, "take_note", enabled=False)
    off, why, _ = await desk(
        "POST", "/take_note:start", {"context": PLACE, "input": {"how_many": 1}}
    )

    assert status == 400
    assert {each["path"]: each["detail"] for each in said["errors"]} == {
        "input.size": "is no input of this workflow",
        "input.how_many": "is needed: a whole number from 0 to 9",
        "context.environment": "is needed",
    }
    assert (other, off) == (404, 409)
    assert "switched off by Bo" in why["detail"]
    assert await desk.room.pool.fetchval("SELECT count(*) FROM drafts") == 0


async def test_the_same_key_starts_once(desk: Desk) -> None:
    await desk.templates.write(ANN, NOTE)
    start = {"context": PLACE, "input": {"how_many": 3}}

    async with worker(desk.room):
        first = await desk("POST", "/take_note:start", start, Idempotency_Key="k")
        again = await desk("POST", "/take_note:start", start, Idempotency_Key="k")

    assert first[1]["draft_id"] == again[1]["draft_id"]
    assert await desk.room.pool.fetchval("SELECT count(*) FROM drafts") == 1


async def decided(desk: Desk, actor: Actor, plan_id: str) -> None:
    """Try to approve the first version."""
    await desk.room.gate.decide(actor, PlanId(plan_id), 1, Verdict.APPROVE, surface=Surface.BUTTON)


async def test_a_sentence_starts_one_too_and_what_it_lacks_is_told(desk: Desk) -> None:
    await desk.templates.write(ANN, NOTE)

    async with worker(desk.room):
        asked = await desk.templates.requests.ask(
            DANA, Wanted(intent="start the workflow take_note for cart: how_many=3")
        )
        made = await desk.templates.requests.settled(DANA, asked, seconds=10)
        lacking = await desk.templates.requests.ask(
            DANA, Wanted(intent="start the workflow take_note for cart")
        )
        told = await desk.templates.requests.settled(DANA, lacking, seconds=10)

    assert made.version
    assert (made.version.title, made.version.context.service) == ("Note 3 for cart", "cart")
    assert made.version.editors == ("ann",)
    assert told.outcome
    assert "input.how_many is needed: a whole number from 0 to 9" in told.outcome.text


async def test_a_start_and_its_audit_row_are_there_together_or_not_at_all(
    desk: Desk, database: Database
) -> None:
    start = Start({"replicas": "5"}, about("checkout", "staging"))
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        await owner.execute("REVOKE INSERT (body) ON audit FROM carapulse_app")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await desk.templates.start(DANA, "scale_service", start, key="once")
        asked = await owner.fetchval("SELECT count(*) FROM drafts")
        await owner.execute("GRANT INSERT (body) ON audit TO carapulse_app")

        first = await desk.templates.start(DANA, "scale_service", start, key="once")
        second = await desk.templates.start(DANA, "scale_service", start, key="once")

        rows = await owner.fetch("SELECT body FROM audit WHERE action = 'workflow.start'")
    finally:
        await owner.close()
    assert asked == 0
    assert first == second
    assert [json.loads(row["body"])["detail"]["draft"] for row in rows] == [first]
