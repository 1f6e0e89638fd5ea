"""What every move of an execution does: change its records, and say so on the card."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.call import Effect
from engine.domain.conversation import PostKind
from engine.domain.execution import (
    CallKey,
    CallRow,
    Choice,
    Execution,
    ExecutionState,
    Phase,
    StepRecord,
    StepState,
)
from engine.domain.model import Json, Model
from engine.domain.move import Move, StepRequest
from engine.domain.plan import PlanVersion, Step, VersionRef, VersionState
from engine.ports import Unit
from engine.services.alerts import credit
from engine.services.thread_files import want_files

ATTEMPTS_AT_MOST = 3
MARGIN = 30
LONG = 3600.0
# Probes of a rollback are counted apart from those of the act.
ROLLBACK_PROBES = 1000
# Three looks at most: at 0, 400 and 800 above the attempt's own number.
PROBE_TURN = 400


class Pace(Model):
    """Waits in seconds: the countdown, how much longer while the card lags, the kill grace.

    People are reminded after `reminder`, then each time after twice as long, at most
    `reminder_longest`; 0 is never. `deadline` is for a whole execution without its waits for
    people; 0 is none. `start` says by environment what waits for Run; `*` is any other.
    """

    rollback_delay: float = 30
    rollback_latest: float = 60
    grace: float = 5
    reminder: float = 900
    reminder_longest: float = 14_400
    deadline: float = 21_600
    start: Mapping[str, Literal["on_approval", "manual"]] = Field(default_factory=dict)

    def manual(self, environment: str) -> bool:
        """Whether an approved change waits there until somebody presses Run."""
        return self.start.get(environment, self.start.get("*", "on_approval")) == "manual"

    def reminded_after(self, times: int) -> timedelta:
        """How long after the reminder before, when there were this many."""
        longer: float = self.reminder * 2 ** min(times, 20)
        return timedelta(seconds=min(longer, max(self.reminder, self.reminder_longest)))


# Nobody is waited for any more, or for something else.
UNASKED: dict[str, object] = {"asked_at": None, "remind_at": None, "reminded": 0}
# What a step is that its execution leaves behind.
LEFT = {StepState.PENDING: StepState.CANCELLED, StepState.RUNNING: StepState.UNKNOWN}


@dataclass(slots=True)
class Progress:
    """One look at one execution, inside one transaction."""

    unit: Unit
    ref: VersionRef
    version: PlanVersion
    execution: Execution
    now: datetime
    pace: Pace

    async def _ask(
        self,
        step: StepRecord | None,
        choices: tuple[Choice, ...],
        until: datetime | None,
        reason: str = "",
    ) -> None:
        reason = reason or (step.message if step else "")
        await self._save(
            state=ExecutionState.NEEDS_DECISION,
            question_step=step.number if step else None,
            countdown_until=until,
            choices=choices,
            reason=reason,
            **UNASKED,
        )
        await self._say()
        await self._audit("execution.needs_decision", reason)

    async def _say(self, **body: Json) -> None:
        """A new message in the thread, which tells where the execution stands then."""
        conversation = await self.unit.conversations.get(self.version.conversation_id)
        await self.unit.posts.want(
            PostKind.OUTCOME, self.execution.id, conversation.place, body=body, urgent=True
        )

    async def _waits(self) -> Move:
        """Until somebody decides, and they are reminded of it at growing distances."""
        due, times = self.execution.remind_at, self.execution.reminded
        if self.execution.asked_at is None:
            due = self.now + self.pace.reminded_after(0) if self.pace.reminder else None
            await self._note(asked_at=self.now, remind_at=due, reminded=0)
        elif due and self.now >= due:
            await self._say(since=self.execution.asked_at.timestamp())
            due = self.now + self.pace.reminded_after(times + 1)
            await self._note(remind_at=due, reminded=times + 1)
            await self._audit("execution.reminded", self.execution.reason)
        return Move.wait((due - self.now).total_seconds() if due else LONG)

    def _left(self, row: CallRow) -> float:
        """Seconds until a silent worker is taken for dead."""
        return (row.lease_until - self.now).total_seconds() + self.pace.grace

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

    def _call(self, number: int, phase: Phase, attempt: int) -> Move:
        return Move.call(self._request(number, phase, attempt))

    def _request(self, number: int, phase: Phase, attempt: int) -> StepRequest:
        step = self._frozen(number)
        calls = (step.call, step.rollback, step.probe and step.probe.call)
        longest = max(call.timeout_seconds for call in calls if call) + MARGIN
        if step.expect is not None and phase in (Phase.ACT, Phase.READ):
            longest += step.expect.within_seconds + step.expect.hold_seconds
        return StepRequest(
            ref=self.ref,
            execution_id=self.execution.id,
            step=number,
            phase=phase,
            attempt=attempt,
            timeout_seconds=longest,
        )

    async def _finish(self, state: ExecutionState, reason: str) -> None:
        for step in self.execution.steps:
            if step.state in LEFT:
                await self._step(step.number, state=LEFT[step.state])
        await self._save(
            state=state,
            reason=reason,
            ended_at=self.now,
            choices=(),
            countdown_until=None,
            question_step=None,
            **UNASKED,
        )
        await self.unit.plans.move(
            self.ref, frm=(VersionState.EXECUTING,), to=VersionState.EXECUTED, reason=state.value
        )
        conversation = await self.unit.conversations.get(self.version.conversation_id)
        place = conversation.place
        if state is ExecutionState.SUCCEEDED:  # locks the problem, so before its post is touched
            await credit(self.unit, conversation.id)
        await self.unit.posts.touch(self.execution.id, PostKind.LOG, urgent=True)
        await self.unit.posts.want(PostKind.OUTCOME, self.execution.id, place, urgent=True)
        await self.unit.posts.want(PostKind.FILE, self.execution.id, place)
        await want_files(self.unit, self.execution.id, place)
        if conversation.problem_id:  # its thread tells what became of the plan
            await self.unit.posts.touch(conversation.problem_id, PostKind.PROBLEM)
        await self._audit(f"execution.{state.value}", reason)

    async def _note(self, **changes: object) -> None:
        """What no card shows."""
        self.execution = self.execution.model_copy(update=changes)
        await self.unit.executions.save(self.execution)

    async def _save(self, **changes: object) -> None:
        await self._note(**changes)
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


def probes(attempt: int) -> range:
    """The attempts at probing one attempt of a step: a look that failed is repeated."""
    return range(attempt, ROLLBACK_PROBES, PROBE_TURN)
