"""The course of a started execution: forward, a question, or back (the states of the design)."""

from dataclasses import dataclass
from datetime import timedelta

from engine.domain.call import Effect, Ending
from engine.domain.conversation import PostKind
from engine.domain.execution import (
    Choice,
    Decision,
    ExecutionState,
    Phase,
    StepRecord,
    StepState,
)
from engine.domain.move import Move
from engine.services.progress import ATTEMPTS_AT_MOST, LONG, probes
from engine.services.undoing import Undoing

PASSED = (StepState.SUCCEEDED, StepState.SKIPPED)


@dataclass(slots=True)
class Course(Undoing):
    """One look at one execution, inside one transaction."""

    async def next(self) -> Move:
        """Act on what people chose, then say what comes next."""
        if (left := await self._live()) > 0:
            return Move.wait(left)
        while decision := await self.unit.executions.take_decision(self.execution.id):
            asked = decision.step in (None, self.execution.question_step)
            if decision.choice in self.execution.choices and asked:
                await self._apply(decision)
        match self.execution.state:
            case ExecutionState.RUNNING:
                return await self._forward()
            case ExecutionState.NEEDS_DECISION:
                return await self._asked()
            case ExecutionState.ROLLING_BACK:
                return await self._backward()
            case ExecutionState.PAUSED | ExecutionState.ROLLBACK_FAILED:
                return Move.wait(LONG)
        return Move.done()

    async def _live(self) -> float:
        """Seconds in which a call may still tell its end; till then nothing is decided.

        A call that nobody began is no call: its step is as it was before.
        """
        step = next((one for one in self.execution.steps if one.state is StepState.RUNNING), None)
        if step is None:
            return 0
        row = await self.unit.executions.call(self._key(step.number, Phase.ACT, step.attempt))
        if row is None:
            await self._step(step.number, state=StepState.PENDING, attempt=step.attempt - 1)
            return 0
        return self._left(row)

    # --- what people chose -------------------------------------------------------------------

    async def _apply(self, decision: Decision) -> None:
        number = self.execution.question_step
        if decision.choice in AFTER and number:
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
                await self._cancel(decision)
            case Choice.KEEP:
                await self._finish(ExecutionState.CANCELLED, f"Kept by {decision.person_name}.")
            case Choice.ACKNOWLEDGE:
                reason = f"Acknowledged by {decision.person_name}; the rollback did not complete."
                await self._finish(ExecutionState.FAILED, reason)

    async def _stop(self, decision: Decision) -> None:
        """Hold ends a countdown; pause starts no new step."""
        if decision.choice is Choice.HOLD:
            left = tuple(one for one in self.execution.choices if one is not Choice.HOLD)
            held = f"Held by {decision.person_name}."
            await self._save(countdown_until=None, choices=left, reason=held)
            return
        if all(one.state in PASSED for one in self.execution.steps):
            return  # it was the last step: nothing is left to resume
        await self._save(
            state=ExecutionState.PAUSED,
            choices=(Choice.RESUME, Choice.CANCEL),
            reason=f"Paused by {decision.person_name}.",
        )

    async def _cancel(self, decision: Decision) -> None:
        if not self._to_undo():
            number = self.execution.question_step
            failed = f" {self.execution.step(number).message}" if number else ""
            reason = f"Cancelled by {decision.person_name}.{failed}"
            await self._finish(ExecutionState.CANCELLED, reason)
            return
        await self._save(
            state=ExecutionState.NEEDS_DECISION,
            question_step=None,
            choices=(Choice.KEEP, Choice.ROLL_BACK),
            reason=f"Cancelled by {decision.person_name}. Something was already changed.",
        )

    async def _run(self) -> None:
        await self._save(
            state=ExecutionState.RUNNING,
            question_step=None,
            countdown_until=None,
            choices=BETWEEN,
            reason="",
        )

    # --- forward -----------------------------------------------------------------------------

    async def _forward(self) -> Move:
        step = next((one for one in self.execution.steps if one.state not in PASSED), None)
        if step is None:
            await self._finish(ExecutionState.SUCCEEDED, "")
            return Move.done()
        if self.execution.choices != BETWEEN:
            await self._save(choices=BETWEEN)
        match step.state:
            case StepState.PENDING:
                return await self._begin(step)
            case StepState.RUNNING:
                return await self._missing(step)
            case StepState.UNKNOWN:
                return await self._unknown(step)
        return await self._failed(step)

    async def _begin(self, step: StepRecord) -> Move:
        attempt = step.attempt + 1
        await self._step(
            step.number,
            state=StepState.RUNNING,
            attempt=attempt,
            message="",
            started_at=self.now,
            ended_at=None,
        )
        await self.unit.posts.touch(self.ref.plan_id, PostKind.PLAN)
        return self._request(step.number, Phase.ACT, attempt)

    async def _missing(self, step: StepRecord) -> Move:
        """The call has not told its end, and its lease is over."""
        await self._step(
            step.number, state=StepState.UNKNOWN, message="the worker died while it ran"
        )
        return await self._unknown(self.execution.step(step.number))

    async def _unknown(self, step: StepRecord) -> Move:
        """What may be repeated is; a probe decides for a write that has one; else a person does."""
        call = self._frozen(step.number).call
        repeatable = step.effect is Effect.READ or call.idempotent
        if repeatable and step.attempt < ATTEMPTS_AT_MOST:
            return await self._begin(step)
        if step.effect is Effect.READ:
            await self._step(step.number, state=StepState.FAILED)
            return await self._failed(self.execution.step(step.number))
        if self._frozen(step.number).probe is not None and (move := await self._probe(step)):
            return move
        await self._ask(step, (Choice.MARK_DONE, Choice.RETRY, Choice.ROLL_BACK), None)
        return Move.wait(LONG)

    async def _probe(self, step: StepRecord) -> Move | None:
        """The next look at whether it took effect; None when all were made in vain."""
        for attempt in probes(step.attempt):
            row = await self.unit.executions.call(self._key(step.number, Phase.PROBE, attempt))
            if row is None:
                return self._request(step.number, Phase.PROBE, attempt)
            if row.ended_at is None and self._left(row) > 0:
                return Move.wait(self._left(row))
        return None

    async def _failed(self, step: StepRecord) -> Move:
        """Known to have failed: a countdown to the rollback, unless that can't be complete."""
        if await self._doubtful(step):
            said = f"{step.message}; an earlier attempt may have had its effect"
            await self._step(step.number, state=StepState.UNKNOWN, message=said)
            return await self._unknown(self.execution.step(step.number))
        if await self._refused(step):
            # It tells nothing about the world, so it is no reason to undo anything by itself.
            await self._ask(step, self._ways_on(step), None)
            return Move.wait(LONG)
        complete = all(self._frozen(one.number).rollback for one in self._to_undo())
        until = self.now + timedelta(seconds=self.pace.rollback_delay) if complete else None
        choices = self._ways_on(step)
        await self._ask(step, (Choice.HOLD, *choices) if complete else choices, until)
        return Move.wait(self.pace.rollback_delay if complete else LONG)

    def _ways_on(self, step: StepRecord) -> tuple[Choice, ...]:
        """What makes sense after a failure: nothing is rolled back where nothing was changed."""
        if self._to_undo():
            return (Choice.RETRY, Choice.SKIP, Choice.ROLL_BACK)
        last = step.number == len(self.execution.steps)
        return (Choice.RETRY, Choice.CANCEL) if last else (Choice.RETRY, Choice.SKIP, Choice.CANCEL)

    async def _refused(self, step: StepRecord) -> bool:
        """Whether a guard stopped this attempt before anything ran."""
        row = await self.unit.executions.call(self._key(step.number, Phase.ACT, step.attempt))
        return row is not None and row.result is not None and row.result.refused

    async def _doubtful(self, step: StepRecord) -> bool:
        """Whether an earlier attempt at a write ended unknown, and no probe has denied it since."""
        if step.effect is Effect.READ:
            return False
        doubt = False
        for attempt in range(1, step.attempt + 1):
            row = await self.unit.executions.call(self._key(step.number, Phase.ACT, attempt))
            unsure = row is not None and (row.result is None or row.result.ending is Ending.UNKNOWN)
            doubt = (doubt or unsure) and not await self._denied(step.number, attempt)
        return doubt

    async def _denied(self, number: int, attempt: int) -> bool:
        """Whether a probe after this attempt told that there was no effect."""
        for one in probes(attempt):
            row = await self.unit.executions.call(self._key(number, Phase.PROBE, one))
            if row and row.result and row.result.ending is Ending.FAILED:
                return True
        return False

    async def _asked(self) -> Move:
        until = self.execution.countdown_until
        if until is None:
            return Move.wait(LONG)
        left = (until - self.now).total_seconds()
        if left > 0:
            return Move.wait(left)
        card = await self.unit.posts.of(PostKind.PLAN, self.ref.plan_id)
        lags = card is not None and card.shown < card.wanted
        if lags and -left < self.pace.rollback_latest:
            return Move.wait(min(5.0, self.pace.rollback_latest))
        await self._turn_back()
        return await self._backward()


# What a running execution offers; both begin to hold when the step that runs has ended.
BETWEEN = (Choice.PAUSE, Choice.CANCEL)
AFTER = {
    Choice.RETRY: StepState.PENDING,
    Choice.SKIP: StepState.SKIPPED,
    Choice.MARK_DONE: StepState.SUCCEEDED,
}
