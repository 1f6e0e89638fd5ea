"""Temporal, Redis and Postgres die and come back, with and without what they knew."""

import pytest

from bot.local.slack.person import plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import press, reference
from tests.faults.breaking import Drill, asked, effects, ended_once, killed, reconnected, started

pytestmark = pytest.mark.asyncio(loop_scope="session")
BEFORE, AFTER = "waiting before the push", "waiting after the push"


async def without_memory(rig: Rig) -> None:
    """Kill Temporal so that its next start finds no database."""
    folder = rig.up.stack.folder.part("temporal")
    found = sorted(folder.glob("temporal.db*"))
    assert found
    for path in found:
        path.unlink()
    await killed(rig, "temporal")


async def test_temporal_killed_in_a_step_goes_on_from_its_database(rig: Rig) -> None:
    drill = await started(rig, "slow drill", until_it_says=BEFORE)

    await killed(rig, "temporal")

    await ended_once(rig, drill)


async def test_temporal_without_its_database_goes_on_from_the_records(rig: Rig) -> None:
    drill = await started(rig, "slow drill", until_it_says=BEFORE)

    await without_memory(rig)

    await ended_once(rig, drill, within=90)


@pytest.mark.long
async def test_a_plan_that_waits_survives_the_loss_of_temporal(rig: Rig) -> None:
    thread, card = await asked(rig, "quick drill")

    await without_memory(rig)
    await press(rig.ann, card, "Approve")

    await ended_once(rig, Drill(thread, reference(card)), within=90)


@pytest.mark.long
async def test_what_is_asked_while_temporal_is_away_is_drafted_when_it_is_back(rig: Rig) -> None:
    await killed(rig, "temporal")

    thread, card = await asked(rig, "quick drill")
    await press(rig.ann, card, "Approve")

    await ended_once(rig, Drill(thread, reference(card)))


@pytest.mark.long
async def test_redis_killed_loses_nothing(rig: Rig) -> None:
    drill = await started(rig, "slow drill", until_it_says=BEFORE)

    await killed(rig, "redis")

    await ended_once(rig, drill)
    assert "waited before the push" in plain(await drill.thread.log("waited before the push"))


@pytest.mark.long
async def test_postgres_killed_in_a_step_ends_it_once(rig: Rig) -> None:
    drill = await started(rig, "late drill", until_it_says=AFTER)

    await killed(rig, "postgres")
    await reconnected(rig)

    await ended_once(rig, drill, within=90)


async def test_postgres_killed_right_after_a_press_has_kept_it(rig: Rig) -> None:
    thread, card = await asked(rig, "quick drill")

    assert await press(rig.ann, card, "Approve")
    await killed(rig, "postgres")
    await reconnected(rig)

    drill = Drill(thread, reference(card))
    await ended_once(rig, drill, within=90)
    assert await effects(rig, drill) == 1
