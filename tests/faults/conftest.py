"""A Carapulse of its own for the faults; each test leaves every component running again."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.acceptance.rig import DRILL, Rig, open_rig
from tests.faults.breaking import all_up


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def breakable(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Everything that `carapulse up` starts, in processes that may be killed."""
    async with open_rig(tmp_path_factory.mktemp("faults"), replace(DRILL, durable=True)) as rig:
        yield rig


@pytest_asyncio.fixture(loop_scope="session")
async def rig(breakable: Rig) -> AsyncIterator[Rig]:
    """The same for one test, with everything up and no fault switched on."""
    await breakable.control.reset()
    await all_up(breakable)
    yield breakable
    await breakable.control.reset()
