"""What comes next for a plan version: decided from what is recorded, one transaction a move.

The workflow only asks `next_move`, waits or makes the call that it is given, and asks again. So a
crash, a lost workflow history or another engine changes nothing: the records say where to go on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.conversation import PostKind
from engine.domain.execution import Choice, Decision, Execution, ExecutionState
from engine.domain.move import Move
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.errors import NotAllowed, Tampered, Unavailable
from engine.ports import Clock, Store, Unit
from engine.services.authority import verify_steps
from engine.services.course import Course
from engine.services.ending import call_off
from engine.services.guards import AGAIN, Guards, Stop
from engine.services.progress import Pace
from engine.services.reminders import Reminders
from engine.services.routing import routed

PRESS_RUN = "It is approved and starts when somebody presses Run"


def uncounted(workflow: str, outcome: str) -> None:
    """Where nobody counts."""


@dataclass(frozen=True, slots=True)
class Executions:
    """Start, steer and end executions."""

    store: Store
    guards: Guards
    clock: Clock
    pace: Pace
    on_end: Callable[[str, str], None] = uncounted
    reminders: Reminders | None = None

    async def next_move(self, ref: VersionRef) -> Move:
        """Decide what comes next. Raises `Unavailable` when the database does not answer."""
        async with self.store.begin() as unit:
            current = await unit.plans.lock(ref.plan_id)
            state = await unit.plans.state(ref.plan_id, ref.version)
            if state.ended:
                await call_off(
                    unit, ref, f"{state.value.capitalize()} before it started.", self.clock()
                )
                return Move.done()
            if await unit.plans.epoch(ref) != ref.epoch:
                return Move.done()
            version = await unit.plans.version(ref.plan_id, ref.version)
            if state is VersionState.WAITING:
                return await self._waiting(unit, ref, version)
            if state is VersionState.APPROVED:
                if current != ref.version:
                    return Move.done()
                return await self._start(unit, ref, version)
            execution = await unit.executions.lock_of(ref.plan_id, ref.version)
            course = Course(unit, ref, version, execution, self.clock(), self.pace, self.guards)
            move = await self._on_course(course)
        if course.execution.state.ended:
            self.on_end("ExecutePlan", course.execution.state.value)
        return move

    async def _on_course(self, course: Course) -> Move:
        """On by the records, unless they are not what was approved."""
        authority = self.guards.authority
        try:
            await authority.verify_started(course.unit, course.version, course.execution)
        except (Tampered, NotAllowed) as error:
            return await course.halt(str(error))
        return await routed(course, await course.next())

    async def _waiting(self, unit: Unit, ref: VersionRef, version: PlanVersion) -> Move:
        now = self.clock()
        if now < version.decide_before:
            due = await self.reminders.tell(unit, version, now) if self.reminders else None
            return Move.wait(((due or version.decide_before) - now).total_seconds())
        hours = version.requirements.within_seconds / 3600
        await self._end(unit, ref, VersionState.EXPIRED, f"No decision in {hours:g} h.")
        return Move.done()

    async def _start(self, unit: Unit, ref: VersionRef, version: PlanVersion) -> Move:
        """Approved: check everything again, then go."""
        now = self.clock()
        execution = await unit.executions.create(version, now)
        execution, cancel = await chosen(unit, execution)
        if cancel:
            reason = f"Cancelled by {cancel.person_name}."
            await self._end(unit, ref, VersionState.WITHDRAWN, reason)
            return Move.done()
        if now >= version.start_before:
            why = execution.reason and f" {execution.reason.rstrip('.')}."
            said = f"It was approved, but could not start in time.{why}"
            await self._end(unit, ref, VersionState.EXPIRED, said)
            return Move.done()
        if self._to_press(version, execution):
            left = (version.start_before - now).total_seconds()
            return await self._held_up(unit, ref, execution, PRESS_RUN, seconds=left, run=True)
        try:
            stop = await self.guards.start(unit, version, now)
            stop = stop or await self.guards.lock(unit, version, execution)
        except Unavailable as error:
            stop = Stop(reason=str(error))
        if stop is None:
            return await self._go(unit, ref, version, execution, now)
        if not stop.final:
            left = (version.start_before - now).total_seconds()
            return await self._held_up(
                unit, ref, execution, stop.reason, seconds=min(stop.seconds, left)
            )
        await self._end(unit, ref, VersionState.WITHDRAWN, stop.reason)
        return Move.done()

    def _to_press(self, version: PlanVersion, execution: Execution) -> bool:
        """Whether it starts only when somebody presses Run, and nobody has."""
        manual = self.pace.manual(version.context.environment or "")
        return version.writes and manual and not execution.started_by

    async def _go(
        self, unit: Unit, ref: VersionRef, version: PlanVersion, execution: Execution, now: datetime
    ) -> Move:
        moved = await unit.plans.move(ref, frm=(VersionState.APPROVED,), to=VersionState.EXECUTING)
        if not moved:
            return Move.wait(0)
        limit = self.pace.deadline
        begun = {
            "state": ExecutionState.RUNNING,
            "started_at": now,
            "reason": "",
            "deadline_at": now + timedelta(seconds=limit) if limit else None,
        }
        execution = execution.model_copy(update=begun)
        await unit.executions.save(execution)
        await unit.executions.note_start(execution)
        conversation = await unit.conversations.get(version.conversation_id)
        await unit.posts.want(PostKind.LOG, execution.id, conversation.place)
        await unit.posts.touch(version.plan_id, urgent=True)
        await unit.audit.record(
            AuditEvent(
                actor=WORKER,
                action="execution.start",
                subject=execution.id,
                decision="allow",
                detail={"plan_id": ref.plan_id, "version": ref.version, "digest": version.digest},
            )
        )
        course = Course(unit, ref, version, execution, now, self.pace, self.guards)
        try:
            verify_steps(version, execution)
        except Tampered as error:
            return await course.halt(str(error))
        return await routed(course, await course.next())

    async def _held_up(
        self,
        unit: Unit,
        ref: VersionRef,
        execution: Execution,
        reason: str,
        *,
        seconds: float = AGAIN,
        run: bool = False,
    ) -> Move:
        """Approved and waiting, with its reason on the card; `run`: till somebody presses Run."""
        if execution.reason != reason:
            waiting = {
                "state": ExecutionState.WAITING,
                "reason": reason,
                "choices": (Choice.RUN, Choice.CANCEL) if run else (Choice.CANCEL,),
            }
            await unit.executions.save(execution.model_copy(update=waiting))
            await unit.posts.touch(ref.plan_id, urgent=run)
        return Move.wait(seconds)

    async def _end(self, unit: Unit, ref: VersionRef, to: VersionState, reason: str) -> None:
        """A version ends without having started."""
        moved = await unit.plans.move(
            ref, frm=(VersionState.WAITING, VersionState.APPROVED), to=to, reason=reason
        )
        if not moved:
            return
        await call_off(unit, ref, reason, self.clock())
        await unit.posts.touch(ref.plan_id)
        version = await unit.plans.version(ref.plan_id, ref.version)
        conversation = await unit.conversations.get(version.conversation_id)
        if conversation.problem_id:  # its message offers a draft again
            await unit.posts.touch(conversation.problem_id, PostKind.PROBLEM)
        await unit.audit.record(
            AuditEvent(
                actor=WORKER,
                action=f"plan.{to.value}",
                subject=ref.plan_id,
                reason=reason,
                detail={"version": ref.version},
            )
        )


async def chosen(unit: Unit, execution: Execution) -> tuple[Execution, Decision | None]:
    """What people chose while it waited to start: that it runs, or a cancel."""
    while decision := await unit.executions.take_decision(execution.id):
        if decision.choice is Choice.CANCEL:
            return execution, decision
        if decision.choice is Choice.RUN:
            execution = execution.model_copy(update={"started_by": decision.person_name})
            await unit.executions.save(execution)
    return execution, None
