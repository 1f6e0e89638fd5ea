"""One real Carapulse for all acceptance tests; each test leaves the shop healthy."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.acceptance.rig import DRILL, Rig, open_rig


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Everything that `carapulse up` starts, and the people of the local Slack."""
    async with open_rig(tmp_path_factory.mktemp("acceptance"), DRILL) as rig:
        yield rig


@pytest_asyncio.fixture(loop_scope="session")
async def rig(running: Rig) -> AsyncIterator[Rig]:
    """The same for one test, without the faults and the broken shop of others.

    The local Slack is strict: whatever it had to refuse is a mistake of ours.
    """
    await running.control.reset()
    await running.mended()
    yield running
    assert (await running.control.stats())["invalid"] == []
