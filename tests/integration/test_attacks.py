"""Ways around the gate that were tried with the source at hand; docs/attacks.md lists them all."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest
from pydantic import ValidationError

from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.approval import Verdict
from engine.domain.conversation import Place, PostKind
from engine.domain.digest import digest
from engine.domain.execution import Choice, ExecutionState
from engine.domain.ids import PersonId, PlanId, Tenant
from engine.domain.plan import DraftStep, VersionRef, VersionState
from engine.errors import CarapulseError, NotAllowed, NotFound, Tampered
from engine.store.unit import PostgresStore
from engine.tools.definition import digest_of
from engine.tools.registry import ToolRegistry
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, look, note, open_room, write
from tests.integration.script import DESK, REMOTE
from tests.unit.governing import ANN, BO, CY, DANA, person

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
APART = Place(channel="C0INC", thread="1700000001.000100")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(database.owner_dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def asked(room: Room, *steps: DraftStep) -> VersionRef:
    version = await room.planned(*(steps or (write(), level())))
    return VersionRef(plan_id=version.plan_id, version=version.version)


async def untouched(room: Room, ref: VersionRef) -> None:
    """It still waits, nobody's vote counts, and nothing ran."""
    await room.next(ref)
    assert await room.state(ref) is VersionState.WAITING
    assert await room.pool.fetchval("SELECT count(*) FROM approvals") == 0
    assert room.script.calls == []


SERVICE = Actor(kind=ActorKind.SERVICE, id=PersonId("token:ci"), name="CI", groups=("sre",))
# No row of the audit is made of an actor that is neither a person nor a named service, nor held.
REFUSED = (CarapulseError, ValidationError, asyncpg.CheckViolationError)
LIARS = {
    "the requester with the group of approvers": DANA.model_copy(update={"groups": ("sre",)}),
    "a stranger with the group of approvers": person("mallory", "sre"),
    "somebody of another group who claims ours": CY.model_copy(update={"groups": ("sre",)}),
    "a service token": SERVICE,
    "a service named like an approver": ANN.model_copy(update={"kind": ActorKind.SERVICE}),
    "an approver of another tenant": ANN.model_copy(update={"tenant": Tenant("other")}),
    "an empty id": Actor(id=PersonId(""), name="", groups=("sre",)),
}


async def test_who_only_claims_to_be_an_approver_decides_nothing(room: Room) -> None:
    ref = await asked(room)

    for liar in LIARS.values():
        for verdict in (Verdict.APPROVE, Verdict.REJECT):
            if liar.id == DANA.id and verdict is Verdict.REJECT:
                continue  # whoever asked may take it back
            with pytest.raises(REFUSED):
                await room.gate.decide(liar, ref.plan_id, 1, verdict, surface=Surface.BUTTON)

    await untouched(room, ref)


async def test_no_person_decides_as_if_nobody_were_needed(room: Room) -> None:
    ref = await asked(room)

    for surface in (Surface.AUTO, Surface.ALERT):
        with pytest.raises(NotAllowed):
            await room.gate.decide(ANN, ref.plan_id, 1, Verdict.APPROVE, surface=surface)

    await untouched(room, ref)


async def test_an_emoji_of_no_time_that_can_be_compared_is_none(room: Room) -> None:
    ref = await asked(room)

    for acted_at in ("", "nan", "-1", "1e400", "999999999999999999", "infinity"):
        with pytest.raises(NotAllowed):
            await room.gate.decide(
                ANN, ref.plan_id, 1, Verdict.APPROVE, surface=Surface.EMOJI, acted_at=acted_at
            )

    await untouched(room, ref)


async def test_a_job_put_there_by_hand_releases_no_change(room: Room) -> None:
    ref = await asked(room)

    with pytest.raises(NotAllowed):
        await room.gate.release(ref.plan_id, ref.version)

    await untouched(room, ref)


async def test_a_version_that_is_not_there_is_not_decided(room: Room) -> None:
    ref = await asked(room)

    for version in (0, -1, 2, 2**31, 2**70):
        with pytest.raises(CarapulseError):
            await room.gate.decide(ANN, ref.plan_id, version, Verdict.APPROVE, surface=Surface.API)

    await untouched(room, ref)


