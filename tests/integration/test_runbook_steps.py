"""A command of a runbook in a thread that has an open plan, and in one that has none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.actor import Actor
from engine.domain.context import ContextRef
from engine.domain.conversation import Place
from engine.domain.ids import DraftId
from engine.domain.knowledge import Document, DocumentKind, Parsed, Words
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Invalid, NotFound
from engine.services.knowledge import Knowledge
from engine.services.runbook_steps import RunbookSteps
from tests.conftest import Database
from tests.integration.room import INC, Room, open_room, write
from tests.integration.script import NEW, TENANT, good
from tests.unit.governing import ANN, DANA

BODY = "```sh\ndesk note\ndesk explode\n```"


class Desk:
    """Knows one command."""

    def parse(self, line: str, context: ContextRef) -> Parsed:
        if line == "desk note":
            return Parsed(tool="git", action="set_value", input=write("7").input)
        return Parsed(reason="the desk can't explode.")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        opened.script.says("git.head", good(head=NEW))
        yield opened


@pytest.fixture
def steps(room: Room) -> RunbookSteps:
    return RunbookSteps(room.store, Desk(), room.plans.services, lambda: room.now, TENANT)


async def runbook(room: Room) -> Document:
    knowledge = room.drafts.knowledge
    assert isinstance(knowledge, Knowledge)
    words = Words(title="Notes", body=BODY, services=("checkout",), environments=("prod",))
    return await knowledge.write(DANA, DocumentKind.RUNBOOK, words)


async def turned(
    room: Room, steps: RunbookSteps, number: int, *, place: Place = INC, actor: Actor = ANN
) -> str:
    """Press the button and let the worker draft; what the person is told."""
    told = await steps.turn(actor, (await runbook(room)).id, number, place)
    newest = "SELECT id::text FROM drafts ORDER BY created_at DESC, id DESC LIMIT 1"
    room.later(1)
    await room.drafts.propose(DraftId(await room.pool.fetchval(newest)))
    return told


async def test_it_is_added_to_the_open_plan_whose_approvals_then_end(
    room: Room, steps: RunbookSteps
) -> None:
    first = await room.planned(write())
    room.later(1)

    told = await turned(room, steps, 1, actor=DANA)

    ref = VersionRef(plan_id=first.plan_id, version=2)
    second = await room.plans_version(ref)
    assert told.startswith(f"Adding it to {first.reference}")
    assert [step.call.input["value"] for step in second.steps] == ["5", "7"]
    assert second.steps[1].call.input["expected_head"] == NEW  # read when the plan was made
    assert [one.title for one in second.knowledge] == ["Notes"]
    assert await room.state(ref) is VersionState.WAITING
    assert "git.set_value" not in room.script.calls


async def test_without_a_plan_it_is_one_and_waits_for_people(
    room: Room, steps: RunbookSteps
) -> None:
    told = await turned(room, steps, 1)

    assert told.startswith("Making a plan of it")
    (plan,) = await room.pool.fetch("SELECT id::text AS id FROM plans")
    version = await room.plans_version(VersionRef(plan_id=plan["id"], version=1))
    assert (version.context.service, version.context.environment) == ("checkout", "prod")
    assert version.requester == ANN.id
    assert version.requirements.people > 0
    assert "git.set_value" not in room.script.calls


async def test_what_can_be_no_step_says_why_and_drafts_nothing(
    room: Room, steps: RunbookSteps
) -> None:
    document = await runbook(room)

    with pytest.raises(Invalid, match="the desk can't explode"):
        await steps.turn(ANN, document.id, 2, INC)
    with pytest.raises(NotFound, match="no command 3 any more"):
        await steps.turn(ANN, document.id, 3, INC)

    assert await room.pool.fetchval("SELECT count(*) FROM drafts") == 0
