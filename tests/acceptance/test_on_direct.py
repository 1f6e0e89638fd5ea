"""A handful of the acceptance tests without Temporal; `make ci-long` runs all of them so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.acceptance.rig import DRILL, Rig, engine_of_tests
from tests.acceptance.test_failing_check import (
    test_without_a_press_it_is_rolled_back_and_checked_again,
)
from tests.acceptance.test_golden_path import test_a_sentence_becomes_an_approved_verified_rollback
from tests.acceptance.test_stopping import (
    test_cancel_stops_the_tool_within_seconds_and_nothing_was_changed,
)
from tests.faults.dying import dies_at, open_mortal

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(engine_of_tests() == "direct", reason="all of them run on it now"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a place to die at is armed."""
    return tmp_path_factory.mktemp("places")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def directly(tmp_path_factory: pytest.TempPathFactory, places: Path) -> AsyncIterator[Rig]:
    """A Carapulse without Temporal, whose processes can be ended at a place."""
    added = replace(DRILL, engine="direct")
    async with open_mortal(tmp_path_factory.mktemp("direct"), places, added) as opened:
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


@pytest.mark.parametrize("point", ["K07", "K12"])
async def test_a_worker_that_dies_is_replaced_and_nothing_is_lost_or_repeated(
    rig: Rig, places: Path, point: str
) -> None:
    """With an approval not acted on; with a call whose result is not stored."""
    await dies_at(rig, places, point)


__all__ = [
    "test_a_sentence_becomes_an_approved_verified_rollback",
    "test_cancel_stops_the_tool_within_seconds_and_nothing_was_changed",
    "test_without_a_press_it_is_rolled_back_and_checked_again",
]
