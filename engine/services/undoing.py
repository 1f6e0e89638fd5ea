"""The way back: what may have had an effect is undone in reverse order, and checked again."""

from dataclasses import dataclass

from engine.crossing import crossing
from engine.domain.call import CallResult, Ending
from engine.domain.execution import (
    CallKey,
    CallRow,
    Choice,
    ExecutionState,
    Phase,
    StepRecord,
    StepState,
)
from engine.domain.move import Move
from engine.domain.plan import StepKind
from engine.services.progress import ATTEMPTS_AT_MOST, ROLLBACK_PROBES, UNASKED, Progress


@dataclass(slots=True)
class Undoing(Progress):
    """Rolls back a step at a time."""

    async def _turn_back(self) -> None:
        for step in self.execution.steps:
            if step.state is StepState.ROLLBACK_FAILED:
                await self._step(step.number, state=StepState.SUCCEEDED)
        await self._save(
            state=ExecutionState.ROLLING_BACK,
            countdown_until=None,
            choices=(),
            reason=self.execution.reason,
            **UNASKED,
        )

    async def _backward(self) -> Move:
        undo = self._to_undo()
        if undo:
            return await self._undo(undo[-1])
        undone = any(step.state is StepState.ROLLED_BACK for step in self.execution.steps)
        if undone and (move := await self._checked_again()):
            return move
        end = ExecutionState.ROLLED_BACK if undone else ExecutionState.FAILED
        await self._finish(end, self.execution.reason)
        return Move.done()

    async def _checked_again(self) -> Move | None:
        """The next check of the state that the rollback left; None when all have been made.

        A check that compares with what an undone step left has lost its meaning.
        """
        for step in self.execution.steps:
            expect = self._frozen(step.number).expect
            if step.kind is not StepKind.VERIFY or expect is None or "{" in expect.value:
                continue
            for attempt in range(1, ATTEMPTS_AT_MOST + 1):
                row = await self.unit.executions.call(self._key(step.number, Phase.READ, attempt))
                if row is None:
                    return self._call(step.number, Phase.READ, attempt)
                if row.ended_at is not None:
                    break
                left = (row.lease_until - self.now).total_seconds() + self.pace.grace
                if left > 0:
                    return Move.wait(left)
        return None

    async def _undo(self, step: StepRecord) -> Move:
        if self._frozen(step.number).rollback is None:
            return await self._undo_failed(step, "it has no rollback")
        for attempt in range(1, ROLLBACK_PROBES):
            key = self._key(step.number, Phase.ROLLBACK, attempt)
            row = await self.unit.executions.call(key)
            if row is None:
                crossing("K14")
                return self._call(step.number, Phase.ROLLBACK, attempt)
            if row.ended_at is None and self._left(row) > 0:
                return Move.wait(self._left(row))
            if (move := await self._undoing(step, key, row)) is not None:
                return move
        return await self._undo_failed(step, "it was tried too often")

    async def _undoing(self, step: StepRecord, key: CallKey, row: CallRow) -> Move | None:
        """What to do about an attempt to undo that did not succeed; None: make another."""
        if row.result is not None and row.result.ending is not Ending.UNKNOWN:
            return None
        if self._frozen(step.number).rollback_probe is None:
            return await self._undo_lost(step, key, row)
        probe = self._key(step.number, Phase.PROBE, ROLLBACK_PROBES + key.attempt)
        asked = await self.unit.executions.call(probe)
        if asked is None:
            return self._call(step.number, Phase.PROBE, probe.attempt)
        if asked.ended_at is None and self._left(asked) > 0:
            return Move.wait(self._left(asked))
        return await self._undo_lost(step, probe, asked)

    async def _undo_lost(self, step: StepRecord, key: CallKey, row: CallRow) -> Move | None:
        """A silent worker's call ends here, so that a person's retry makes a new one."""
        if row.ended_at is not None:
            return None
        lost = "the worker died while it was undone"
        await self.unit.executions.end_call(
            key, CallResult(ending=Ending.UNKNOWN, message=lost), self.now
        )
        return await self._undo_failed(step, lost)

    async def _undo_failed(self, step: StepRecord, why: str) -> Move:
        await self._step(step.number, state=StepState.ROLLBACK_FAILED, rollback_message=why)
        await self.rollback_failed(step.number, why)
        return await self._waits()

    async def rollback_failed(self, number: int, why: str) -> None:
        """Loud, and a person decides; the lock is kept."""
        await self._save(
            state=ExecutionState.ROLLBACK_FAILED,
            question_step=number,
            choices=(Choice.ROLL_BACK, Choice.ACKNOWLEDGE),
            reason=f"Rolling back step {number} failed: {why}",
            **UNASKED,
        )
        await self._say()
        await self._audit("execution.rollback_failed", why)