async def test_what_is_no_name_of_a_plan_is_not_there(room: Room) -> None:
    ref = await asked(room)

    for name in ("", "x", "' OR 1=1 --", "{}", f"{ref.plan_id}'", "P-1001"):
        with pytest.raises(NotFound):
            await room.gate.decide(ANN, PlanId(name), 1, Verdict.APPROVE, surface=Surface.API)

    await untouched(room, ref)


async def test_a_plan_of_another_tenant_is_not_there(room: Room) -> None:
    ref = await asked(room)
    foreign = replace(room.gate, store=PostgresStore(room.pool, "other"))
    guest = ANN.model_copy(update={"tenant": Tenant("other")})

    for gate, actor in ((foreign, ANN), (foreign, guest)):
        with pytest.raises((NotFound, NotAllowed)):
            await gate.decide(actor, ref.plan_id, 1, Verdict.APPROVE, surface=Surface.API)

    await untouched(room, ref)


async def test_a_wake_from_outside_starts_nothing_that_waits(room: Room) -> None:
    ref = await asked(room)

    moves = [await room.next(ref) for _ in range(5)]

    assert all(move.request is None for move in moves)
    await untouched(room, ref)


async def test_an_execution_put_there_by_hand_runs_nothing(room: Room, owner: Owner) -> None:
    ref = await asked(room)
    version = await room.plans_version(ref)
    async with room.store.begin() as unit:
        made = await unit.executions.create(version, room.now)
        going = {"state": ExecutionState.RUNNING, "started_at": room.now}
        await unit.executions.save(made.model_copy(update=going))
        await unit.plans.move(ref, frm=(VersionState.WAITING,), to=VersionState.EXECUTING)
        await unit.executions.note_start(made)

    await room.work(ref)

    assert room.script.calls == []
    assert (await room.execution(ref)).state is ExecutionState.NEEDS_DECISION


async def test_a_definition_changed_on_disk_changes_nothing_that_was_approved(
    room: Room, tmp_path: Path
) -> None:
    ref = await room.approved(note(), level(), context=STAGING)
    folder = tmp_path / "swapped"
    folder.mkdir()
    (folder / "desk.yaml").write_text(DESK.replace("path: /note", "path: /drop-everything"))
    swapped = ToolRegistry.load(
        folder, connections={"desk": "https://desk.example"}, remotes=(REMOTE,)
    )
    object.__setattr__(room.steps, "tools", swapped)

    await room.work(ref)

    stored = (await room.plans_version(ref)).steps[0].call
    assert stored.request is not None
    assert stored.request.url.endswith("/note")
    assert room.script.calls == ["desk.note", "desk.look"]


async def test_a_stored_definition_that_was_edited_is_not_rendered(
    room: Room, owner: Owner
) -> None:
    ref = await room.approved(note(), level(), context=STAGING)
    await owner.execute("UPDATE tool_definitions SET body = replace(body, '/note', '/drop')")

    await room.work(ref)

    assert room.script.calls == []


async def test_a_tool_that_moved_elsewhere_after_the_approval_is_not_called(
    room: Room, tmp_path: Path
) -> None:
    ref = await room.approved(note(), level(), context=STAGING)
    folder = tmp_path / "moved"
    folder.mkdir()
    (folder / "desk.yaml").write_text(DESK)
    moved = ToolRegistry.load(
        folder, connections={"desk": "https://evil.example"}, remotes=(REMOTE,)
    )
    object.__setattr__(room.steps, "tools", moved)

    await room.work(ref)

    assert room.script.calls == []


async def test_a_card_on_a_copy_is_no_card(room: Room) -> None:
    ref = await asked(room)
    await room.pool.execute(
        "UPDATE posts SET ts = '1700000009.1', shown_version = 1, shown_at = '1700000009.1' "
        "WHERE kind = 'plan'"
    )

    async with room.store.begin() as unit:
        real = await unit.posts.at("C0INC", "1700000009.1")
        copy = await unit.posts.at("C0INC", "1700000010.1")
        other_channel = await unit.posts.at("C0OTHER", "1700000009.1")

    assert real is not None
    assert (real.kind, real.subject) == (PostKind.PLAN, ref.plan_id)
    assert copy is None
    assert other_channel is None


