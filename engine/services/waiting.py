"""What waits for one person, by the policy and not by guess, and what holds changes back."""

from dataclasses import dataclass

from engine.domain.freeze import Window
from engine.domain.ids import PersonId, PlanId
from engine.errors import NotFound, Unavailable
from engine.ports import Directory
from engine.services.approvals import Approvals
from engine.services.freezes import Freezes
from engine.services.verdicts import STRANGER


@dataclass(frozen=True, slots=True)
class Waiting:
    """For lists: nothing is recorded."""

    gate: Approvals
    directory: Directory
    freezes: Freezes
    windows: tuple[Window, ...] = ()

    async def why_not(self, person: PersonId, plan_id: PlanId, number: int) -> str:
        """Why this person can't approve that version; empty when nothing is in the way."""
        actor = await self.directory.by_id(person)
        if actor is None:
            return STRANGER
        try:
            return await self.gate.may(actor, plan_id, number)
        except (Unavailable, NotFound) as error:
            return str(error)

    async def in_force(self) -> list[str]:
        """A sentence for each freeze, those to come as well, and for each window."""
        now = self.freezes.clock()
        said = [
            one.hold.text if one.in_force(now) else one.coming for one in await self.freezes.open()
        ]
        return [*said, *(window.rule for window in self.windows)]
