"""A plan is edited, tried, asked about, drafted again and run again, as a person does it."""

from typing import Any

import pytest

from bot.local.slack.person import Person, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Message, Thread, ask, press, reference, whisper
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
ROLL_BACK = "checkout is failing since the last config change, roll it back"
SET = "set pool_size to 20 for checkout in prod"
POOL = "1:value"


def text(value: str) -> dict[str, str]:
    return {"type": "plain_text_input", "value": value}


async def dialog(person: Person, message: Message, label: str) -> dict[str, Any]:
    """The dialog that a press opens."""
    await press(person, message, label)
    return await person.wait_for_view(what=f"the dialog of {label}")


async def test_an_edited_value_is_checked_in_the_dialog_and_becomes_the_next_version(
    rig: Rig,
) -> None:
    await rig.mended()
    thread = await ask(rig.dana, SET)
    first = await thread.card("Waiting for approval", " v1")

    view = await dialog(rig.dana, first, "Edit")
    wrong = await rig.dana.submit(view["id"], {POOL: {"value": text("abc\u202e")}})
    assert "control character" in wrong["errors"][POOL]

    made = await rig.dana.submit(view["id"], {POOL: {"value": text("30")}})
    second = await thread.card("Waiting for approval", " v2")

    assert made["ok"]
    assert second["ts"] == first["ts"]
    assert "Changed from v1 by Dana" in plain(second)
    assert "pool_size 20 -> 30" in plain(second).replace("&gt;", ">")
    assert "Set checkout pool_size to 30" in plain(second)
    plan = reference(second)
    status, told = await rig.api(f"/v1/plans/{plan}/versions/2/diff")
    assert status == 200
    assert told["against"] == 1
    assert [one["said"] for one in told["changes"]] == ["step 1 pool_size 20 -> 30"]
    assert (await rig.api(f"/v1/plans/{plan}/versions/9/diff"))[0] == 404
    assert (await rig.api(f"/v1/plans/{plan}/versions/x/diff"))[0] == 404
    assert (await rig.api(f"/v1/plans/{plan}/diff", token="wrong"))[0] == 401


async def test_an_approver_who_edits_is_asked_first_and_cannot_approve_afterwards(rig: Rig) -> None:
    thread = await ask(rig.dana, SET)
    card = await thread.card("Waiting for approval", " v1")
    plan = reference(card)

    view = await dialog(rig.ann, card, "Edit")
    await rig.ann.submit(view["id"], {POOL: {"value": text("25")}})
    question = await whisper(rig.ann, thread, "Make this v2", "You can't approve it", within=20)
    assert await rig.versions(plan) == {1: "waiting"}
    await press(rig.ann, question, "Make it")
    second = await thread.card(" v2", "Waiting for approval")
    await press(rig.ann, second, "Approve")
    await whisper(rig.ann, thread, "someone else")

    assert "changed by Ann" in plain(second) or "by Ann" in plain(second)
    assert await rig.versions(plan) == {1: "superseded", 2: "waiting"}


async def test_a_dry_run_shows_the_difference_and_pushes_nothing(rig: Rig) -> None:
    thread = await ask(rig.dana, SET)
    card = await thread.card("Waiting for approval")
    head = await rig.head()

    await press(rig.bo, card, "Dry run")
    shown = await thread.message("Dry run of", "Nothing was changed", within=30)

    assert "+pool_size: 20" in plain(shown)
    assert "-pool_size: " in plain(shown)
    assert await rig.head() == head
    status, told = await rig.api(f"/v1/plans/{reference(card)}/diff")
    assert status == 200
    assert "+pool_size: 20" in told["steps"][0]["diff"]


async def test_talking_about_a_plan_answers_without_a_version(rig: Rig) -> None:
    thread = await ask(rig.dana, SET)
    plan = reference(await thread.card("Waiting for approval"))

    await rig.dana.say(thread.channel, "what does step 1 do exactly?", thread.ts)
    await thread.message("Step 1:", "set_value.py", within=20)
    await rig.dana.say(thread.channel, "what if it fails?", thread.ts)
    await thread.message("Then nothing further starts", within=20)
    await rig.bo.say(thread.channel, "who can approve?", thread.ts)
    await thread.message("must approve v1", "Ann", within=20)
    await rig.bo.say(thread.channel, "lunch at 12?", thread.ts)
    await rig.dana.say(thread.channel, "dry run first", thread.ts)
    await thread.message("Dry run of", within=30)

    assert await rig.versions(plan) == {1: "waiting"}


async def test_a_rejection_with_its_reason_becomes_a_new_draft(rig: Rig) -> None:
    thread = await ask(rig.dana, SET)
    card = await thread.card("Waiting for approval")
    plan = reference(card)

    view = await dialog(rig.bo, card, "Reject")
    await rig.bo.submit(view["id"], {"reason": {"text": text("use 15 instead")}})
    rejected = await thread.card("Rejected by Bo", "use 15 instead", "[ Draft again ]")
    await press(rig.dana, rejected, "Draft again")
    again = await thread.card(" v2", "Waiting for approval")

    assert "pool_size to 15" in plain(again)
    assert await rig.versions(plan) == {1: "rejected", 2: "waiting"}


async def test_steps_are_dropped_by_word_and_what_needs_them_is_named(rig: Rig) -> None:
    thread = await ask(rig.dana, SET)
    plan = reference(await thread.card("Waiting for approval"))

    await rig.dana.say(thread.channel, "drop step 1", thread.ts)
    await thread.message("Step 2", "needs what step 1 leaves behind", within=20)
    await rig.dana.say(thread.channel, "drop step 3", thread.ts)
    card = await thread.card(" v2", "step 3 removed", within=20)

    assert "step 3 removed" in plain(card)
    assert len(await rig.versions(plan)) == 2


async def test_what_is_over_can_be_run_again_as_a_plan_of_its_own(rig: Rig) -> None:
    await rig.mended()
    thread = await ask(rig.dana, "set pool_size to 12 for checkout in prod")
    card = await thread.card("Waiting for approval")
    await press(rig.bo, card, "Approve")
    done = await thread.card("Done in", "[ Run again ]", within=60)

    await press(rig.dana, done, "Run again")

    async def two() -> bool:
        return len(await thread.cards()) == 2

    await until(two, within=30, what="the second card")
    second = (await thread.cards())[-1]
    assert reference(second) != reference(done)
    assert "Waiting for approval" in plain(second)
    assert (await rig.head())[:7] in plain(second) or (await rig.head()) in plain(second)


async def test_what_a_restore_takes_along_stands_on_the_card(rig: Rig) -> None:
    base = await rig.head()
    await rig.write("one more", 13)
    await rig.write("and another", 14)
    await rig.write("and a third", 15)
    await until(rig.healthy, within=30, what="checkout to follow")
    thread: Thread = await ask(rig.dana, f"put checkout in prod back to {base[:12]}")

    card = await thread.card("Waiting for approval")

    assert "also takes back 2 later commits" in plain(card)
    assert "and a third" in plain(card)
    await rig.write("as before", 10)
