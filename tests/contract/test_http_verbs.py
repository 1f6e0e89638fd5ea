"""The verbs of plans and executions over HTTP: real policy, registry and database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.http.app import Sidecar, open_sidecar
from bot.http.executions import Verbs
from engine.domain.actor import Actor, ActorKind
from engine.domain.execution import ExecutionState
from engine.domain.ids import PersonId
from engine.domain.plan import Origin, VersionRef, VersionState
from engine.domain.questions import Limits
from engine.secrets.tokens import make_token, token_hash
from engine.services.progress import Pace
from engine.services.steering import Steering
from engine.store.intake import open_intake
from engine.telemetry.metrics import Metrics
from tests.conftest import Database
from tests.integration.room import Room, level, open_room, proposed, write
from tests.integration.script import TENANT, bad, good

SCOPES = {
    "operator": ("plan.read", "plan.create", "execution.operate"),
    "asker": ("plan.read", "plan.create"),
    "reader": ("plan.read",),
}
ASKER = Actor(kind=ActorKind.SERVICE, id=PersonId("token:asker"), name="asker")


@dataclass
class Desk:
    """Programs at work, and the room that they work in."""

    room: Room
    session: aiohttp.ClientSession
    url: str
    tokens: dict[str, str]

    async def __call__(
        self, path: str, *, who: str = "operator", body: Any = None
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        async with self.session.post(
            f"{self.url}/v1{path}", headers=headers, json=body
        ) as response:
            return response.status, await response.json(content_type=None)

    async def reference(self, ref: VersionRef) -> str:
        return (await self.room.execution(ref)).reference


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    manual = Pace(start={"prod": "manual"})
    async with (
        open_room(database, tmp_path, pace=manual) as room,
        aiohttp.ClientSession() as session,
    ):
        steering = Steering(
            room.store, room.policy, room.operating, lambda: room.now, Limits(), room.gate
        )
        tokens = {name: make_token() for name in SCOPES}
        async with room.store.begin() as unit:
            for name, token in tokens.items():
                await unit.tokens.add(name, token_hash(token), SCOPES[name])
        sidecar = Sidecar(
            room.store,
            open_intake(room.pool, TENANT, "one"),
            Metrics(),
            more=Verbs(room.store, room.operating, steering, room.revisions).routes(),
        )
        async with open_sidecar(sidecar) as at:
            yield Desk(room, session, at.url, tokens)


async def test_an_approved_plan_is_executed_once_however_often_that_is_asked(desk: Desk) -> None:
    room = desk.room
    version = await room.planned(write(), level())
    early, waits = await desk(f"/plans/{version.reference}:execute")
    await room.approve(version)
    ref = VersionRef(plan_id=version.plan_id, version=1)
    await room.work(ref)

    refused, _ = await desk(f"/plans/{version.reference}:execute", who="asker")
    first = await desk(f"/plans/{version.plan_id}:execute")
    await room.work(ref)
    again = await desk(f"/plans/{version.reference.lower()}:execute")

    assert (early, refused, first[0], again[0]) == (409, 403, 200, 200)
    assert waits["detail"] == f"{version.reference} v1 waits for approval, so it can't start."
    assert again[1]["execution"]["reference"] == first[1]["execution"]["reference"]
    assert again[1]["execution"]["state"] == "succeeded"
    assert room.script.calls.count("git.set_value") == 1


async def test_an_execution_is_steered_and_what_is_no_longer_asked_is_told(desk: Desk) -> None:
    room = desk.room
    ref = await room.approved(write(), write("6"), level())
    await room.work(ref)
    await desk(f"/plans/{ref.plan_id}:execute")
    room.script.says("git.set_value", good(commit="b" * 40, previous_head="a" * 40), bad("no"))
    await room.work(ref)
    name = await desk.reference(ref)

    held = await desk(f"/executions/{name}:hold")
    await room.work(ref)
    other = await desk(f"/executions/{name}/steps/1:retry")
    nowhere = await desk(f"/executions/{name}/steps/9:retry")
    back = await desk(f"/executions/{name}:rollback")
    twice = await desk(f"/executions/{name}:rollback")
    skipped = await desk(f"/executions/{name}/steps/2:skip")
    await room.work(ref)
    late = await desk(f"/executions/{name}:resume")
    unknown = await desk("/executions/X-999999:pause")

    assert (held[0], held[1]["said"]) == (202, f"Holding {name}.")
    assert (twice[0], twice[1]["said"]) == (202, f"Rolling back {name}.")
    assert (skipped[0], "has just told" in skipped[1]["detail"]) == (409, True)
    assert (other[0], nowhere[0], unknown[0]) == (409, 404, 404)
    assert back[0] == 202
    assert (late[0], "rolled back now" in late[1]["detail"]) == (409, True)


async def test_only_people_skip_what_a_further_change_depends_on(desk: Desk) -> None:
    room = desk.room
    ref = await room.approved(write(), write("6"))
    await room.work(ref)
    await desk(f"/plans/{ref.plan_id}:execute")
    room.script.says("git.set_value", bad("no"))
    await room.work(ref)
    name = await desk.reference(ref)

    status, problem = await desk(f"/executions/{name}/steps/1:skip")

    assert status == 403
    assert problem["detail"].startswith("Only people skip a step")
    assert (await room.execution(ref)).state is ExecutionState.NEEDS_DECISION


async def test_who_asked_withdraws_and_operators_cancel_what_has_not_started(desk: Desk) -> None:
    room = desk.room
    asked = await room.draft(await room.say())
    program = {"origin": Origin.API, "requester": ASKER.id, "requester_name": ASKER.name}
    mine = await room.plans.propose(asked.model_copy(update=program), proposed(write()), [])
    assert mine is not None
    ref = VersionRef(plan_id=mine.plan_id, version=1)

    others = await desk(f"/plans/{mine.reference}:withdraw")
    reader = await desk(f"/plans/{mine.reference}:cancel", who="reader")
    done = await desk(f"/plans/{mine.reference}:withdraw", who="asker", body={"reason": "wrong"})
    again = await desk(f"/plans/{mine.reference}:withdraw", who="asker")
    cancelled = await desk(f"/plans/{mine.reference}:cancel")

    assert others[0] == 403
    assert "Operators can cancel it" in others[1]["detail"]
    assert reader[0] == 403
    assert (done[0], done[1]["state"]) == (200, "withdrawn")
    assert (again[0], cancelled[0]) == (409, 409)
    assert await room.state(ref) is VersionState.WITHDRAWN


async def test_a_cancelled_plan_is_not_started_and_can_be_run_again(desk: Desk) -> None:
    room = desk.room
    ref = await room.approved(write(), level())
    await room.work(ref)
    cancelled = await desk(f"/plans/{ref.plan_id}:cancel")
    await room.work(ref)
    name = await desk.reference(ref)

    again = await desk(f"/executions/{name}:run-again")
    twice = await desk(f"/executions/{name}:run-again")

    assert (cancelled[0], cancelled[1]["execution"]["state"]) == (200, "cancelled")
    assert await room.state(ref) is VersionState.WITHDRAWN
    assert room.script.calls == []
    assert again[0] == 202
    assert again[1]["draft_id"]
    assert twice[0] == 409
