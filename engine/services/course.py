"""The course of a started execution: forward, a question, or back (the states of the design)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.call import Effect
from engine.domain.conversation import PostKind
from engine.domain.execution import (
    CallKey,
    CallRow,
    Choice,
    Decision,
    Execution,
    ExecutionState,
    Phase,
    StepRecord,
    StepState,
)
from engine.domain.model import Model
from engine.domain.move import Move, StepRequest
from engine.domain.plan import PlanVersion, Step, StepKind, VersionRef, VersionState
from engine.ports import Unit

PASSED = (StepState.SUCCEEDED, StepState.SKIPPED)
ATTEMPTS_AT_MOST = 3
MARGIN = 30
LONG = 3600.0
# Probes of a rollback are counted apart from those of the act.
ROLLBACK_PROBES = 1000


class Pace(Model):
    """Waits in seconds: the countdown, how much longer while the card lags, the kill grace."""

    rollback_delay: float = 30
    rollback_latest: float = 60
    grace: float = 5


@dataclass(slots=True)
class Course:
    """One look at one execution, inside one transaction."""

    unit: Unit
    ref: VersionRef
    version: PlanVersion
    execution: Execution
    now: datetime
    pace: Pace

    async def next(self) -> Move:
        """Act on what people chose, then say what comes next."""
        while decision := await self.unit.executions.take_decision(self.execution.id):
            if decision.choice in self.execution.choices:
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
        await self._save(
            state=ExecutionState.PAUSED,
            choices=(Choice.RESUME, Choice.CANCEL),
            reason=f"Paused by {decision.person_name}.",
        )

    async def _cancel(self, decision: Decision) -> None:
        if not self._to_undo():
            await self._finish(ExecutionState.CANCELLED, f"Cancelled by {decision.person_name}.")
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
            choices=(Choice.PAUSE,),
            reason="",
        )

    # --- forward -----------------------------------------------------------------------------

    async def _forward(self) -> Move:
        step = next((one for one in self.execution.steps if one.state not in PASSED), None)
        if step is None:
            await self._finish(ExecutionState.SUCCEEDED, "")
            return Move.done()
        if self.execution.choices != (Choice.PAUSE,):
            await self._save(choices=(Choice.PAUSE,))
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
        """The call has not told its end: its lease decides."""
        row = await self.unit.executions.call(self._key(step.number, Phase.ACT, step.attempt))
        if row is None:
            return self._request(step.number, Phase.ACT, step.attempt)
        if self._left(row) > 0:
            return Move.wait(self._left(row))
        await self._step(
            step.number, state=StepState.UNKNOWN, message="the worker died while it ran"
        )
        return await self._unknown(self.execution.step(step.number))

    async def _unknown(self, step: StepRecord) -> Move:
        """Reads are made again; a probe decides for a write that has one; else a person does."""
        if step.effect is Effect.READ:
            if step.attempt >= ATTEMPTS_AT_MOST:
                await self._step(step.number, state=StepState.FAILED)
                return await self._failed(self.execution.step(step.number))
            await self._step(step.number, state=StepState.PENDING)
            return await self._begin(self.execution.step(step.number))
        if self._frozen(step.number).probe is not None:
            key = self._key(step.number, Phase.PROBE, step.attempt)
            if await self.unit.executions.call(key) is None:
                return self._request(step.number, Phase.PROBE, step.attempt)
        await self._ask(step, (Choice.MARK_DONE, Choice.RETRY, Choice.ROLL_BACK), None)
        return Move.wait(LONG)

    async def _failed(self, step: StepRecord) -> Move:
        """Known to have failed: a countdown to the rollback, unless that can't be complete."""
        complete = all(self._frozen(one.number).rollback for one in self._to_undo())
        until = self.now + timedelta(seconds=self.pace.rollback_delay) if complete else None
        choices = (Choice.HOLD, Choice.RETRY, Choice.SKIP, Choice.ROLL_BACK)
        await self._ask(step, choices if complete else choices[1:], until)
        return Move.wait(self.pace.rollback_delay if complete else LONG)

    async def _ask(
        self, step: StepRecord, choices: tuple[Choice, ...], until: datetime | None
    ) -> None:
        await self._save(
            state=ExecutionState.NEEDS_DECISION,
            question_step=step.number,
            countdown_until=until,
            choices=choices,
            reason=step.message,
        )
        conversation = await self.unit.conversations.get(self.version.conversation_id)
        await self.unit.posts.want(
            PostKind.OUTCOME, self.execution.id, conversation.place, urgent=True
        )
        await self._audit("execution.needs_decision", step.message)

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

    # --- back --------------------------------------------------------------------------------

    async def _turn_back(self) -> None:
        for step in self.execution.steps:
            if step.state is StepState.ROLLBACK_FAILED:
                await self._step(step.number, state=StepState.SUCCEEDED)
        await self._save(
            state=ExecutionState.ROLLING_BACK,
            countdown_until=None,
            choices=(),
            reason=self.execution.reason,
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
                    return self._request(step.number, Phase.READ, attempt)
                if row.ended_at is not None:
                    break
                left = (row.lease_until - self.now).total_seconds() + self.pace.grace
                if left > 0:
                    return Move.wait(left)
        return None

    def _checks_again(self, step: StepRecord) -> bool:
        """Whether this step's look says something after a rollback: not if it is about the act."""
        expect = self._frozen(step.number).expect
        return step.kind is StepKind.VERIFY and expect is not None and "{" not in expect.value

    def _left(self, row: CallRow) -> float:
        """Seconds until a silent worker is taken for dead."""
        return (row.lease_until - self.now).total_seconds() + self.pace.grace

    async def _undo(self, step: StepRecord) -> Move:
        if self._frozen(step.number).rollback is None:
            return await self._undo_failed(step, "it has no rollback")
        for attempt in range(1, ROLLBACK_PROBES):
            row = await self.unit.executions.call(self._key(step.number, Phase.ROLLBACK, attempt))
            if row is None:
                return self._request(step.number, Phase.ROLLBACK, attempt)
            if row.ended_at is not None:
                continue
            if self._left(row) > 0:
                return Move.wait(self._left(row))
            probe = self._key(step.number, Phase.PROBE, ROLLBACK_PROBES + attempt)
            asked = await self.unit.executions.call(probe)
            if asked is None and self._frozen(step.number).rollback_probe:
                return self._request(step.number, Phase.PROBE, ROLLBACK_PROBES + attempt)
            if asked is None or asked.result is None:
                return await self._undo_failed(step, "the worker died while it was undone")
        return await self._undo_failed(step, "it was tried too often")

    async def _undo_failed(self, step: StepRecord, why: str) -> Move:
        await self._step(step.number, state=StepState.ROLLBACK_FAILED, rollback_message=why)
        await self.rollback_failed(step.number, why)
        return Move.wait(LONG)

    async def rollback_failed(self, number: int, why: str) -> None:
        """Loud, and a person decides; the lock is kept."""
        await self._save(
            state=ExecutionState.ROLLBACK_FAILED,
            question_step=number,
            choices=(Choice.ROLL_BACK, Choice.ACKNOWLEDGE),
            reason=f"Rolling back step {number} failed: {why}",
        )
        conversation = await self.unit.conversations.get(self.version.conversation_id)
        await self.unit.posts.want(
            PostKind.OUTCOME, self.execution.id, conversation.place, urgent=True
        )
        await self._audit("execution.rollback_failed", why)

    # --- shared ------------------------------------------------------------------------------

    def _to_undo(self) -> list[StepRecord]:
        """Steps that may have had an effect, in the order in which they ran."""
        maybe = (StepState.SUCCEEDED, StepState.UNKNOWN, StepState.RUNNING)
        return [
            step
            for step in self.execution.steps
            if step.effect is not Effect.READ and step.state in maybe
        ]

    def _frozen(self, number: int) -> Step:
        return self.version.steps[number - 1]

    def _key(self, step: int, phase: Phase, attempt: int) -> CallKey:
        return CallKey(execution_id=self.execution.id, step=step, phase=phase, attempt=attempt)

    def _request(self, number: int, phase: Phase, attempt: int) -> Move:
        step = self._frozen(number)
        longest = step.call.timeout_seconds + MARGIN
        if step.expect is not None and phase in (Phase.ACT, Phase.READ):
            longest += step.expect.within_seconds + step.expect.hold_seconds
        return Move.call(
            StepRequest(
                ref=self.ref,
                execution_id=self.execution.id,
                step=number,
                phase=phase,
                attempt=attempt,
                timeout_seconds=longest,
            )
        )

    async def _finish(self, state: ExecutionState, reason: str) -> None:
        await self._save(
            state=state,
            reason=reason,
            ended_at=self.now,
            choices=(),
            countdown_until=None,
            question_step=None,
        )
        await self.unit.plans.move(
            self.ref, frm=(VersionState.EXECUTING,), to=VersionState.EXECUTED, reason=state.value
        )
        conversation = await self.unit.conversations.get(self.version.conversation_id)
        place = conversation.place
        if conversation.problem_id:
            await self.unit.posts.touch(conversation.problem_id)
        await self.unit.posts.touch(self.execution.id, PostKind.LOG)
        await self.unit.posts.want(PostKind.OUTCOME, self.execution.id, place, urgent=True)
        await self.unit.posts.want(PostKind.FILE, self.execution.id, place)
        if conversation.problem_id:  # its thread tells what became of the plan
            await self.unit.posts.touch(conversation.problem_id, PostKind.PROBLEM)
        await self._audit(f"execution.{state.value}", reason)

    async def _save(self, **changes: object) -> None:
        self.execution = self.execution.model_copy(update=changes)
        await self.unit.executions.save(self.execution)
        await self.unit.posts.touch(
            self.ref.plan_id, urgent=self.execution.state is not ExecutionState.RUNNING
        )

    async def _step(self, number: int, **changes: object) -> None:
        step = self.execution.step(number).model_copy(update=changes)
        steps = (*self.execution.steps[: number - 1], step, *self.execution.steps[number:])
        self.execution = self.execution.model_copy(update={"steps": steps})
        await self.unit.executions.save_step(self.execution.id, step)

    async def _audit(self, action: str, reason: str) -> None:
        await self.unit.audit.record(
            AuditEvent(actor=WORKER, action=action, subject=self.execution.id, reason=reason)
        )


AFTER = {
    Choice.RETRY: StepState.PENDING,
    Choice.SKIP: StepState.SKIPPED,
    Choice.MARK_DONE: StepState.SUCCEEDED,
}
