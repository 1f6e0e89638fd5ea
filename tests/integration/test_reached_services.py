"""What a plan writes to counts as much as what it says it is about: freezes, owners and locks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.context.services import ServiceFile
from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.conversation import Place
from engine.domain.digest import digest
from engine.domain.execution import ExecutionState
from engine.domain.freeze import FreezeWords, HoldKind
from engine.domain.move import MoveKind
from engine.domain.plan import DraftStep, Proposal, VersionRef
from engine.domain.touching import touched
from engine.services.freezes import Freezes
from tests.conftest import Database
from tests.integration.room import Room, open_room, write
from tests.integration.script import NEW, TENANT, good
from tests.unit.governing import ANN, BO, DANA, PROD, People, person

SERVICES = """
environments: {prod: {}}
services:
  - name: checkout
    owners: [shop-owners]
    gitops: {repository: shop-config, path: checkout/settings.yaml}
  - name: payments
    owners: [pay]
    environments: [prod]
    gitops: {repository: shop-config, path: payments/settings.yaml}
"""
PAUL = person("paul", "pay", "sre")
ELSEWHERE = Place(channel="C0INC", thread="1700000000.000900")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        opened.plans = replace(opened.plans, services=ServiceFile.parse(SERVICES))
        assert isinstance(opened.gate.directory, People)
        opened.gate.directory.people[PAUL.id] = PAUL
        yield opened


def at(path: str, value: str = "700") -> DraftStep:
    step = write(value)
    return step.model_copy(update={"input": {**step.input, "path": path}})


async def freeze(room: Room, service: str) -> None:
    freezes = Freezes(room.store, room.policy, lambda: room.now, TENANT, room.plans.services)
    words = {"environment": "prod", "service": service, "reason": "release day"}
    await freezes.set(ANN, FreezeWords.model_validate(words))


async def approved(room: Room, *steps: DraftStep) -> VersionRef:
    version = await room.planned(*steps)
    for actor in (PAUL, BO, ANN):
        await room.gate.decide(
            actor,
            version.plan_id,
            version.version,
            Verdict.APPROVE,
            surface=Surface.BUTTON,
            reason="the provider is slow",
            ticket="OPS-1",
        )
    return VersionRef(plan_id=version.plan_id, version=version.version)


@pytest.mark.parametrize("path", ["payments/settings.yaml", "payments/limits.yaml"])
async def test_a_freeze_holds_a_plan_about_another_service_that_writes_the_frozen_one(
    room: Room, path: str
) -> None:
    await freeze(room, "payments")
    ref = await approved(room, at(path))

    move = await room.next(ref)

    waiting = await room.execution(ref)
    assert (move.kind, waiting.state) == (MoveKind.WAIT, ExecutionState.WAITING)
    assert "Changes to payments in prod are frozen" in waiting.reason
    assert "git.set_value" not in room.script.calls


async def test_a_freeze_of_another_service_does_not_hold_what_writes_only_its_own(
    room: Room,
) -> None:
    await freeze(room, "payments")
    version = await room.planned(at("checkout/settings.yaml"))
    ref = VersionRef(plan_id=version.plan_id, version=version.version)
    await room.approve(version)

    move = await room.next(ref)

    assert version.steps[0].reaches == ()
    assert move.kind is MoveKind.CALL


async def test_owners_and_risk_are_those_of_every_service_that_is_written(room: Room) -> None:
    own = await room.planned(at("checkout/settings.yaml"))

    there = await room.planned(at("payments/settings.yaml"), place=ELSEWHERE)

    assert touched(there) == (PROD, *there.steps[0].reaches)
    assert [place.service for place in touched(there)] == ["checkout", "payments"]
    assert ("pay",) in there.requirements.groups
    assert ("pay",) not in own.requirements.groups


async def test_a_plan_waits_for_one_that_changes_the_service_which_it_only_writes(
    room: Room,
) -> None:
    first = await approved(room, at("payments/settings.yaml"))
    held = await room.pool.fetch("SELECT key FROM execution_locks ORDER BY key")
    assert held == []

    assert (await room.next(first)).kind is MoveKind.CALL

    held = await room.pool.fetch("SELECT key FROM execution_locks ORDER BY key")
    assert [row["key"] for row in held] == ["prod/checkout", "prod/payments"]


async def test_what_a_step_reaches_is_what_was_approved(room: Room) -> None:
    version = await room.planned(at("payments/settings.yaml"))
    bare = version.steps[0].model_copy(update={"reaches": ()})

    assert digest(version.model_copy(update={"steps": (bare,)})) != version.digest


async def test_an_edit_that_reaches_another_service_is_called_so_and_pinned_to_today(
    room: Room,
) -> None:
    room.drafts = replace(room.drafts, plans=room.plans)
    made = await room.planned(at("checkout/settings.yaml"))
    room.script.says("git.head", good(head=NEW))
    given = {1: {"path": "payments/settings.yaml"}}
    draft_id = await room.revisions.edit(DANA, made.plan_id, 1, given)

    await room.drafts.propose(draft_id)

    async with room.store.begin() as unit:
        second = await unit.plans.current(made.plan_id)
    assert second.title == "Write pool = 700 to payments/settings.yaml in shop-config"
    assert [place.service for place in touched(second)] == ["checkout", "payments"]
    assert second.steps[0].call.input["expected_head"] == NEW
    moved = (
        "Since this was drafted before, the expected head of step 1 moved from aaaaaaa to bbbbbbb."
    )
    assert moved in second.warnings
    await freeze(room, "payments")
    async with room.store.begin() as unit:
        holds = await room.executions.guards.holds.on(unit, second, room.now)
    assert [hold.kind for hold in holds] == [HoldKind.FREEZE]


async def test_a_card_warns_when_the_branch_moved_before_anybody_approves(room: Room) -> None:
    proposal = Proposal(title="Pool", context=PROD, steps=(write("5"),), planner="test")
    room.script.says("git.preview_set_value", good(head=NEW))

    [warning] = await room.previews.warnings(proposal)

    assert warning.startswith("Step 1: The branch moved from aaaaaaa to bbbbbbb")
