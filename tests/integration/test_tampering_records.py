"""Records that were forged, replayed, removed or set back: no such version runs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from engine.domain.actor import Surface
from engine.domain.approval import Signed, Verdict
from engine.domain.conversation import Place
from engine.domain.execution import Choice, ExecutionState
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Tampered
from engine.secrets.keys import FileSigner, make_keys
from engine.services.alarm import ALARM
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, open_room, write
from tests.unit.governing import ANN, BO, DANA

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
APART = Place(channel="C0INC", thread="1700000001.000100")
INSERT = (
    "INSERT INTO approvals (plan_id, version, person, verdict, nonce, body, at) "
    "VALUES ($1, $2, 'x', 'approve', $3, $4, now())"
)


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


async def asked(room: Room, place: Place | None = None) -> VersionRef:
    """A version that waits, elsewhere than other plans."""
    where = {"place": place, "context": STAGING} if place else {}
    version = await room.planned(write(), level(), **where)  # type: ignore[arg-type]
    return VersionRef(plan_id=version.plan_id, version=version.version)


async def signed(room: Room, ref: VersionRef) -> Signed:
    async with room.store.begin() as unit:
        return (await unit.approvals.of(ref.plan_id, ref.version))[0]


async def plant(room: Room, ref: VersionRef, one: Signed, nonce: str = "another") -> None:
    """The application's own role may insert; it does so here, and says the version is approved."""
    await room.pool.execute(INSERT, ref.plan_id, ref.version, nonce, one.model_dump_json())
    await say_approved(room, ref)


async def say_approved(room: Room, ref: VersionRef) -> None:
    await room.pool.execute(
        "UPDATE version_states SET state = 'approved' WHERE plan_id = $1 AND version = $2",
        ref.plan_id,
        ref.version,
    )


async def nothing_ran(room: Room, ref: VersionRef) -> str:
    """Why it did not, as the audit tells."""
    await room.work(ref)
    assert room.script.calls == []
    assert await room.state(ref) is VersionState.WITHDRAWN
    body = await room.pool.fetchval(
        "SELECT body FROM audit WHERE action = $1 AND subject = $2 ORDER BY id DESC LIMIT 1",
        ALARM,
        ref.plan_id,
    )
    return str(json.loads(body)["reason"])


async def test_a_state_without_approvals_behind_it_starts_nothing(room: Room) -> None:
    ref = await asked(room)

    await say_approved(room, ref)

    assert "0 of 1" in await nothing_ran(room, ref)


async def test_a_decision_signed_by_an_unknown_key_starts_nothing(
    room: Room, tmp_path: Path
) -> None:
    genuine, ref = await room.approved(write(), place=APART, context=STAGING), await asked(room)
    version = await room.plans_version(ref)
    forger = FileSigner(make_keys(tmp_path / "forger").private)
    statement = (await signed(room, genuine)).statement.model_copy(
        update={"plan_id": ref.plan_id, "digest": version.digest, "key_id": forger.key_id}
    )

    await plant(room, ref, forger.sign(statement))

    assert "a signature that is not ours" in await nothing_ran(room, ref)


async def test_an_unknown_key_under_the_name_of_ours_starts_nothing(
    room: Room, tmp_path: Path
) -> None:
    genuine, ref = await room.approved(write(), place=APART, context=STAGING), await asked(room)
    version = await room.plans_version(ref)
    forger = FileSigner(make_keys(tmp_path / "forger").private)
    ours = (await signed(room, genuine)).statement
    theirs = ours.model_copy(
        update={"plan_id": ref.plan_id, "digest": version.digest, "key_id": forger.key_id}
    )
    named = theirs.model_copy(update={"key_id": ours.key_id})

    await plant(room, ref, forger.sign(theirs).model_copy(update={"statement": named}))

    assert "a signature that is not ours" in await nothing_ran(room, ref)


async def test_what_was_signed_for_another_plan_starts_nothing(room: Room) -> None:
    genuine, ref = await room.approved(write(), place=APART, context=STAGING), await asked(room)

    await plant(room, ref, await signed(room, genuine))

    assert "about something else" in await nothing_ran(room, ref)


async def test_what_was_signed_for_the_version_before_starts_nothing(
    room: Room, owner: Owner
) -> None:
    ref = await room.approved(write(), level())
    before = await room.plans_version(ref)
    async with room.store.begin() as unit:
        following = before.model_copy(update={"version": 2})
        await unit.plans.add_version(following, VersionState.WAITING)
    later = ref.model_copy(update={"version": 2})

    await plant(room, later, await signed(room, ref))

    assert "its digest differs" in await nothing_ran(room, later)


async def test_a_decision_stored_twice_starts_nothing(room: Room) -> None:
    ref = await room.approved(write())

    await plant(room, ref, await signed(room, ref))

    assert "stored twice" in await nothing_ran(room, ref)


async def test_a_nonce_is_stored_once(room: Room) -> None:
    ref = await room.approved(write())
    one = await signed(room, ref)

    with pytest.raises(asyncpg.UniqueViolationError):
        await plant(room, ref, one, nonce=one.statement.nonce)


