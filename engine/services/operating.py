"""What people tell an execution to do: asked of the policy, recorded, and acted on soon after."""

from dataclasses import dataclass

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.execution import Choice, Decision, Execution, ExecutionState
from engine.domain.ids import ExecutionId
from engine.domain.override import overriding
from engine.domain.plan import PlanVersion, VersionRef
from engine.domain.policy import Ruling
from engine.domain.questions import Limits, to_operate
from engine.errors import Conflict, NotAllowed
from engine.ports import Clock, Policy, Store, Unit
from engine.services.overrides import NOT_HERE, Overrides

GOING = (ExecutionState.RUNNING, ExecutionState.WAITING)
RETURNING = (ExecutionState.ROLLING_BACK, ExecutionState.ROLLBACK_FAILED)


@dataclass(frozen=True, slots=True)
class Operating:
    """One transaction each; pressing twice changes nothing.

    Without `overrides` nothing that was approved is overridden from here.
    """

    store: Store
    policy: Policy
    clock: Clock
    limits: Limits
    overrides: Overrides | None = None

    async def choose(
        self, actor: Actor, execution_id: ExecutionId, choice: Choice, *, step: int | None = None
    ) -> str:
        """Record a choice and wake the workflow; what is said to whoever chose.

        Raises `NotAllowed`, and `Conflict` when the execution has moved on.
        """
        async with self.store.begin() as unit:
            execution = await unit.executions.lock(execution_id)
            version = await unit.plans.version(execution.plan_id, execution.version)
            asked = Asked(execution, version, meant(execution, choice), step)
            choice = asked.choice
            ruling = await self._ruling(unit, actor, asked)
            said = already(execution, choice)
            if ruling.allows and not said and not await told_so(unit, execution, choice):
                await self._choose(unit, actor, asked, ruling)
        if not ruling.allows:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this.")
        return said or f"{WORDS[choice]} {execution.reference}."

    async def _ruling(self, unit: Unit, actor: Actor, asked: "Asked") -> Ruling:
        question = to_operate(
            actor,
            asked.version,
            asked.choice,
            overrides=asked.overrides,
            limits=self.limits,
            now=self.clock(),
        )
        ruling = await self.policy.ask(question)
        await unit.audit.record(
            AuditEvent(
                actor=actor,
                action=f"execution.{asked.choice.value}",
                subject=asked.execution.id,
                decision=ruling.decision.value,
                reason=" ".join(ruling.reasons),
                policy_decision=ruling.id,
                policy_input_digest=ruling.input_digest,
                detail={"step": asked.step},
            )
        )
        return ruling

    async def _choose(self, unit: Unit, actor: Actor, asked: "Asked", ruling: Ruling) -> None:
        execution, choice = asked.execution, asked.choice
        still_offered(execution, choice, asked.step)
        decision = Decision(
            execution_id=execution.id,
            choice=choice,
            step=asked.step,
            person=actor.id,
            person_name=actor.name,
            at=self.clock(),
        )
        if asked.overrides:
            decision = await self._signed(decision, actor, asked, ruling)
        await unit.executions.add_decision(decision)
        await announce(unit, actor, execution, choice)
        await wake(unit, VersionRef(plan_id=execution.plan_id, version=execution.version))

    async def _signed(
        self, decision: Decision, actor: Actor, asked: "Asked", ruling: Ruling
    ) -> Decision:
        """It names the step, so that it is about no other one; only people's are signed."""
        if self.overrides is None:
            raise NotAllowed(NOT_HERE)
        await self.overrides.person(actor)
        about = decision.model_copy(update={"step": asked.about})
        attempt = asked.execution.step(asked.about).attempt
        return self.overrides.sign(about, asked.version, attempt=attempt, ruling=ruling)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody chooses for an execution, and for which of its steps."""

    execution: Execution
    version: PlanVersion
    choice: Choice
    step: int | None

    @property
    def about(self) -> int:
        """The step; the one that is asked about where none is named."""
        return self.step or self.execution.question_step or 0

    @property
    def overrides(self) -> bool:
        """Whether it overrides what was approved."""
        return overriding(self.version, self.choice, self.about)


async def told_so(unit: Unit, execution: Execution, choice: Choice) -> bool:
    """Whether this was chosen a moment ago; another choice in that moment is a `Conflict`."""
    before = await unit.executions.undecided(execution.id)
    if before is None or execution.state in GOING:
        return False
    if before.choice is not choice:
        raise Conflict(
            f"{before.person_name} has just told {execution.reference} to {before.choice.value}. "
            "Look how it stands in a moment."
        )
    return True


async def wake(unit: Unit, ref: VersionRef) -> None:
    """Tell the version's workflow to look again, after this transaction."""
    await unit.jobs.add("execution.wake", {"plan_id": ref.plan_id, "version": ref.version})


async def announce(unit: Unit, actor: Actor, execution: Execution, choice: Choice) -> None:
    """Say at once on the card what follows; from a cancel on the worker stops what runs."""
    if execution.started_at is None or execution.state not in GOING:
        return
    changes: dict[str, object] = {"reason": f"Pausing after this step, as {actor.name} asked."}
    if choice is Choice.CANCEL:
        reason = f"Stopping what runs, as {actor.name} asked."
        changes = {"reason": reason, "stopped_by": actor.name, "choices": ()}
    await unit.executions.save(execution.model_copy(update=changes))
    await unit.posts.touch(execution.plan_id, urgent=True)


def meant(execution: Execution, choice: Choice) -> Choice:
    """To pause a countdown is to hold it."""
    return Choice.HOLD if choice is Choice.PAUSE and execution.countdown_until else choice


def already(execution: Execution, choice: Choice) -> str:
    """What is the case, where a second press would ask for it again; empty otherwise."""
    held = execution.state is ExecutionState.NEEDS_DECISION and not execution.countdown_until
    settled = {
        Choice.RUN: execution.started_at is not None or bool(execution.started_by),
        Choice.PAUSE: execution.state is ExecutionState.PAUSED,
        Choice.RESUME: execution.state is ExecutionState.RUNNING,
        Choice.HOLD: held,
        Choice.ROLL_BACK: execution.state is ExecutionState.ROLLING_BACK,
        Choice.CANCEL: (execution.state in GOING and bool(execution.stopped_by))
        or execution.state is ExecutionState.CANCELLED,
    }
    return ALREADY[choice].format(execution.reference) if settled.get(choice) else ""


def still_offered(execution: Execution, choice: Choice, step: int | None) -> None:
    """A press on what is no longer asked is told what is the case now."""
    if choice is Choice.CANCEL and execution.state in RETURNING:
        raise Conflict(
            f"{execution.reference} is being rolled back, and that can't be cancelled: the system "
            "would be left in between."
        )
    if choice not in execution.choices:
        now = execution.state.value.replace("_", " ")
        offered = ", ".join(one.value for one in execution.choices)
        raise Conflict(
            f"{execution.reference} is {now} now; "
            + (f"it can be told to: {offered}." if offered else "nothing can be chosen for it.")
        )
    if step is not None and execution.question_step not in (None, step):
        raise Conflict(f"{execution.reference} now asks about step {execution.question_step}.")


ALREADY = {
    Choice.RUN: "{} has been started already.",
    Choice.PAUSE: "{} is paused already.",
    Choice.RESUME: "{} is running.",
    Choice.HOLD: "{} waits for a decision, and no time runs.",
    Choice.ROLL_BACK: "{} is being rolled back already.",
    Choice.CANCEL: "{} has been cancelled already.",
}
WORDS = {
    Choice.RUN: "Starting",
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
