"""The course of a started execution: forward, a question, or back (the states of the design)."""

from dataclasses import dataclass
from datetime import timedelta

from engine.domain.call import Effect, Ending
from engine.domain.conversation import PostKind
from engine.domain.execution import Choice, ExecutionState, Phase, StepRecord, StepState
from engine.domain.move import Move
from engine.errors import Tampered
from engine.services.choosing import BETWEEN, PASSED
from engine.services.guards import Stop
from engine.services.halting import Halting
from engine.services.progress import ATTEMPTS_AT_MOST, UNASKED, probes
from engine.services.routing import unserved

# Seconds before a read that failed is made again, for each attempt so far.
AGAIN = 1.0


@dataclass(slots=True)
class Course(Halting):
    """One look at one execution, inside one transaction."""

    async def next(self) -> Move:
        """Act on what people chose, then say what comes next."""
        if (left := await self._live()) > 0:
            return Move.wait(left)
        try:
            await self._choices()
        except Tampered as error:
            return await self.halt(str(error))
        match self.execution.state:
            case ExecutionState.RUNNING | ExecutionState.WAITING:
                await self._uncounted()
                over = self.execution.stopped_by or self._over_time()
                return await (self._stopping() if over else self._forward())
            case ExecutionState.NEEDS_DECISION:
                return await self._asked()
            case ExecutionState.ROLLING_BACK:
                return await self._backward()
            case ExecutionState.PAUSED | ExecutionState.ROLLBACK_FAILED:
                return await self._waits()
        return Move.done()

    async def _live(self) -> float:
        """Seconds in which a call may still tell its end; till then nothing is decided.

        A call that nobody began is no call: its step is as it was before.
        """
        longest = 0.0
        for step in self.execution.steps:
            if step.state is not StepState.RUNNING:
                continue
            row = await self.unit.executions.call(self._key(step.number, Phase.ACT, step.attempt))
            if row is not None:
                longest = max(longest, self._left(row))
            else:
                await self._step(step.number, state=StepState.PENDING, attempt=step.attempt - 1)
        return longest

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
                return await self._begin(*self._beside(step))
            case StepState.RUNNING:
                return await self._missing(step)
            case StepState.UNKNOWN:
                return await self._unknown(step)
        return await self._failed(step)

    def _beside(self, first: StepRecord) -> list[StepRecord]:
        """The step, with those of its group that have not begun: they run side by side."""
        group = self._frozen(first.number).group
        return [
            step
            for step in self.execution.steps[first.number - 1 :]
            if step is first
            or (
                (group and self._frozen(step.number).group == group)
                and step.state is StepState.PENDING
            )
        ]

    async def _begin(self, *steps: StepRecord) -> Move:
        if stop := await self._held(steps[0]):
            return await self._wait_for(stop)
        if why := await unserved(self.unit, self.version, [step.number for step in steps]):
            return await self._wait_for(Stop(reason=why))
        if self.execution.state is ExecutionState.WAITING:
            await self._save(state=ExecutionState.RUNNING, reason="", choices=BETWEEN, **UNASKED)
        for step in steps:
            await self._step(
                step.number,
                state=StepState.RUNNING,
                attempt=step.attempt + 1,
                message="",
                started_at=self.now,
                ended_at=None,
            )
        await self.unit.posts.touch(self.ref.plan_id, PostKind.PLAN)
        return Move.call(
            *(self._request(step.number, Phase.ACT, step.attempt + 1) for step in steps)
        )

    async def _held(self, step: StepRecord) -> Stop | None:
        """What the next change has to wait for: a freeze, a window."""
        if self.guards is None:
            return None
        return await self.guards.between(self.unit, self.version, step.number, self.now)

    async def _uncounted(self) -> None:
        """A freeze takes nothing of the time that the execution has."""
        since, deadline = self.execution.asked_at, self.execution.deadline_at
        if self.execution.state is ExecutionState.WAITING and since and deadline:
            await self._note(asked_at=self.now, deadline_at=deadline + (self.now - since))

    async def _wait_for(self, stop: Stop) -> Move:
        """Between steps, with the reason on the card; it goes on by itself."""
        if (self.execution.state, self.execution.reason) != (ExecutionState.WAITING, stop.reason):
            await self._save(
                state=ExecutionState.WAITING,
                reason=stop.reason,
                choices=BETWEEN,
                question_step=None,
                asked_at=self.now,
            )
        return Move.wait(stop.seconds)

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
        return await self._waits()

    async def _failed(self, step: StepRecord) -> Move:
        """Known to have failed: a countdown to the rollback, unless that can't be complete."""
        if await self._doubtful(step):
            said = f"{step.message}; an earlier attempt may have had its effect"
            await self._step(step.number, state=StepState.UNKNOWN, message=said)
            return await self._unknown(self.execution.step(step.number))
        refused = await self._refused(step)
        if not refused and (move := await self._again(step)):
            return move
        if refused:
            # It tells nothing about the world, so it is no reason to undo anything by itself.
            await self._ask(step, self._ways_on(step), None)
            return await self._waits()
        complete = all(self._frozen(one.number).rollback for one in self._to_undo())
        until = self.now + timedelta(seconds=self.pace.rollback_delay) if complete else None
        choices = self._ways_on(step)
        await self._ask(step, (Choice.HOLD, *choices) if complete else choices, until)
        return Move.wait(self.pace.rollback_delay) if complete else await self._waits()

    async def _again(self, step: StepRecord) -> Move | None:
        """A read that failed is made again, a little later each time; a check has its own time."""
        frozen = self._frozen(step.number)
        tried = step.attempt >= ATTEMPTS_AT_MOST
        if step.effect is not Effect.READ or frozen.expect is not None or tried:
            return None
        since = (self.now - (step.ended_at or self.now)).total_seconds()
        left = AGAIN * step.attempt - since
        return Move.wait(left) if left > 0 else await self._begin(step)

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
