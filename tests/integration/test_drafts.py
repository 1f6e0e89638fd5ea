"""From a request to an answer: looked once, asked once, told once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.draft import DraftState, Outcome, OutcomeKind, Reading
from engine.domain.plan import VersionRef, VersionState
from engine.domain.questions import Limits
from engine.errors import Conflict, DraftFailed, NotAllowed, Unavailable
from engine.services.drafts import READS_AT_MOST
from tests.conftest import Database
from tests.integration.room import Room, open_room, plans, write
from tests.integration.script import bad, good
from tests.unit.governing import ANN, DANA

LEVEL = Reading(name="level", tool="desk", action="look", title="Level")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def whispers(room: Room) -> list[str]:
    rows = await room.pool.fetch("SELECT body->>'text' AS said FROM posts WHERE kind = 'whisper'")
    return [row["said"] for row in rows]


async def notes(room: Room) -> list[str]:
    rows = await room.pool.fetch("SELECT body->>'text' AS said FROM posts WHERE kind = 'note'")
    return [row["said"] for row in rows]


async def test_looking_twice_makes_every_read_once(room: Room) -> None:
    room.mind.wants = [LEVEL]
    draft_id = await room.say()

    await room.drafts.look(draft_id)
    await room.drafts.look(draft_id)

    assert room.script.calls == ["desk.look"]


async def test_a_planner_that_wants_everything_gets_a_bounded_number_of_reads(room: Room) -> None:
    action = {"remote": "https://git.example/shop-config.git", "branch": "main"}
    room.mind.wants = [
        Reading(tool="git", action="log", input={**action, "limit": number})
        for number in range(1, 60)
    ]
    draft_id = await room.say()

    await room.drafts.look(draft_id)

    assert len(room.script.calls) == READS_AT_MOST


async def test_a_read_that_fails_or_may_not_be_made_is_evidence_too(room: Room) -> None:
    room.mind.wants = [LEVEL, Reading(tool="desk", action="note"), Reading(tool="no", action="no")]
    room.script.says("desk.look", bad("no answer"))
    draft_id = await room.say()

    await room.drafts.look(draft_id)

    seen = (await room.drafts.briefing(draft_id)).evidence
    assert [item.ok for item in seen] == [False, False, False]
    assert seen[0].summary == "no answer"
    assert room.script.calls == ["desk.look"]


async def test_a_plan_comes_of_a_proposal(room: Room) -> None:
    room.mind.answers = [plans()]
    draft_id = await room.say()

    await room.drafts.propose(draft_id)
    await room.drafts.propose(draft_id)

    assert (await room.draft(draft_id)).state is DraftState.DONE
    assert await room.pool.fetchval("SELECT count(*) FROM plan_versions") == 1
    assert room.mind.asked == 1


async def test_a_planner_is_not_asked_again_because_the_policy_was_away(room: Room) -> None:
    room.mind.answers = [plans()]
    draft_id = await room.say()
    room.policy.away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await room.drafts.propose(draft_id)
    room.policy.away = False

    await room.drafts.propose(draft_id)

    assert room.mind.asked == 1
    assert (await room.draft(draft_id)).state is DraftState.DONE


async def test_what_the_policy_forbids_ends_in_words(database: Database, tmp_path: Path) -> None:
    async with open_room(database, tmp_path, limits=Limits(stage="read-only")) as room:
        room.mind.answers = [plans(write())]
        draft_id = await room.say()

        await room.drafts.propose(draft_id)

        view = await room.views.findings(draft_id)
        made = await room.pool.fetchval("SELECT count(*) FROM plan_versions")
    assert view.draft.state is DraftState.FAILED
    assert view.outcome is not None
    assert "environment.stage" in view.outcome.text
    assert made == 0


async def test_of_two_quick_corrections_the_second_is_asked_to_say_it_again(room: Room) -> None:
    await room.planned(write())
    first, second = await room.say("make it 6"), await room.say("make it 7")
    room.mind.answers = [plans(write("6")), plans(write("7"))]

    await room.drafts.propose(first)
    await room.drafts.propose(second)

    assert (await room.draft(second)).state is DraftState.FAILED
    assert await whispers(room) == ["v1 was replaced by v2 meanwhile. Say it again for v2."]


async def test_a_remark_is_not_a_change(room: Room) -> None:
    version = await room.planned(write())
    room.mind.answers = [Outcome(kind=OutcomeKind.REMARK)]

    await room.drafts.propose(await room.say("thanks"))

    assert await notes(room) == []
    assert (await room.views.plan(version.plan_id)).version.version == 1


async def test_a_correction_that_ends_an_approval_asks_its_speaker_first(room: Room) -> None:
    ref = await room.approved(write())
    room.mind.answers = [plans(write("7"))]
    draft_id = await room.say("make it 7")

    await room.drafts.propose(draft_id)
    asked = await room.state(ref)
    await room.drafts.confirm(DANA, draft_id)

    assert await whispers(room) == ["Make this v2? Ann's approval of v1 ends."]
    assert asked is VersionState.APPROVED
    assert await room.state(ref) is VersionState.SUPERSEDED


async def test_an_approver_is_told_that_a_change_takes_their_approval(room: Room) -> None:
    await room.planned(write())
    room.mind.answers = [plans(write("7"))]

    await room.drafts.propose(await room.say("make it 7", actor=ANN))

    assert await whispers(room) == ["Make this v2? You can't approve it afterwards."]


async def test_only_the_speaker_confirms_and_only_once(room: Room) -> None:
    await room.approved(write())
    room.mind.answers = [plans(write("7"))]
    draft_id = await room.say("make it 7")
    await room.drafts.propose(draft_id)

    with pytest.raises(NotAllowed, match="Dana asked"):
        await room.drafts.confirm(ANN, draft_id)
    await room.drafts.confirm(DANA, draft_id)
    with pytest.raises(NotAllowed, match="already been settled"):
        await room.drafts.confirm(DANA, draft_id)
    with pytest.raises(NotAllowed, match="already been settled"):
        await room.drafts.drop(DANA, draft_id)


async def test_a_confirmation_counts_for_the_version_that_was_asked_about(room: Room) -> None:
    ref = await room.approved(write())
    room.mind.answers = [plans(write("7")), plans(write("8"))]
    first, second = await room.say("make it 7"), await room.say("make it 8")
    await room.drafts.propose(first)
    await room.drafts.propose(second)
    await room.drafts.confirm(DANA, second)

    with pytest.raises(Conflict, match="v1 was replaced by v2"):
        await room.drafts.confirm(DANA, first)

    assert (await room.draft(first)).state is DraftState.FAILED
    assert await room.state(ref) is VersionState.SUPERSEDED
    assert await room.state(VersionRef(plan_id=ref.plan_id, version=2)) is VersionState.WAITING


async def test_a_planner_that_fails_says_why_and_is_not_asked_for_ever(room: Room) -> None:
    async def plan(_: object) -> Outcome:
        raise DraftFailed("No usable plan came out of it.")

    room.mind.plan = plan  # type: ignore[method-assign, assignment]
    draft_id = await room.say()

    await room.drafts.propose(draft_id)

    view = await room.views.findings(draft_id)
    assert view.draft.state is DraftState.FAILED
    assert view.outcome is not None
    assert view.outcome.text == "No usable plan came out of it."


async def test_what_a_read_prints_is_kept_bounded(room: Room) -> None:
    room.mind.wants = [LEVEL]

    async def loud() -> object:
        return good(level="x").model_copy(update={"tail": "y" * 100_000})

    room.script.says("desk.look", loud)  # type: ignore[arg-type]
    draft_id = await room.say()

    await room.drafts.look(draft_id)

    assert len((await room.drafts.briefing(draft_id)).evidence[0].body) == 20_000


async def test_two_workers_on_one_request_make_one_plan(room: Room) -> None:
    room.mind.answers = [plans()]
    draft_id = await room.say()

    await asyncio.gather(room.drafts.propose(draft_id), room.drafts.propose(draft_id))

    assert (await room.draft(draft_id)).state is DraftState.DONE
    assert await room.pool.fetchval("SELECT count(*) FROM plans") == 1
