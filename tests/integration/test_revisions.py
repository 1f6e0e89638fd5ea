"""Editing, drafting again, running again and trying, on real rows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.draft import DraftState, How, Outcome, OutcomeKind
from engine.domain.ids import DraftId, PlanId
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.preview import Shown
from engine.errors import Conflict
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, look, note, open_room, plans, write
from tests.integration.script import HEAD, NEW, bad, good
from tests.unit.governing import ANN, BO, DANA


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        opened.script.says("git.preview_set_value", good(head=HEAD))
        yield opened


def of(version: PlanVersion) -> VersionRef:
    return VersionRef(plan_id=version.plan_id, version=version.version)


async def newest(room: Room) -> DraftId:
    return DraftId(await room.pool.fetchval("SELECT id::text FROM drafts ORDER BY id DESC LIMIT 1"))


async def drafted(room: Room) -> DraftId:
    """The worker's part for the newest request."""
    draft_id = await newest(room)
    await room.drafts.look(draft_id)
    await room.drafts.propose(draft_id)
    return draft_id


async def current(room: Room, version: PlanVersion) -> PlanVersion:
    async with room.store.begin() as unit:
        return await unit.plans.current(version.plan_id)


async def reject(room: Room, version: PlanVersion, reason: str) -> None:
    await room.gate.decide(
        ANN, version.plan_id, 1, Verdict.REJECT, surface=Surface.BUTTON, reason=reason
    )


async def whispers(room: Room) -> list[str]:
    rows = await room.pool.fetch("SELECT body->>'text' AS said FROM posts WHERE kind = 'whisper'")
    return [row["said"] for row in rows]


async def test_an_edit_becomes_the_next_version_without_asking_a_planner(room: Room) -> None:
    made = await room.planned(write("5"), level())

    await room.revisions.edit(DANA, made.plan_id, 1, {1: {"value": "6"}})
    await drafted(room)

    second = await current(room, made)
    assert (second.version, second.changed_by) == (2, "Dana")
    assert second.changes == ("step 1 pool 5 -> 6",)
    assert second.title == "Pool size 6"
    assert room.mind.asked == 0
    assert await room.state(of(made)) is VersionState.SUPERSEDED


async def test_a_form_shows_what_a_person_may_fill_in_and_says_what_is_wrong(room: Room) -> None:
    made = await room.planned(write("5"), level())
    form = await room.revisions.form(made.plan_id, 1)

    names = [field.name for field in form.steps[0].fields]
    wrong = await room.revisions.problems(
        made.plan_id, 1, {1: {"key": "a b", "value": None}, 2: {"expect.hold_seconds": "soon"}}
    )
    same = await room.revisions.problems(made.plan_id, 1, {1: {"value": "5"}})

    assert names == ["remote", "branch", "path", "key", "value"]
    assert form.steps[0].values["value"] == "5"
    assert set(wrong) == {"1:key", "1:value", "2:expect.hold_seconds"}
    assert "Nothing is different from v1" in same["1:value"]


async def test_an_edit_that_costs_somebody_something_is_asked_about_once(room: Room) -> None:
    made = await room.planned(write("5"))
    await room.approve(made, ANN)

    await room.revisions.edit(BO, made.plan_id, 1, {1: {"value": "6"}})
    draft_id = await drafted(room)

    assert "Ann's approval of v1 ends." in (await whispers(room))[-1]
    assert "You can't approve it afterwards." in (await whispers(room))[-1]
    await room.drafts.confirm(BO, draft_id)
    assert (await current(room, made)).editors == (DANA.id, BO.id)
    assert await room.state(of(made)) is VersionState.SUPERSEDED


async def test_an_edit_of_an_old_version_is_told_so(room: Room) -> None:
    made = await room.planned(write("5"))
    await room.revisions.edit(DANA, made.plan_id, 1, {1: {"value": "6"}})
    await drafted(room)

    with pytest.raises(Conflict, match="v1 was replaced by v2"):
        await room.revisions.edit(DANA, made.plan_id, 1, {1: {"value": "7"}})


async def test_what_expired_is_drafted_again_with_the_head_of_today(room: Room) -> None:
    made = await room.planned(write("5"))
    room.later(5 * 3600)
    await room.next(of(made))
    room.script.says("git.head", good(head=NEW))

    await room.revisions.again(ANN, made.plan_id, 1)
    await drafted(room)

    second = await current(room, made)
    assert second.version == 2
    assert second.steps[0].call.input["expected_head"] == NEW
    assert second.requester == DANA.id
    assert ANN.id in second.editors


async def test_what_is_over_runs_again_as_a_plan_of_its_own(room: Room) -> None:
    ref = await room.approved(write("5"))
    await room.work(ref)
    room.script.says("git.head", good(head=NEW))

    await room.revisions.again(BO, ref.plan_id, 1)
    await drafted(room)

    references = await room.pool.fetch("SELECT id::text, reference FROM plans ORDER BY reference")
    assert len(references) == 2
    async with room.store.begin() as unit:
        second = await unit.plans.current(references[1]["id"])
        state = await unit.plans.state(second.plan_id, 1)
    assert (second.version, second.requester, state) == (1, BO.id, VersionState.WAITING)
    with pytest.raises(Conflict):
        await room.revisions.again(BO, second.plan_id, 1)


