"""What the playbooks of the demo propose fits the tool definitions."""

import pytest

from engine.domain.call import Effect
from engine.tools.registry import ToolRegistry
from tests.unit.planning import DEMO, PROD, REMOTE, briefing, planner


@pytest.fixture(scope="module")
def registry() -> ToolRegistry:
    connections = {"shop": "http://127.0.0.1:1", "prometheus": "http://127.0.0.1:2"}
    return ToolRegistry.load(DEMO / "tools", connections=connections, remotes=[REMOTE])


@pytest.mark.parametrize("text", ["roll back checkout", "use 1111111", "set pool_size to 20"])
@pytest.mark.parametrize("metrics", [True, False])
async def test_every_proposed_step_can_be_frozen(
    registry: ToolRegistry, text: str, *, metrics: bool
) -> None:
    outcome = await planner(metrics=metrics).plan(briefing(text))

    assert outcome.proposal
    steps = [
        registry.freeze(step, PROD, number=number, mark="m1")
        for number, step in enumerate(outcome.proposal.steps, start=1)
    ]
    assert [step.effect for step in steps] == [Effect.WRITE, Effect.READ, Effect.READ]
    assert steps[0].rollback


async def test_every_reading_can_be_made(registry: ToolRegistry) -> None:
    for seen in ((), briefing("").evidence[:3]):
        for reading in await planner().readings(briefing("roll back checkout", seen)):
            call = registry.read_call(reading, PROD)

            assert call.effect is Effect.READ