async def test_a_vote_for_one_plan_is_none_for_a_twin(room: Room) -> None:
    first = await room.approved(write(), level(), place=APART, context=STAGING)
    twin = await asked(room)
    body = json.loads(
        await room.pool.fetchval("SELECT body FROM approvals WHERE plan_id = $1", first.plan_id)
    )
    version = await room.plans_version(twin)
    body["statement"] |= {"plan_id": twin.plan_id, "digest": version.digest}
    await room.pool.execute(
        "INSERT INTO approvals (plan_id, version, person, verdict, nonce, body, at) "
        "VALUES ($1, 1, 'ann', 'approve', 'n', $2, now())",
        twin.plan_id,
        json.dumps(body),
    )

    with pytest.raises(CarapulseError, match="signature that is not ours"):
        await room.gate.decide(BO, twin.plan_id, 1, Verdict.APPROVE, surface=Surface.BUTTON)

    assert await room.state(twin) is VersionState.WAITING


async def test_who_left_the_directory_does_not_decide(room: Room) -> None:
    ref = await asked(room)
    people = room.gate.directory
    object.__setattr__(
        people,
        "people",
        {k: v for k, v in people.people.items() if k != ANN.id},  # type: ignore[attr-defined]
    )

    with pytest.raises(NotAllowed):
        await room.approve(await room.plans_version(ref), ANN)

    await untouched(room, ref)


async def test_the_requester_does_not_override_their_own_change(room: Room) -> None:
    ref = await room.approved(note(), level(), context=STAGING)
    room.script.says("desk.note", OSError("gone"))  # its outcome stays unknown
    move = await room.next(ref)
    assert move.request is not None
    with pytest.raises(OSError, match="gone"):
        await room.steps.perform(move.request)
    room.later(60)
    await room.work(ref)
    assert (await room.execution(ref)).state is ExecutionState.NEEDS_DECISION

    with pytest.raises(NotAllowed):
        await room.press(ref, Choice.MARK_DONE, DANA)

    assert (await room.execution(ref)).state is ExecutionState.NEEDS_DECISION


async def test_a_read_does_not_become_a_write_on_its_way(room: Room, owner: Owner) -> None:
    made = await room.planned(look())
    ref = VersionRef(plan_id=PlanId(made.plan_id), version=1)
    await room.gate.release(made.plan_id, 1)
    body = await owner.fetchval("SELECT body FROM plan_versions")
    for changed in (
        body.replace('"method":"GET"', '"method":"DELETE"'),
        body.replace('"effect":"read"', '"effect":"write"'),
    ):
        assert changed != body
        await owner.execute("UPDATE plan_versions SET body = $1", changed)
        await room.work(ref)

    assert room.script.calls == []


async def test_a_read_with_a_definition_of_ones_own_is_not_released(room: Room) -> None:
    """Both can be inserted by the application's role, and both fit each other."""
    made = await room.planned(look())
    evil = DESK.replace("path: /level", "path: /drop-everything")
    call = made.steps[0].call
    assert call.request is not None
    await room.pool.execute(
        "INSERT INTO tool_definitions (digest, body) VALUES ($1, $2)", digest_of(evil), evil
    )
    forged = call.model_copy(
        update={
            "definition": digest_of(evil),
            "request": call.request.model_copy(
                update={"url": call.request.url.replace("/level", "/drop-everything")}
            ),
        }
    )
    step = made.steps[0].model_copy(update={"call": forged})
    version = made.model_copy(update={"version": 2, "steps": (step,)})
    async with room.store.begin() as unit:
        await unit.plans.add_version(
            version.model_copy(update={"digest": digest(version)}), VersionState.WAITING
        )

    with pytest.raises(Tampered, match="no tool of ours"):
        await room.gate.release(made.plan_id, 2)

    ref = VersionRef(plan_id=made.plan_id, version=2)
    await untouched(room, ref)
