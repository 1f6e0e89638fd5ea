"""A correction makes the next version of the same card, and ends what was agreed to before."""

import pytest

from bot.local.slack.person import Person, buttons, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Thread, ask, press, reference, whisper
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
REQUEST = "checkout is failing since the last config change, roll it back"


async def test_a_correction_becomes_version_2_on_the_same_card(rig: Rig) -> None:
    await rig.broken()
    good = (await rig.commits())[1]
    thread = await ask(rig.dana, REQUEST)
    first = await thread.card("Waiting for approval", " v1")
    plan = reference(first)

    await rig.dana.say(thread.channel, f"use revision {good[:12]} instead", thread.ts)
    second = await thread.card("Waiting for approval", " v2")

    assert second["ts"] == first["ts"]
    assert len(await thread.cards()) == 1
    assert "Changed from v1" in plain(second)
    assert good[:7] in plain(second)
    assert await rig.versions(plan) == {1: "superseded", 2: "waiting"}

    await press(rig.dana, second, "Approve")
    await whisper(rig.dana, thread, "You asked for this plan", "someone else")
    await press(rig.bo, second, "Approve")
    done = await thread.card("Done in", within=60)

    assert "approved by Bo" in plain(done)
    assert await rig.healthy()
    assert len(await rig.executions(plan)) == 1


async def test_who_presses_on_the_old_version_is_told_that_there_is_a_new_one(rig: Rig) -> None:
    await rig.broken()
    good = (await rig.commits())[1]
    thread = await ask(rig.dana, REQUEST)
    first = await thread.card("Waiting for approval", " v1")
    plan = reference(first)
    await rig.control.latency("chat.update", 5)  # the card in Slack lags behind

    await rig.dana.say(thread.channel, f"use revision {good[:12]} instead", thread.ts)

    async def replaced() -> bool:
        return len(await rig.versions(plan)) == 2

    await until(replaced, within=30, what="version 2")
    await press(rig.ann, first, "Approve")
    await whisper(rig.ann, thread, "v1 was replaced by v2")

    assert await rig.versions(plan) == {1: "superseded", 2: "waiting"}
    assert await rig.executions(plan) == []


async def approved_and_waiting(rig: Rig) -> tuple[Thread, str]:
    """A plan that Ann has approved and that waits until another one is through."""
    thread = await ask(rig.dana, "quick drill on practice")
    card = await thread.card("Waiting for approval")
    other = await ask(rig.dana, "long drill on practice")
    await press(rig.bo, await other.card("Waiting for approval"), "Approve")
    await other.card("Running step 1")
    await press(rig.ann, card, "Approve")
    await thread.card("which changes practice in staging", "Approved by Ann")
    return thread, reference(card)


async def test_an_approved_plan_that_still_waits_can_be_cancelled(rig: Rig) -> None:
    thread, plan = await approved_and_waiting(rig)

    await press(
        rig.bo, await thread.card("which changes practice in staging", "[ Cancel ]"), "Cancel"
    )
    card = await thread.card("Cancelled by Bo Lindqvist")

    assert list(buttons(card)) == ["Run again"]
    assert await rig.versions(plan) == {1: "withdrawn"}
    assert [one["state"] for one in await rig.executions(plan)] == ["cancelled"]


@pytest.mark.long
async def test_a_change_that_ends_approvals_is_asked_about_in_private(rig: Rig) -> None:
    older = (await rig.commits())[1]
    thread, plan = await approved_and_waiting(rig)

    await rig.dana.say(thread.channel, f"use revision {older[:12]} instead", thread.ts)
    question = await whisper(
        rig.dana, thread, "Make this v2", "Ann's approval of v1 ends", within=20
    )
    await press(rig.dana, question, "Leave it")
    await whisper(rig.dana, thread, "stays as it is")
    assert await rig.versions(plan) == {1: "approved"}

    await rig.dana.say(thread.channel, f"use revision {older[:12]} instead", thread.ts)
    again = await whispered_after(rig.dana, thread, question)
    await press(rig.dana, again, "Make it")
    card = await thread.card(" v2", "Waiting for approval", "0 of 1")

    assert older[:7] in plain(card)
    assert await rig.versions(plan) == {1: "superseded", 2: "waiting"}
    assert {one["state"] for one in await rig.executions(plan)} <= {"cancelled"}


async def test_an_approver_who_corrects_is_told_that_it_costs_the_vote(rig: Rig) -> None:
    await rig.broken()
    good = (await rig.commits())[1]
    thread = await ask(rig.dana, REQUEST)
    plan = reference(await thread.card(" v1"))

    await rig.ann.say(thread.channel, f"use revision {good[:12]} instead", thread.ts)
    question = await whisper(rig.ann, thread, "You can't approve it afterwards", within=20)
    assert await rig.versions(plan) == {1: "waiting"}

    await press(rig.ann, question, "Make it")
    card = await thread.card(" v2")
    await press(rig.ann, card, "Approve")
    await whisper(rig.ann, thread, "someone else")
    assert await rig.versions(plan) == {1: "superseded", 2: "waiting"}

    await press(rig.bo, card, "Approve")
    await thread.card("Done in", "approved by Bo", within=60)


async def whispered_after(
    person: Person, thread: Thread, before: dict[str, object]
) -> dict[str, object]:
    """The next private question, later than one that was answered."""
    ts = float(str(before["ts"]))
    return await person.wait_for(
        lambda one: (
            one["ephemeral_to"] == person.user_id
            and thread.inside(one)
            and float(one["ts"]) > ts
            and "Make it" in buttons(one)
        ),
        timeout=20,
        what="a second question",
    )
