"""Versions: frozen, sealed, one at a time, and what a correction makes of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.conversation import Place
from engine.domain.digest import digest
from engine.domain.draft import DraftState
from engine.domain.execution import ExecutionState, StepState
from engine.domain.move import MoveKind
from engine.domain.plan import Origin, PlanVersion, VersionRef, VersionState
from engine.errors import Conflict, Invalid, NotAllowed
from tests.conftest import Database
from tests.integration.room import Room, look, note, open_room, proposed, write
from tests.unit.governing import ANN, BO, DANA

ELSEWHERE = Place(channel="C0INC", thread="1700000001.000100")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def corrected(room: Room, value: str = "7", who: object = DANA) -> PlanVersion | None:
    draft = await room.draft(await room.say(f"make it {value}"))
    return await room.plans.propose(draft, proposed(write(value)), [])


def of(version: PlanVersion) -> VersionRef:
    return VersionRef(plan_id=version.plan_id, version=version.version)


async def test_what_is_stored_has_the_digest_that_was_shown(room: Room) -> None:
    made = await room.planned(write())

    stored = await room.plans_version(of(made))

    assert stored == made
    assert digest(stored) == made.digest


async def test_everything_that_may_run_is_kept_as_it_was_defined(room: Room) -> None:
    made = await room.planned(write())

    step = made.steps[0]
    assert step.rollback
    assert step.probe
    assert step.rollback_probe
    calls = (step.call, step.rollback, step.probe.call, step.rollback_probe.call)
    async with room.store.begin() as unit:
        kept = [await unit.definitions.body(call.definition) for call in calls]
    assert all(kept)


async def test_a_correction_is_the_next_version_and_ends_the_approval(room: Room) -> None:
    first = await room.planned(write())
    await room.approve(first)

    second = await corrected(room)

    assert second is not None
    assert (second.plan_id, second.version) == (first.plan_id, 2)
    assert second.changes
    assert await room.state(of(first)) is VersionState.SUPERSEDED
    assert await room.state(of(second)) is VersionState.WAITING


async def test_an_approved_version_that_waits_is_called_off_when_it_is_replaced(room: Room) -> None:
    running = await room.approved(write(), place=ELSEWHERE)
    await room.next(running)
    ref = await room.approved(write())
    await room.next(ref)

    second = await corrected(room)

    execution = await room.execution(ref)
    assert second is not None
    assert execution.state is ExecutionState.CANCELLED
    assert execution.reason == "v1 was replaced by v2."
    assert {step.state for step in execution.steps} == {StepState.CANCELLED}
    assert (await room.next(ref)).kind is MoveKind.DONE


async def test_of_two_corrections_of_one_version_the_second_is_told_so(room: Room) -> None:
    await room.planned(write())
    drafts = [await room.draft(await room.say(f"make it {value}")) for value in ("6", "7")]
    await room.plans.propose(drafts[0], proposed(write("6")), [])

    with pytest.raises(Conflict, match=r"v1 was replaced by v2 meanwhile"):
        await room.plans.propose(drafts[1], proposed(write("7")), [])

    assert (await room.draft(drafts[1].id)).state is DraftState.OPEN


async def test_of_two_corrections_at_once_one_is_made(room: Room) -> None:
    await room.planned(write())
    drafts = [await room.draft(await room.say(f"make it {value}")) for value in ("6", "7")]

    made = await asyncio.gather(
        *(room.plans.propose(draft, proposed(write()), []) for draft in drafts),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in made) == ["Conflict", "PlanVersion"]


async def test_two_requests_at_once_in_a_new_thread_make_one_plan(room: Room) -> None:
    drafts = [await room.draft(await room.say()) for _ in range(2)]

    made = await asyncio.gather(
        *(room.plans.propose(draft, proposed(write()), []) for draft in drafts),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in made) == ["Conflict", "PlanVersion"]
    assert await room.pool.fetchval("SELECT count(*) FROM plans") == 1


async def test_a_request_that_became_a_version_does_not_become_another(room: Room) -> None:
    draft = await room.draft(await room.say())
    await room.plans.propose(draft, proposed(write()), [])

    again = await room.plans.propose(draft, proposed(write()), [])

    assert again is None
    assert await room.pool.fetchval("SELECT count(*) FROM plan_versions") == 1


async def test_once_it_has_started_a_correction_is_a_new_plan(room: Room) -> None:
    ref = await room.approved(write())
    await room.next(ref)

    second = await corrected(room)

    assert second is not None
    assert second.plan_id != ref.plan_id
    assert second.version == 1
    assert await room.state(ref) is VersionState.EXECUTING


async def test_a_withdrawn_plan_stays_withdrawn_and_a_correction_is_a_new_one(room: Room) -> None:
    first = await room.planned(write())
    await room.gate.decide(DANA, first.plan_id, 1, Verdict.WITHDRAW, surface=Surface.BUTTON)

    second = await corrected(room)

    assert second is not None
    assert second.plan_id != first.plan_id
    assert await room.state(of(first)) is VersionState.WITHDRAWN


@pytest.mark.parametrize("ends", ["rejected", "expired"])
async def test_a_plan_that_was_rejected_or_ran_out_can_be_corrected(room: Room, ends: str) -> None:
    first = await room.planned(write())
    if ends == "rejected":
        await room.gate.decide(
            ANN, first.plan_id, 1, Verdict.REJECT, surface=Surface.BUTTON, reason="too high"
        )
    else:
        room.now = first.decide_before
        await room.next(of(first))

    second = await corrected(room)

    assert second is not None
    assert (second.plan_id, second.version) == (first.plan_id, 2)
    assert await room.state(of(first)) is VersionState(ends)


async def test_who_shaped_a_version_is_an_editor_of_all_that_follow(room: Room) -> None:
    await room.planned(write())
    draft = await room.draft(await room.say("make it 7", actor=ANN))
    second = await room.plans.propose(draft, proposed(write("7")), [])
    assert second is not None

    with pytest.raises(NotAllowed):
        await room.approve(second, ANN)
    await room.approve(second, BO)

    assert second.requester == DANA.id
    assert set(second.editors) == {DANA.id, ANN.id}
    assert await room.state(of(second)) is VersionState.APPROVED


async def test_a_plan_that_the_policy_forbids_leaves_no_trace_but_its_request(room: Room) -> None:
    draft = await room.draft(await room.say())
    alone = draft.model_copy(update={"origin": Origin.ALERT})

    with pytest.raises(NotAllowed):
        await room.plans.propose(alone, proposed(note()), [])

    assert await room.pool.fetchval("SELECT count(*) FROM plans") == 0
    assert (await room.draft(draft.id)).state is DraftState.OPEN


async def test_a_step_that_does_not_fit_its_tool_is_refused_with_the_field(room: Room) -> None:
    draft = await room.draft(await room.say())
    wrong = write().model_copy(update={"input": {"remote": "https://elsewhere.example/x.git"}})

    with pytest.raises(Invalid):
        await room.plans.propose(draft, proposed(wrong), [])


async def test_what_only_reads_is_released_by_the_gate_and_not_by_people(room: Room) -> None:
    made = await room.planned(look())

    jobs = await room.pool.fetch("SELECT entrypoint FROM pgqueuer")
    assert "gate.release" in {row["entrypoint"] for row in jobs}
    assert await room.state(of(made)) is VersionState.WAITING
    await room.gate.release(made.plan_id, 1)
    assert await room.state(of(made)) is VersionState.APPROVED
