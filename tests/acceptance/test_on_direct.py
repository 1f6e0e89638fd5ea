"""A handful of the acceptance tests without Temporal; `make ci-long` runs all of them so."""

from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio

from bot.local.slack.person import plain
from tests.acceptance.rig import DRILL, Rig, engine_of_tests, open_rig
from tests.acceptance.test_failing_check import (
    test_without_a_press_it_is_rolled_back_and_checked_again,
)
from tests.acceptance.test_golden_path import test_a_sentence_becomes_an_approved_verified_rollback
from tests.acceptance.test_stopping import (
    test_cancel_stops_the_tool_within_seconds_and_nothing_was_changed,
)
from tests.faults.breaking import all_up, ended_once, killed, started

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(engine_of_tests() == "direct", reason="all of them run on it now"),
]
BEFORE, AFTER = "waiting before the push", "waiting after the push"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def directly(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A Carapulse without Temporal."""
    added = replace(DRILL, engine="direct")
    async with open_rig(tmp_path_factory.mktemp("direct"), added) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def rig(directly: Rig) -> AsyncIterator[Rig]:
    """The same for one test, in good order."""
    await directly.control.reset()
    await directly.mended()
    yield directly
    assert (await directly.control.stats())["invalid"] == []


async def test_it_is_ready_without_temporal(rig: Rig) -> None:
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"{rig.up.http_url}/readyz")
        told = await answer.json()

    assert "temporal" not in told["checks"]
    assert rig.up.stack.temporal_address is None


async def test_a_worker_killed_after_the_effect_is_replaced_and_nothing_repeated(rig: Rig) -> None:
    drill = await started(rig, "late drill", until_it_says=AFTER)

    await killed(rig, "worker")

    done = await ended_once(rig, drill)
    assert "it took effect, as its probe shows" in plain(done)
    await all_up(rig)


__all__ = [
    "test_a_sentence_becomes_an_approved_verified_rollback",
    "test_cancel_stops_the_tool_within_seconds_and_nothing_was_changed",
    "test_without_a_press_it_is_rolled_back_and_checked_again",
]
