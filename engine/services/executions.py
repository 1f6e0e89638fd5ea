"""What comes next for a plan version: decided from what is recorded, one transaction a move.

The workflow only asks `next_move`, waits or makes the call that it is given, and asks again. So a
crash, a lost workflow history or another engine changes nothing: the records say where to go on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.domain.actor import WORKER, Actor
from engine.domain.audit import AuditEvent
from engine.domain.conversation import PostKind
from engine.domain.execution import Choice, Decision, Execution, ExecutionState
from engine.domain.ids import ExecutionId
from engine.domain.move import Move
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.policy import Answer
from engine.domain.questions import Limits, to_execute, to_operate
from engine.errors import Conflict, NotAllowed, Tampered, Unavailable
from engine.ports import Clock, Policy, Store, Unit
from engine.services.authority import Authority
from engine.services.course import Course
from engine.services.ending import call_off
from engine.services.progress import Pace
from engine.services.sessions import may_work

AGAIN = 5.0


def uncounted(workflow: str, outcome: str) -> None:
    """Where nobody counts."""


@dataclass(frozen=True, slots=True)
class Executions:
    """Start, steer and end executions."""

    store: Store
    policy: Policy
    authority: Authority
    clock: Clock
    limits: Limits
    pace: Pace
    on_end: Callable[[str, str], None] = uncounted

    async def next_move(self, ref: VersionRef) -> Move:
        """Decide what comes next. Raises `Unavailable` when the database does not answer."""
        try:
            return await self._next_move(ref)
        except Conflict:  # another execution took the service's lock in this very moment
            return await self._next_move(ref)

    async def _next_move(self, ref: VersionRef) -> Move:
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
            execution = await unit.executions.of_version(ref.plan_id, ref.version)
            assert execution is not None, "an executing version has an execution"
            execution = await unit.executions.lock(execution.id)
            course = Course(unit, ref, version, execution, self.clock(), self.pace)
            move = await course.next()
        if course.execution.state.ended:
            self.on_end("ExecutePlan", course.execution.state.value)
        return move

    async def choose(
        self, actor: Actor, execution_id: ExecutionId, choice: Choice, *, step: int | None = None
    ) -> str:
        """Record a person's choice and wake the workflow. Raises `NotAllowed`, `Conflict`."""
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(execution_id)
            version = await unit.plans.version(execution.plan_id, execution.version)
            ruling = await self.policy.ask(
                to_operate(actor, version, choice, limits=self.limits, now=self.clock())
            )
            await unit.audit.record(
                AuditEvent(
                    actor=actor,
                    action=f"execution.{choice.value}",
                    subject=execution.id,
                    decision=ruling.decision.value,
                    reason=" ".join(ruling.reasons),
                    policy_decision=ruling.id,
                    policy_input_digest=ruling.input_digest,
                    detail={"step": step},
                )
            )
            if ruling.allows:
                still_offered(execution, choice, step)
                await unit.executions.add_decision(
                    Decision(
                        execution_id=execution.id,
                        choice=choice,
                        step=step,
                        person=actor.id,
                        person_name=actor.name,
                        at=self.clock(),
                    )
                )
                await announce(unit, actor, execution, choice)
                await wake(unit, VersionRef(plan_id=execution.plan_id, version=execution.version))
        if not ruling.allows:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this.")
        return f"{WORDS[choice]} {execution.reference}."

    async def _waiting(self, unit: Unit, ref: VersionRef, version: PlanVersion) -> Move:
        now = self.clock()
        if now < version.decide_before:
            return Move.wait((version.decide_before - now).total_seconds())
        hours = version.requirements.within_seconds / 3600
        await self._end(unit, ref, VersionState.EXPIRED, f"No decision in {hours:g} h.")
        return Move.done()

    async def _start(self, unit: Unit, ref: VersionRef, version: PlanVersion) -> Move:
        """Approved: check everything again, then go."""
        now = self.clock()
        if who := await cancelled_by(unit, ref):
            await self._end(unit, ref, VersionState.WITHDRAWN, f"Cancelled by {who}.")
            return Move.done()
        if now >= version.start_before:
            await self._end(
                unit, ref, VersionState.EXPIRED, "It was approved, but could not start in time."
            )
            return Move.done()
        try:
            refusal = await self._refusal(unit, ref, version, now)
        except Unavailable as error:
            return await self._held_up(unit, ref, version, str(error))
        if refusal:
            await self._end(unit, ref, VersionState.WITHDRAWN, refusal)
            return Move.done()
        execution = await unit.executions.create(version, now)
        holder = await unit.executions.holding_lock(version.context) if version.writes else None
        if holder and holder != execution.id:
            other = await unit.executions.get(holder)
            return await self._held_up(
                unit, ref, version, f"{other.reference} is changing {version.context.service} now"
            )
        return await self._go(unit, ref, version, execution, now)

    async def _go(
        self, unit: Unit, ref: VersionRef, version: PlanVersion, execution: Execution, now: datetime
    ) -> Move:
        moved = await unit.plans.move(ref, frm=(VersionState.APPROVED,), to=VersionState.EXECUTING)
        if not moved:
            return Move.wait(0)
        execution = execution.model_copy(
            update={"state": ExecutionState.RUNNING, "started_at": now, "reason": ""}
        )
        await unit.executions.save(execution)
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
        return await Course(unit, ref, version, execution, now, self.pace).next()

    async def _refusal(
        self, unit: Unit, ref: VersionRef, version: PlanVersion, now: datetime
    ) -> str:
        """Why this version must not start; empty when it may."""
        try:
            await may_work(
                unit,
                version.session,
                None,
                required=self.limits.sessions_required,
                what="Executing",
            )
            approvers = await self.authority.verify_version(unit, version)
        except (Tampered, NotAllowed) as error:
            await unit.audit.record(
                AuditEvent(
                    actor=WORKER,
                    action="execution.refused",
                    subject=ref.plan_id,
                    decision="deny",
                    reason=str(error),
                    detail={"version": ref.version},
                )
            )
            return str(error)
        ruling = await self.policy.ask(
            to_execute(
                WORKER, version, limits=self.limits, approvers=approvers, complete=True, now=now
            )
        )
        if ruling.decision is Answer.ALLOW:
            return ""
        return " ".join(ruling.reasons) or "The policy does not allow it to start."

    async def _held_up(
        self, unit: Unit, ref: VersionRef, version: PlanVersion, reason: str
    ) -> Move:
        """Approved and waiting, with its reason on the card."""
        execution = await unit.executions.create(version, self.clock())
        if execution.reason != reason:
            waiting = {
                "state": ExecutionState.WAITING,
                "reason": reason,
                "choices": (Choice.CANCEL,),
            }
            await unit.executions.save(execution.model_copy(update=waiting))
            await unit.posts.touch(ref.plan_id)
        return Move.wait(AGAIN)

    async def _end(self, unit: Unit, ref: VersionRef, to: VersionState, reason: str) -> None:
        """A version ends without having started."""
        moved = await unit.plans.move(
            ref, frm=(VersionState.WAITING, VersionState.APPROVED), to=to, reason=reason
        )
        if not moved:
            return
        await call_off(unit, ref, reason, self.clock())
        await unit.posts.touch(ref.plan_id)
        await unit.audit.record(
            AuditEvent(
                actor=WORKER,
                action=f"plan.{to.value}",
                subject=ref.plan_id,
                reason=reason,
                detail={"version": ref.version},
            )
        )


