"""`/carapulse status` and `approve`: what stands where, and what is over is told so."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.slack.commands import Asked
from bot.slack.plan_commands import PlanCommands, told
from engine.domain.approval import Verdict
from engine.domain.execution import ExecutionState
from engine.domain.plan import VersionState
from engine.errors import Conflict
from tests.unit.cards import execution, view


@dataclass
class Gate:
    """Says of everything that it runs already."""

    versions: list[int] = field(default_factory=list)

    async def decide(self, _: Any, plan_id: Any, version: int, *rest: Any, **more: Any) -> Any:
        self.versions.append(version)
        raise Conflict("it already runs")


def test_waiting_for_people_and_for_another_plan_are_not_the_same_word() -> None:
    waits = view(VersionState.WAITING)
    waiting = execution(ExecutionState.WAITING, started_at=None)
    queued = view(VersionState.APPROVED, execution=waiting)
    back = view(VersionState.EXECUTING, execution=execution(ExecutionState.ROLLING_BACK))

    assert "*waiting for approval*" in told(waits)
    assert "*approved, waiting to start*" in told(queued)
    assert "*rolling back*" in told(back)


@pytest.mark.parametrize(
    ("state", "said"),
    [(VersionState.EXECUTING, "it already runs"), (VersionState.WAITING, "is at v2. Look at")],
)
async def test_a_version_has_to_be_named_only_while_there_is_something_to_decide(
    state: VersionState, said: str
) -> None:
    commands = PlanCommands(*cast("Any", (None, None, Gate(), None, None)))
    asked = cast("Asked", type("Asked", (), {"actor": None}))

    with pytest.raises(Conflict, match=said):
        await commands._decide(asked, view(state), Verdict.APPROVE, "", "")
