"""What the playbooks of the demo propose fits the tool definitions."""

import pytest

from engine.domain.call import Effect
from engine.tools.registry import ToolRegistry
from tests.unit.planning import PROD, briefing, planner, registry


@pytest.fixture(scope="module", name="tools")
def load_tools() -> ToolRegistry:
    return registry()


@pytest.mark.parametrize("text", ["roll back checkout", "use 1111111", "set pool_size to 20"])
@pytest.mark.parametrize("metrics", [True, False])
async def test_every_proposed_step_can_be_frozen(
    tools: ToolRegistry, text: str, *, metrics: bool
) -> None:
    outcome = await planner(metrics=metrics).plan(briefing(text))

    assert outcome.proposal
    steps = [
        tools.freeze(step, PROD, number=number, mark="m1")
        for number, step in enumerate(outcome.proposal.steps, start=1)
    ]
    assert [step.effect for step in steps] == [Effect.WRITE, Effect.READ, Effect.READ]
    assert steps[0].rollback


async def test_every_reading_can_be_made(tools: ToolRegistry) -> None:
    for seen in ((), briefing("").evidence[:3]):
        for reading in await planner().readings(briefing("roll back checkout", seen)):
            call = tools.read_call(reading, PROD)

            assert call.effect is Effect.READ
