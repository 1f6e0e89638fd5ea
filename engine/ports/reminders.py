"""Who was reminded of what waits, as a protocol of the store."""

from typing import Protocol

from engine.domain.ids import PlanId
from engine.domain.plan import PlanVersion
from engine.domain.reminding import Nudge


class Reminders(Protocol):
    """What was told about a version that waits."""

    async def add(self, version: PlanVersion, nudge: Nudge) -> bool:
        """False when it was told already."""
        ...

    async def of(self, plan_id: PlanId, version: int) -> list[Nudge]:
        """All of a version, oldest first."""
        ...