async def test_what_is_over_has_one_open_rerun_at_a_time(room: Room) -> None:
    ref = await room.approved(write("5"))
    await room.work(ref)
    room.script.says("git.head", good(head=NEW))
    await room.revisions.again(BO, ref.plan_id, 1)

    with pytest.raises(Conflict, match="is being drafted again already"):
        await room.revisions.again(BO, ref.plan_id, 1)
    await drafted(room)
    again = (await room.views.plan(ref.plan_id)).again
    with pytest.raises(Conflict, match="Bo asked for it again: look at the card of P-"):
        await room.revisions.again(DANA, ref.plan_id, 1)

    assert again is not None
    assert (again.by, again.reference[:2]) == ("Bo", "P-")
    assert await room.pool.fetchval("SELECT count(*) FROM plans") == 2


async def test_what_runs_again_tells_what_is_no_longer_as_it_was(room: Room) -> None:
    ref = await room.approved(write("5"))
    await room.work(ref)
    room.script.says("git.head", good(head=NEW))
    room.script.says("git.preview_set_value", bad("pool is 5 in settings.yaml already."))

    await room.revisions.again(BO, ref.plan_id, 1)
    await drafted(room)

    made = await room.pool.fetchval("SELECT id::text FROM plans ORDER BY id DESC LIMIT 1")
    warnings = (await room.views.plan(PlanId(made))).version.warnings
    assert warnings[0].endswith("fails: pool is 5 in settings.yaml already.")
    assert warnings[1].endswith("of step 1 moved from aaaaaaa to bbbbbbb.")


async def test_what_can_not_be_drafted_again_can_be_asked_for_once_more(room: Room) -> None:
    ref = await room.approved(write("5"))
    await room.work(ref)
    room.script.says("git.head", bad("shop-config can't be reached."), good(head=NEW))

    await room.revisions.again(BO, ref.plan_id, 1)
    asked = (await room.views.plan(ref.plan_id)).again
    await drafted(room)
    failed = (await room.views.plan(ref.plan_id)).again
    await room.revisions.again(BO, ref.plan_id, 1)

    assert asked is not None
    assert failed is None
    assert (await room.views.plan(ref.plan_id)).again is not None


async def test_a_value_that_can_not_be_written_is_told_on_the_card(room: Room) -> None:
    room.script.says("git.preview_set_value", bad("settings.yaml has no key pool."))

    room.mind.answers = [plans(write("5"))]
    await room.say("set pool to 5 for checkout")
    await drafted(room)

    made = await room.pool.fetchval("SELECT id::text FROM plans")
    assert (await room.views.plan(made)).version.warnings == (
        "Step 1 was tried without changing anything, and fails: settings.yaml has no key pool.",
    )


async def test_a_plan_that_can_not_be_pinned_again_is_said_to_whoever_asked(room: Room) -> None:
    ref = await room.approved(write("5"))
    await room.work(ref)
    room.script.says("git.head", bad("shop-config can't be reached."))

    await room.revisions.again(BO, ref.plan_id, 1)
    draft_id = await drafted(room)

    assert (await room.draft(draft_id)).state is DraftState.FAILED
    assert (await whispers(room))[-1].endswith("shop-config can't be reached.")
    assert await room.posts("note") == 0


async def test_the_reason_of_a_rejection_steers_the_next_draft(room: Room) -> None:
    made = await room.planned(write("5"))
    await reject(room, made, "use 6 instead")
    room.mind.answers = [plans(write("6"))]
    room.script.says("git.head", good(head=HEAD))

    await room.revisions.again(DANA, made.plan_id, 1)
    draft_id = await drafted(room)

    draft = await room.draft(draft_id)
    assert (draft.text, draft.how) == ("use 6 instead", How.PRESSED)
    assert (await current(room, made)).version == 2
    assert await room.state(of(made)) is VersionState.REJECTED


async def test_a_reason_that_says_nothing_to_change_is_answered(room: Room) -> None:
    made = await room.planned(write("5"))
    await reject(room, made, "not today")
    room.mind.answers = [Outcome(kind=OutcomeKind.REMARK)]

    await room.revisions.again(DANA, made.plan_id, 1)
    await drafted(room)

    assert "“not today” does not tell me what to change" in (await whispers(room))[-1]
    assert (await current(room, made)).version == 1


async def test_a_dry_run_tells_each_step_and_what_can_not_be_told(room: Room) -> None:
    made = await room.planned(write("5"), note(), look(), context=STAGING)

    found = await room.previews.version(made.plan_id)

    assert [step.shown for step in found.steps] == [
        Shown.DIFFERENCE,
        Shown.NO_DRY_RUN,
        Shown.READ,
    ]
    assert found.steps[0].text == "git.preview_set_value ran"
    assert "git.set_value" not in room.script.calls


async def test_a_branch_that_moved_is_told_in_the_dry_run(room: Room) -> None:
    made = await room.planned(write("5"))
    room.script.says("git.preview_set_value", good(head=NEW))

    found = await room.previews.version(made.plan_id)

    assert "moved from aaaaaaa to bbbbbbb" in found.steps[0].note


async def test_a_dry_run_is_shown_once_in_the_thread_however_often_it_is_pressed(
    room: Room,
) -> None:
    made = await room.planned(write("5"))

    await room.previews.ask(ANN, made.plan_id, 1)
    await room.previews.ask(ANN, made.plan_id, 1)
    await room.previews.tell(made.plan_id, 1, "Ann")

    jobs = await room.pool.fetchval(
        "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'plan.preview'"
    )
    assert jobs == 1
    assert await room.posts("note") == 1
