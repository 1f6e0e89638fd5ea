"""What stands before a start and before each change: signatures, policy, freezes, locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.call import Call, Effect
from engine.domain.context import ContextRef
from engine.domain.execution import Execution, Phase
from engine.domain.freeze import Hold, Window, closed
from engine.domain.ids import PersonId
from engine.domain.model import Model
from engine.domain.plan import PlanVersion, Step
from engine.domain.policy import Answer, Ruling
from engine.domain.questions import Limits, to_execute, to_run
from engine.domain.strictest import strictest
from engine.domain.touching import places_of, touched
from engine.errors import NotAllowed, Tampered, Unavailable
from engine.ports import Policy, Unit
from engine.services.alarm import alarm
from engine.services.authority import Authority
from engine.services.sessions import may_work

AGAIN = 5.0
# What ends by itself is looked at again when it does; this is for clocks that disagree.
LONGEST = 300.0


class Stop(Model):
    """Why something may not go on; `final` ends it, else it is asked again in some seconds."""

    reason: str
    final: bool = False
    seconds: float = AGAIN


@dataclass(frozen=True, slots=True)
class Holds:
    """Freezes that people set, and the windows of the settings."""

    windows: tuple[Window, ...] = ()

    async def on(self, unit: Unit, version: PlanVersion, now: datetime) -> tuple[Hold, ...]:
        """What holds the changes of a version now; nothing holds what only reads."""
        if not version.writes:
            return ()
        places = touched(version)
        frozen = [
            freeze.hold
            for freeze in await unit.freezes.open(now)
            if freeze.in_force(now) and any(freeze.covers(place) for place in places)
        ]
        shut = [hold for place in places if (hold := closed(self.windows, place, now))]
        return tuple(dict.fromkeys((*frozen, *shut)))


NEVER = Holds()


@dataclass(frozen=True, slots=True)
class Guards:
    """Asked inside the transaction that acts on the answer. Raises `Unavailable`."""

    policy: Policy
    authority: Authority
    limits: Limits
    holds: Holds = NEVER

    async def start(self, unit: Unit, version: PlanVersion, now: datetime) -> Stop | None:
        """Whether an approved version may start: everything is checked again."""
        try:
            await may_work(
                unit,
                version.session,
                None,
                required=self.limits.sessions_required,
                what="Executing",
            )
            approvers = await self.authority.verify_to_start(unit, version)
        except (Tampered, NotAllowed) as error:
            if isinstance(error, Tampered):
                await alarm(unit, WORKER, version, str(error))
            await refused(unit, version, str(error))
            return Stop(reason=str(error), final=True)
        holds = await self.holds.on(unit, version, now)
        questions = [
            to_execute(
                WORKER,
                version,
                limits=self.limits,
                approvers=approvers,
                complete=True,
                holds=holds,
                now=now,
                place=place,
            )
            for place in touched(version)
        ]
        ruling = strictest([await self.policy.ask(question) for question in questions])
        if ruling.decision is not Answer.ALLOW:
            said = " ".join(ruling.reasons) or "The policy does not allow it to start."
            return Stop(reason=said, final=True)
        return held(ruling, holds, now)

    async def lock(self, unit: Unit, version: PlanVersion, execution: Execution) -> Stop | None:
        """Take the locks of everything that it changes; one execution at a time has each."""
        if not version.writes:
            return None
        places = {lock_key(place): place for place in touched(version)}
        holder = await unit.executions.take_locks(execution.id, list(places))
        if holder is None:
            return None
        other = await unit.executions.get(holder)
        plan = await unit.plans.version(other.plan_id, other.version)
        common = next((p for p in touched(plan) if lock_key(p) in places), plan.context)
        where = f"{common.service} in {common.environment}"
        return Stop(reason=f"It waits for {plan.reference}, which changes {where}")

    async def between(
        self, unit: Unit, version: PlanVersion, number: int, now: datetime
    ) -> Stop | None:
        """Whether the next step of a started version has to wait. Looking never has to."""
        step = version.steps[number - 1]
        if step.effect is Effect.READ:
            return None
        holds = await self.holds.on(unit, version, now)
        if not holds:
            return None
        try:
            approvers = await self.authority.verify_version(unit, version)
            ruling = await self.run(version, step, step.call, Phase.ACT, approvers, holds, now)
        except (Tampered, NotAllowed):
            return None  # the worker that gets the call says so, and records it
        except Unavailable as error:
            return Stop(reason=str(error))
        return held(ruling, holds, now)

    async def run(
        self,
        version: PlanVersion,
        step: Step,
        call: Call,
        phase: Phase,
        approvers: Sequence[PersonId],
        holds: tuple[Hold, ...],
        now: datetime,
    ) -> Ruling:
        """What the policy says to a call of this step."""
        questions = [
            to_run(
                WORKER,
                version,
                call,
                phase=phase,
                reversible=step.rollback is not None,
                limits=self.limits,
                approvers=approvers,
                holds=holds,
                now=now,
                place=place,
            )
            for place in places_of(step, version.context)
        ]
        return strictest([await self.policy.ask(question) for question in questions])


def held(ruling: Ruling, holds: tuple[Hold, ...], now: datetime) -> Stop | None:
    """What the rules make wait, and until when it is not worth asking again."""
    reasons = ruling.constraints.hold
    if not reasons:
        return None
    ends = [hold.until for hold in holds if hold.until is not None and hold.text in reasons]
    left = min(((end - now).total_seconds() for end in ends), default=LONGEST)
    return Stop(reason=" ".join(reasons), seconds=min(max(left, 1.0), LONGEST))


def lock_key(context: ContextRef) -> str:
    """What only one writing execution may hold."""
    return f"{context.environment}/{context.service}"


async def refused(unit: Unit, version: PlanVersion, reason: str) -> None:
    """The audit tells that an approved version was not let through."""
    await unit.audit.record(
        AuditEvent(
            actor=WORKER,
            action="execution.refused",
            subject=version.plan_id,
            decision="deny",
            reason=reason,
            detail={"version": version.version},
        )
    )
