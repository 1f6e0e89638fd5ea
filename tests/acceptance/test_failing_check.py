"""A step's check fails: everybody can stop the clock, and without a press it is undone."""

import re

import pytest

from bot.local.slack.person import buttons, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Message, Thread, ask, press, reference
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
OFFERED = {"Hold", "Retry", "Skip", "Roll back now"}


async def failed(rig: Rig) -> tuple[Thread, Message]:
    """A plan that puts the bad setting back, approved; its card once the check has failed."""
    bad = await rig.broken()
    await rig.write("mended by hand", 10)
    await until(rig.healthy, within=30, what="checkout to recover")
    thread = await ask(rig.dana, f"put checkout back to revision {bad[:12]}")
    card = await thread.card("Waiting for approval")
    await press(rig.ann, card, "Approve")
    return thread, await thread.card(":warning:", "Step 3 failed", "Undoing step 1", within=60)


async def test_without_a_press_it_is_rolled_back_and_checked_again(rig: Rig) -> None:
    thread, card = await failed(rig)
    outcome = await thread.outcome(":warning:", "Step 3 failed")
    assert set(buttons(card)) == OFFERED
    assert "Decide on the card" in plain(outcome)

    over = await thread.card(":red_circle:", "Failed and rolled back", "Undone: step 1", within=60)
    await thread.outcome(":red_circle:", "Failed and rolled back")

    assert list(buttons(over)) == ["Run again"]
    await until(rig.healthy, within=20, what="checkout to be what it was")
    assert re.search(r"Checked again: error rate [0-4](\.\d+)? % \(limit 5 %\), held", plain(over))
    execution = (await rig.executions(reference(card)))[0]
    marks = [one for one in await rig.marks() if one.startswith(f"{execution['plan_id']}.")]
    assert sorted(marks) == [f"{execution['plan_id']}.1.1", f"{execution['plan_id']}.1.1-undo"]


async def test_hold_stops_the_clock_until_somebody_rolls_back(rig: Rig) -> None:
    thread, card = await failed(rig)

    await press(rig.bo, card, "Hold")
    held = await thread.card("Nothing happens until you decide", without="Undoing")
    assert set(buttons(held)) == {"Retry", "Skip", "Roll back"}
    assert (await rig.executions(reference(card)))[0]["countdown_until"] is None

    await press(rig.bo, held, "Roll back")
    await thread.card("Failed and rolled back", within=60)
    await until(rig.healthy, within=20, what="checkout to be what it was")


@pytest.mark.long
async def test_roll_back_now_does_not_wait(rig: Rig) -> None:
    thread, card = await failed(rig)

    await press(rig.ann, card, "Roll back now")

    await thread.card("Failed and rolled back", "Undone: step 1", within=60)
    await until(rig.healthy, within=20, what="checkout to be what it was")


async def test_retry_checks_again_and_goes_on_when_it_holds(rig: Rig) -> None:
    thread, card = await failed(rig)
    await press(rig.ann, card, "Hold")
    held = await thread.card("Nothing happens until you decide", without="Undoing")
    await rig.mended()

    await press(rig.ann, held, "Retry")
    done = await thread.card(":large_green_circle:", "Done in", within=60)

    assert "approved by Ann" in plain(done)
    assert [one["state"] for one in await rig.executions(reference(card))] == ["succeeded"]