async def wake(unit: Unit, ref: VersionRef) -> None:
    """Tell the version's workflow to look again, after this transaction."""
    await unit.jobs.add("execution.wake", {"plan_id": ref.plan_id, "version": ref.version})


async def announce(unit: Unit, actor: Actor, execution: Execution, choice: Choice) -> None:
    """Say at once on the card what a running step keeps waiting."""
    if execution.state is not ExecutionState.RUNNING:
        return
    reason = f"{WORDS[choice]} after this step, as {actor.name} asked."
    await unit.executions.save(execution.model_copy(update={"reason": reason}))
    await unit.posts.touch(execution.plan_id, urgent=True)


async def cancelled_by(unit: Unit, ref: VersionRef) -> str:
    """Who cancelled the version while it waited to start; empty when nobody did."""
    execution = await unit.executions.of_version(ref.plan_id, ref.version)
    while execution and (decision := await unit.executions.take_decision(execution.id)):
        if decision.choice is Choice.CANCEL:
            return decision.person_name
    return ""


def still_offered(execution: Execution, choice: Choice, step: int | None) -> None:
    """A press on what is no longer asked is told what is the case now."""
    if choice not in execution.choices:
        raise Conflict(
            f"{execution.reference} is {execution.state.value.replace('_', ' ')} now; "
            f"“{choice.value}” is no longer offered."
        )
    if step is not None and execution.question_step not in (None, step):
        raise Conflict(f"{execution.reference} now asks about step {execution.question_step}.")


WORDS = {
    Choice.HOLD: "Holding",
    Choice.RETRY: "Retrying",
    Choice.SKIP: "Skipping the step of",
    Choice.ROLL_BACK: "Rolling back",
    Choice.MARK_DONE: "Marked as done in",
    Choice.KEEP: "Keeping what was changed by",
    Choice.ACKNOWLEDGE: "Acknowledged",
    Choice.PAUSE: "Pausing",
    Choice.RESUME: "Resuming",
    Choice.CANCEL: "Cancelling",
}
