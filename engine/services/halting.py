"""A started execution whose records are not what was approved: it stands still, and asks."""

from dataclasses import dataclass

from engine.domain.actor import WORKER
from engine.domain.execution import Choice, ExecutionState
from engine.domain.move import Move
from engine.services.alarm import alarm
from engine.services.choosing import Choosing
from engine.services.progress import LONG

BACK = (ExecutionState.ROLLING_BACK, ExecutionState.ROLLBACK_FAILED)


@dataclass(slots=True)
class Halting(Choosing):
    """Neither goes on nor back by records that can't be believed."""

    async def halt(self, text: str) -> Move:
        """Refuse, alarm, and ask. Going on is checked anew, so a restored row lets it go on."""
        again = self.execution.reason != text
        while decision := await self.unit.executions.take_decision(self.execution.id):
            acknowledged = decision.choice is Choice.ACKNOWLEDGE
            if acknowledged and Choice.ACKNOWLEDGE in self.execution.choices:
                said = f"Acknowledged by {decision.person_name}. {text}"
                await self._finish(ExecutionState.FAILED, said)
                return Move.done()
            again = True
        if again:
            await self._stand_still(text)
            await alarm(self.unit, WORKER, self.version, text)
        return Move.wait(LONG)

    async def _stand_still(self, text: str) -> None:
        back = self.execution.state in BACK
        await self._save(
            state=ExecutionState.ROLLBACK_FAILED if back else ExecutionState.NEEDS_DECISION,
            reason=text,
            question_step=None,
            countdown_until=None,
            choices=(Choice.ROLL_BACK if back else Choice.RESUME, Choice.ACKNOWLEDGE),
        )
