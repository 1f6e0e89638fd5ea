"""kill -9 at the seventeen named places: it ends, nothing is done twice, and the card tells it."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from engine.crossing import crossing
from engine.errors import ConfigurationError
from engine.settings import Settings
from tests.acceptance.rig import DRILL, Rig
from tests.faults.breaking import all_up
from tests.faults.dying import ALL, dies_at, open_mortal

ROUNDS = 5
SOURCES = Path(__file__).parents[2]


def test_every_place_is_in_the_code_once_and_passing_it_does_nothing() -> None:
    text = "".join(
        path.read_text()
        for top in ("engine", "bot")
        for path in sorted((SOURCES / top).rglob("*.py"))
    )

    found = re.findall(r'"(K\d\d)"', text)

    assert sorted(found) == list(ALL)
    assert len(ALL) == 17
    for name in ALL:
        crossing(name)


def test_no_installation_can_be_told_to_die(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARAPULSE_TEST_FAULT", "K07")

    with pytest.raises(ConfigurationError, match="CARAPULSE_TEST_FAULT"):
        Settings.load()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a place is armed."""
    return tmp_path_factory.mktemp("places")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mortal(tmp_path_factory: pytest.TempPathFactory, places: Path) -> AsyncIterator[Rig]:
    """A Carapulse whose processes can be ended at a place; on the engine of the tests."""
    added = replace(DRILL, durable=True)
    async with open_mortal(tmp_path_factory.mktemp("points"), places, added) as rig:
        yield rig


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", range(1, ROUNDS + 1))
@pytest.mark.parametrize("point", ALL)
async def test_a_process_that_dies_at_a_place_loses_and_repeats_nothing(
    mortal: Rig, places: Path, point: str, turn: int
) -> None:
    await mortal.control.reset()
    await all_up(mortal)

    await dies_at(mortal, places, point)