async def test_a_row_that_is_no_decision_at_all_starts_nothing(room: Room) -> None:
    ref = await room.approved(write())
    await room.pool.execute(INSERT, ref.plan_id, ref.version, "another", '{"statement": 1}')

    assert "can't be read" in await nothing_ran(room, ref)


async def test_a_removed_approval_is_missed(room: Room, owner: Owner) -> None:
    ref = await room.approved(write())

    await owner.execute("DELETE FROM approvals")

    assert "removed" in await nothing_ran(room, ref)


async def test_a_removed_refusal_is_missed_though_others_approve(room: Room, owner: Owner) -> None:
    ref = await asked(room)
    await room.gate.decide(BO, ref.plan_id, 1, Verdict.REJECT, surface=Surface.BUTTON)
    await owner.execute("DELETE FROM approvals; UPDATE version_states SET state = 'waiting'")
    await room.approve(await room.plans_version(ref))

    assert "removed" in await nothing_ran(room, ref)


async def test_a_refusal_holds_whatever_the_state_says(room: Room) -> None:
    ref = await asked(room)
    await room.gate.decide(BO, ref.plan_id, 1, Verdict.REJECT, surface=Surface.BUTTON)

    await say_approved(room, ref)

    assert "was rejected" in await nothing_ran(room, ref)


async def test_what_the_requester_took_back_holds_whatever_the_state_says(room: Room) -> None:
    ref = await asked(room)
    await room.gate.decide(DANA, ref.plan_id, 1, Verdict.WITHDRAW, surface=Surface.BUTTON)
    await room.pool.execute("UPDATE version_states SET state = 'waiting'")
    with pytest.raises(Tampered):
        await room.approve(await room.plans_version(ref), ANN)

    await say_approved(room, ref)

    assert "was rejected" in await nothing_ran(room, ref)


async def test_a_version_that_was_replaced_does_not_come_back(room: Room) -> None:
    ref = await room.approved(write(), level())
    version = await room.plans_version(ref)
    async with room.store.begin() as unit:
        await unit.plans.add_version(
            version.model_copy(update={"version": 2}), VersionState.WAITING
        )
    await room.pool.execute("UPDATE plans SET current = 1")

    assert "a later version" in await nothing_ran(room, ref)


async def test_what_was_carried_out_is_not_carried_out_again(room: Room) -> None:
    ref = await room.approved(write(), level())
    await room.work(ref)
    room.script.calls.clear()
    await room.pool.execute("UPDATE steps SET state = 'pending', attempt = 0, outputs = '{}'")
    await room.pool.execute("UPDATE executions SET state = 'pending', ended_at = NULL")

    await say_approved(room, ref)

    assert "started before" in await nothing_ran(room, ref)


async def test_a_version_that_nobody_started_is_not_run_as_if_it_were(room: Room) -> None:
    ref = await room.approved(write())
    room.policy.away = True
    await room.next(ref)
    room.policy.away = False
    await room.pool.execute("UPDATE executions SET state = 'running', started_at = now()")
    await room.pool.execute("UPDATE version_states SET state = 'executing'")

    await room.work(ref)

    assert room.script.calls == []
    execution = await room.execution(ref)
    assert execution.state is ExecutionState.NEEDS_DECISION
    assert "no start of this execution is recorded" in execution.reason


async def test_what_was_put_back_goes_on_and_what_was_not_can_be_ended(
    room: Room, owner: Owner
) -> None:
    ref = await room.approved(write(), level())
    move = await room.next(ref)
    assert move.request is not None
    body = await owner.fetchval("SELECT body FROM plan_versions")
    await owner.execute("UPDATE plan_versions SET body = replace(body, 'prod', 'dev')")
    await room.steps.perform(move.request)
    await room.work(ref)
    halted = await room.execution(ref)

    await owner.execute("UPDATE plan_versions SET body = $1", body)
    await room.press(ref, Choice.RESUME)
    await room.work(ref)
    going = await room.execution(ref)
    await room.press(ref, Choice.RETRY)
    await room.work(ref)

    assert (halted.state, going.state) == (ExecutionState.NEEDS_DECISION,) * 2
    assert "digest differs" in halted.reason
    assert (await room.execution(ref)).state is ExecutionState.SUCCEEDED
    assert room.script.calls == ["git.set_value", "desk.look"]


async def test_an_alarmed_execution_ends_when_somebody_has_looked_at_it(
    room: Room, owner: Owner
) -> None:
    ref = await room.approved(write(), level())
    move = await room.next(ref)
    assert move.request is not None
    await room.steps.perform(move.request)
    await owner.execute("UPDATE plan_versions SET body = replace(body, 'prod', 'dev')")
    await room.work(ref)

    await room.press(ref, Choice.ACKNOWLEDGE)
    await room.work(ref)

    execution = await room.execution(ref)
    assert execution.state is ExecutionState.FAILED
    assert execution.reason.startswith("Acknowledged by Ann.")
    assert room.script.calls == ["git.set_value"]
