"""The verbs of a plan as a whole: execute, withdraw, cancel; whatever its version stands at."""

from dataclasses import dataclass

from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.approval import Verdict
from engine.domain.audit import AuditEvent
from engine.domain.execution import Choice, Execution
from engine.domain.ids import PlanId
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.policy import Deed, Question
from engine.domain.questions import Limits, to_decide, to_operate
from engine.errors import Conflict, NotAllowed, Unavailable
from engine.ports import Clock, Policy, Store, Unit
from engine.services.approvals import Approvals
from engine.services.ending import call_off
from engine.services.operating import Operating, wake

OPEN = (VersionState.WAITING, VersionState.APPROVED)


@dataclass(frozen=True, slots=True)
class Stood:
    """A plan's current version as it stood when it was looked at."""

    version: PlanVersion
    state: VersionState
    execution: Execution | None

    @property
    def ref(self) -> VersionRef:
        """Its name."""
        return VersionRef(plan_id=self.version.plan_id, version=self.version.version)

    @property
    def name(self) -> str:
        """`P-1042 v2`."""
        return f"{self.version.reference} v{self.version.version}"


@dataclass(frozen=True, slots=True)
class Steering:
    """Each answers a sentence. Without a `gate` no person is known: programs alone come here."""

    store: Store
    policy: Policy
    operating: Operating
    clock: Clock
    limits: Limits
    gate: Approvals | None = None

    async def execute(self, actor: Actor, plan_id: PlanId) -> str:
        """Start what is approved and waits for Run; what runs or has run is told.

        Raises `Conflict` for what is not approved, `NotAllowed`, `Unavailable` in the moment
        before its execution is there.
        """
        stood = await self.stands(plan_id)
        execution = stood.execution
        if stood.state is VersionState.WAITING:
            raise Conflict(f"{stood.name} waits for approval, so it can't start.")
        if stood.state not in (VersionState.APPROVED, *RAN):
            raise Conflict(f"{stood.name} is {stood.state.value}, so it can't start.")
        if execution is None:
            raise Unavailable("execution", f"{stood.name} has just been approved. Ask again.")
        if Choice.RUN in execution.choices:
            return await self.operating.choose(actor, execution.id, Choice.RUN)
        if stood.state is VersionState.APPROVED:
            return f"{stood.name} starts by itself. {execution.reason}".rstrip()
        return f"{stood.name} was started: {execution.reference}."

    async def withdraw(
        self, actor: Actor, plan_id: PlanId, *, surface: Surface, reason: str = ""
    ) -> str:
        """Whoever asked takes it back, while nothing has started."""
        stood = await self.stands(plan_id)
        if actor.id != stood.version.requester:
            raise NotAllowed(
                f"Only {stood.version.requester_name}, who asked for it, can withdraw "
                f"{stood.name}. Operators can cancel it."
            )
        person = actor.kind is ActorKind.PERSON
        if person and self.gate and stood.state is VersionState.WAITING:
            return (
                await self.gate.decide(
                    actor,
                    plan_id,
                    stood.version.version,
                    Verdict.WITHDRAW,
                    surface=surface,
                    reason=reason,
                )
            ).text
        question = to_decide(
            actor,
            Deed.PLAN_WITHDRAW,
            stood.version,
            limits=self.limits,
            surface=surface,
            now=self.clock(),
        )
        why = f"Withdrawn by {actor.name}" + (f": {reason}" if reason else ".")
        return await self._end(actor, stood, question, "plan.withdraw", why)

    async def cancel(self, actor: Actor, plan_id: PlanId) -> str:
        """End what has not started, and stop what has."""
        stood = await self.stands(plan_id)
        if stood.execution and stood.execution.started_at:
            return await self.operating.choose(actor, stood.execution.id, Choice.CANCEL)
        question = to_operate(
            actor, stood.version, Choice.CANCEL, limits=self.limits, now=self.clock()
        )
        return await self._end(actor, stood, question, "plan.cancel", f"Cancelled by {actor.name}.")

    async def stands(self, plan_id: PlanId) -> Stood:
        """The current version, its state and its execution."""
        async with self.store.begin() as unit:
            version = await unit.plans.current(plan_id)
            state = await unit.plans.state(plan_id, version.version)
            execution = await unit.executions.of_version(plan_id, version.version)
        return Stood(version, state, execution)

    async def _end(
        self, actor: Actor, stood: Stood, question: Question, action: str, why: str
    ) -> str:
        """One compare-and-set on the locked plan; a start that was quicker is told."""
        ruling = await self.policy.ask(question)
        async with self.store.begin() as unit:
            await unit.plans.lock(stood.ref.plan_id)
            moved = ruling.allows and await unit.plans.move(
                stood.ref, frm=OPEN, to=VersionState.WITHDRAWN, reason=why
            )
            if moved:
                await call_off(unit, stood.ref, why, self.clock())
                await self._tell(unit, stood)
            await unit.audit.record(
                AuditEvent(
                    actor=actor,
                    action=action,
                    subject=stood.ref.plan_id,
                    decision=ruling.decision.value if moved or not ruling.allows else "conflict",
                    reason=why if ruling.allows else " ".join(ruling.reasons),
                    policy_decision=ruling.id,
                    policy_input_digest=ruling.input_digest,
                    detail={"version": stood.ref.version},
                )
            )
        if not ruling.allows:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this.")
        if not moved:
            now = await self.stands(stood.ref.plan_id)
            raise Conflict(f"{now.name} is {now.state.value} now, so that can't be done.")
        return f"{stood.name} is withdrawn. {why}"

    async def _tell(self, unit: Unit, stood: Stood) -> None:
        await unit.posts.touch(stood.ref.plan_id, urgent=True)
        await wake(unit, stood.ref)


RAN = (VersionState.EXECUTING, VersionState.EXECUTED)
