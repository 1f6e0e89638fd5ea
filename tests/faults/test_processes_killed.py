"""kill -9 at the worst moments: the work ends once, or somebody is asked."""

import asyncio

import pytest

from bot.local.slack.person import NotDone, buttons, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import ask, press, reference
from tests.faults.breaking import Drill, all_up, asked, effects, ended_once, killed, started

pytestmark = pytest.mark.asyncio(loop_scope="session")
BEFORE, AFTER = "waiting before the push", "waiting after the push"


async def test_a_worker_killed_before_the_effect_is_replaced_and_the_step_made_once(
    rig: Rig,
) -> None:
    drill = await started(rig, "slow drill", until_it_says=BEFORE)

    await killed(rig, "worker")

    done = await ended_once(rig, drill)
    assert "approved by Ann" in plain(done)


async def test_a_worker_killed_after_the_effect_does_not_repeat_it(rig: Rig) -> None:
    drill = await started(rig, "late drill", until_it_says=AFTER)
    assert await effects(rig, drill) == 1

    await killed(rig, "worker")

    done = await ended_once(rig, drill)
    assert "it took effect, as its probe shows" in plain(done)


async def test_without_a_probe_the_outcome_is_unknown_and_a_person_retries(rig: Rig) -> None:
    drill = await started(rig, "unproven drill", until_it_says=BEFORE)

    await killed(rig, "worker")
    card = await drill.thread.card("I don't know whether step 1 took effect", within=60)
    assert set(buttons(card)) == {"Mark done", "Retry", "Roll back"}
    assert await effects(rig, drill) == 0
    assert [one["state"] for one in await rig.executions(drill.plan)] == ["needs_decision"]

    await press(rig.bo, card, "Retry")
    await ended_once(rig, drill)


@pytest.mark.long
async def test_without_a_probe_a_person_can_say_that_it_is_done(rig: Rig) -> None:
    drill = await started(rig, "unsettled drill", until_it_says=AFTER)

    await killed(rig, "worker")
    card = await drill.thread.card("I don't know whether step 1 took effect", within=60)
    assert await effects(rig, drill) == 1

    await press(rig.bo, card, "Mark done")
    await ended_once(rig, drill)


@pytest.mark.long
async def test_a_worker_killed_while_it_drafts_leaves_one_card(rig: Rig) -> None:
    thread = await ask(rig.dana, "quick drill on checkout")

    await killed(rig, "worker")

    card = await thread.card("Waiting for approval", within=60)
    assert len(await thread.cards()) == 1
    await press(rig.ann, card, "Approve")
    await ended_once(rig, Drill(thread, reference(card)))


async def test_a_bot_killed_right_after_a_press_has_not_lost_it(rig: Rig) -> None:
    thread, card = await asked(rig, "quick drill")

    assert await press(rig.ann, card, "Approve")
    await killed(rig, "bot")

    await ended_once(rig, Drill(thread, reference(card)))


@pytest.mark.long
async def test_a_bot_killed_in_the_moment_of_a_press_starts_it_at_most_once(rig: Rig) -> None:
    thread, card = await asked(rig, "quick drill")

    pressing = asyncio.create_task(press(rig.ann, card, "Approve"))
    await asyncio.sleep(0)
    await killed(rig, "bot")
    acked = await pressing
    await all_up(rig)
    drill = Drill(thread, reference(card))
    if not acked and await rig.executions(drill.plan) == []:
        await press_until_taken(rig, drill)  # the page said that it did not work

    await ended_once(rig, drill)


async def press_until_taken(rig: Rig, drill: Drill) -> None:
    """Press again, as somebody does whose press was not taken."""
    card = (await drill.thread.cards())[0]
    if "Approve" not in buttons(card):
        return
    try:
        await press(rig.ann, card, "Approve")
    except NotDone:
        return  # the card has changed meanwhile: the first press had arrived


@pytest.mark.long
async def test_a_bot_killed_while_it_runs_brings_the_card_up_to_date(rig: Rig) -> None:
    drill = await started(rig, "slow drill", until_it_says=BEFORE)

    await killed(rig, "bot")

    await ended_once(rig, drill)


@pytest.mark.long
async def test_worker_and_bot_killed_together_end_it_all_the_same(rig: Rig) -> None:
    drill = await started(rig, "late drill", until_it_says=AFTER)

    await asyncio.gather(killed(rig, "worker"), killed(rig, "bot"))

    await ended_once(rig, drill)
