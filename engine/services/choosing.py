"""What people choose for an execution, and what stops it: acted on between two moves."""

from dataclasses import dataclass
from datetime import timedelta

from engine.domain.call import Effect
from engine.domain.conversation import PostKind
from engine.domain.execution import Choice, Decision, ExecutionState, Phase, StepRecord, StepState
from engine.domain.move import Move
from engine.domain.override import overriding
from engine.errors import Tampered
from engine.services.guards import Guards
from engine.services.progress import UNASKED, probes
from engine.services.undoing import Undoing

PASSED = (StepState.SUCCEEDED, StepState.SKIPPED)
# What a running execution offers.
BETWEEN = (Choice.PAUSE, Choice.CANCEL)
AFTER = {
    Choice.RETRY: StepState.PENDING,
    Choice.SKIP: StepState.SKIPPED,
    Choice.MARK_DONE: StepState.SUCCEEDED,
}


@dataclass(slots=True)
class Choosing(Undoing):
    """Choices in the order in which they were made; what is no longer offered is passed over.

    Without `guards` nothing is begun, and nothing that was approved is overridden.
    """

    guards: Guards | None = None

    async def _choices(self) -> None:
        while decision := await self.unit.executions.take_decision(self.execution.id):
            asked = decision.step in (None, self.execution.question_step)
            if decision.choice in self.execution.choices and asked:
                await self._apply(decision)

    async def _apply(self, decision: Decision) -> None:
        number = self.execution.question_step
        if decision.choice in AFTER and number:
            self._believe(decision, number)
            await self._step(number, state=AFTER[decision.choice])
            await self._run()
            return
        match decision.choice:
            case Choice.HOLD | Choice.PAUSE:
                await self._stop(decision)
            case Choice.ROLL_BACK:
                await self._turn_back()
            case Choice.RESUME:
                await self._run()
            case Choice.CANCEL:
                await self._save(
                    state=ExecutionState.RUNNING, stopped_by=decision.person_name, choices=()
                )
            case Choice.KEEP:
                await self._finish(ExecutionState.CANCELLED, f"Kept by {decision.person_name}.")
            case Choice.ACKNOWLEDGE:
                reason = f"Acknowledged by {decision.person_name}; the rollback did not complete."
                await self._finish(ExecutionState.FAILED, reason)

    def _believe(self, decision: Decision, number: int) -> None:
        """Raises `Tampered` for an override that the gate did not sign."""
        if not overriding(self.version, decision.choice, number):
            return
        if self.guards is None:
            raise Tampered("Nothing is overridden where no signature can be checked.")
        self.guards.authority.verify_override(self.version, self.execution, number, decision)

    async def _stop(self, decision: Decision) -> None:
        """Hold ends a countdown; pause starts no new step."""
        if decision.choice is Choice.HOLD:
            left = tuple(one for one in self.execution.choices if one is not Choice.HOLD)
            held = f"Held by {decision.person_name}."
            await self._save(countdown_until=None, choices=left, reason=held, **UNASKED)
            return
        if all(one.state in PASSED for one in self.execution.steps):
            return  # it was the last step: nothing is left to resume
        await self._save(
            state=ExecutionState.PAUSED,
            choices=(Choice.RESUME, Choice.CANCEL),
            reason=f"Paused by {decision.person_name}.",
            **UNASKED,
        )

    async def _run(self) -> None:
        """Go on; the time for which people were waited for is not counted."""
        deadline, asked = self.execution.deadline_at, self.execution.asked_at
        if deadline and asked:
            deadline += self.now - asked
        await self._save(
            state=ExecutionState.RUNNING,
            question_step=None,
            countdown_until=None,
            choices=BETWEEN,
            reason="",
            deadline_at=deadline,
            **UNASKED,
        )

    # --- stopped before its end --------------------------------------------------------------

    def _over_time(self) -> bool:
        deadline = self.execution.deadline_at
        done = all(step.state in PASSED for step in self.execution.steps)
        return deadline is not None and self.now >= deadline and not done

    async def _stopping(self) -> Move:
        """Nothing new starts; a write that was stopped is looked at first, where that tells."""
        for step in self.execution.steps:
            if step.state is StepState.RUNNING:
                lost = StepState.FAILED if step.effect is Effect.READ else StepState.UNKNOWN
                await self._step(step.number, state=lost, message="the worker died while it ran")
        for step in self.execution.steps:
            asks = step.state is StepState.UNKNOWN and self._frozen(step.number).probe
            if asks and (move := await self._probe(step)):
                return move
        return await self._stopped()

    async def _stopped(self) -> Move:
        """People choose what becomes of what they stopped; the clock undoes what it stops."""
        undo, reason = self._to_undo(), self._why_stopped()
        by_clock = not self.execution.stopped_by
        if not undo:
            end = ExecutionState.FAILED if by_clock else ExecutionState.CANCELLED
            await self._finish(end, reason)
            return Move.done()
        choices = (Choice.KEEP, Choice.ROLL_BACK)
        complete = all(self._frozen(step.number).rollback for step in undo)
        if not by_clock or not complete:
            await self._ask(None, choices, None, self._what_is_left(undo, reason))
            return await self._waits()
        until = self.now + timedelta(seconds=self.pace.rollback_delay)
        await self._ask(None, (Choice.HOLD, *choices), until, reason)
        return Move.wait(self.pace.rollback_delay)

    def _why_stopped(self) -> str:
        if not self.execution.stopped_by:
            return f"It took longer than {lasting(self.pace.deadline)}, the most that is allowed."
        number = self.execution.question_step
        failed = f" {self.execution.step(number).message}" if number else ""
        return f"Cancelled by {self.execution.stopped_by}.{failed}"

    def _what_is_left(self, undo: list[StepRecord], reason: str) -> str:
        unsure = [str(one.number) for one in undo if one.state is StepState.UNKNOWN]
        if len(unsure) == len(undo):
            return f"{reason} Step {' and '.join(unsure)} may have changed something."
        return f"{reason} Something was already changed."

    async def _probe(self, step: StepRecord) -> Move | None:
        """The next look at whether it took effect; None when all were made in vain."""
        for attempt in probes(step.attempt):
            row = await self.unit.executions.call(self._key(step.number, Phase.PROBE, attempt))
            if row is None:
                return self._call(step.number, Phase.PROBE, attempt)
            if row.ended_at is None and self._left(row) > 0:
                return Move.wait(self._left(row))
        return None

    async def _asked(self) -> Move:
        """Somebody has to decide; with a countdown what was changed is undone at its end."""
        until = self.execution.countdown_until
        if until is None:
            return await self._waits()
        left = (until - self.now).total_seconds()
        if left > 0:
            return Move.wait(left)
        card = await self.unit.posts.of(PostKind.PLAN, self.ref.plan_id)
        lags = card is not None and card.shown < card.wanted
        if lags and -left < self.pace.rollback_latest:
            return Move.wait(min(5.0, self.pace.rollback_latest))
        await self._turn_back()
        return await self._backward()


def lasting(seconds: float) -> str:
    """`2 h`, `90 min`, `45 s`."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and not seconds % size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
