"""What the policy is asked, one function per kind of question, so that no fact is forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.call import Call, Effect, Risk
from engine.domain.context import ContextRef
from engine.domain.execution import Choice, Phase
from engine.domain.freeze import Freeze, FreezeWords, Hold
from engine.domain.glass import Glass, Tickets
from engine.domain.ids import PersonId, Tenant
from engine.domain.model import Model
from engine.domain.plan import Origin, PlanVersion, Requirements, Step
from engine.domain.policy import Deed, Question, Resource

Stage = Literal["read-only", "approve-all", "low-auto"]
UNBROKEN = Glass()


class Limits(Model):
    """What the settings say about deciding; a part of every question's facts.

    `stages` is by `environment/service`, `*/service` or `environment`; the first of these that is
    there counts, and `stage` where none is.
    """

    tenant: Tenant = Tenant("default")
    stage: Stage = "approve-all"
    emoji_max_risk: Literal["none", "low", "medium"] = "low"
    sessions_required: bool = False
    identity_provider: bool = False
    stages: dict[str, Stage] = {}
    tickets: Tickets = Tickets()

    def stage_of(self, context: ContextRef) -> Stage:
        """What changes there may do at most."""
        environment, service = context.environment, context.service
        named = (f"{environment}/{service}", f"*/{service}", environment)
        return next((self.stages[name] for name in named if name in self.stages), self.stage)


class ReadFacts(Model):
    """For reads: `tool` is `tool.action`, empty for our own records."""

    stage: Stage
    tool: str = ""


class PlanFacts(Model):
    """Where a plan comes from; `writes` tells whether any step changes something.

    `freeze` are the freezes that hold its changes now, and the window that is closed.
    """

    stage: Stage
    emoji_max_risk: Literal["none", "low", "medium"]
    origin: Origin
    requester: PersonId
    editors: tuple[PersonId, ...]
    writes: bool
    freeze: tuple[Hold, ...]


class CreateFacts(PlanFacts):
    """For plan.create: `owners` are the groups that own the services touched.

    `identity_provider`: whether people can be asked to sign in a second time. `break_glass` is
    the reason with which a program asks for break-glass, empty where it does not.
    """

    owners: tuple[str, ...]
    break_glass: str
    identity_provider: bool


class DecideFacts(PlanFacts):
    """For plan.approve, plan.reject, plan.withdraw: the requirements frozen into the version.

    `glass` is the reason and the ticket that an approval by break-glass gives.
    """

    surface: Surface
    step_up: bool
    glass: Glass
    requirements: Requirements


class ExecuteFacts(PlanFacts):
    """For plan.execute: whose verified approvals count, and whether they are enough.

    `break_glass`: these approvals gave reason and ticket, because the version asks for them.
    """

    approvers: tuple[PersonId, ...]
    people: int
    break_glass: bool
    complete: bool


class ToolFacts(PlanFacts):
    """For tool.execute: the one call about to be made, and why."""

    approvers: tuple[PersonId, ...]
    people: int
    break_glass: bool
    tool: str
    phase: Phase


class FreezeFacts(Model):
    """For freeze.set, freeze.lift, freeze.read: an empty scope is all of its kind."""

    environment: str
    service: str
    reason: str


class OperateFacts(PlanFacts):
    """For what people tell an execution: execution.pause, execution.skip and so on.

    `overrides`: a step is left out, or called done, and something else is still changed after it.
    """

    overrides: bool
    requirements: Requirements


def to_create(
    actor: Actor,
    steps: Sequence[Step],
    context: ContextRef,
    risk: Risk,
    *,
    limits: Limits,
    origin: Origin,
    requester: PersonId,
    editors: Sequence[PersonId] = (),
    owners: Sequence[str] = (),
    break_glass: str = "",
    holds: Sequence[Hold] = (),
    now: datetime,
) -> Question:
    """May this plan be made, and what must it have before it runs?"""
    facts = CreateFacts(
        stage=limits.stage_of(context),
        emoji_max_risk=limits.emoji_max_risk,
        origin=origin,
        requester=requester,
        editors=tuple(editors),
        writes=any(step.effect is not Effect.READ for step in steps),
        owners=tuple(owners),
        break_glass=break_glass,
        freeze=tuple(holds),
        identity_provider=limits.identity_provider,
    )
    return _question(actor, Deed.PLAN_CREATE, context, resources(steps), risk, now, facts)


def to_decide(
    actor: Actor,
    deed: Deed,
    version: PlanVersion,
    *,
    limits: Limits,
    surface: Surface,
    step_up: bool = False,
    glass: Glass = UNBROKEN,
    holds: Sequence[Hold] = (),
    now: datetime,
    place: ContextRef | None = None,
) -> Question:
    """May this actor approve, reject or withdraw? `place` is one that it changes."""
    version = version.model_copy(update={"context": place}) if place else version
    facts = DecideFacts(
        **_of(version, limits, holds),
        glass=glass,
        surface=surface,
        step_up=step_up,
        requirements=version.requirements,
    )
    return _about(version, actor, deed, now, facts)


def to_execute(
    actor: Actor,
    version: PlanVersion,
    *,
    limits: Limits,
    approvers: Sequence[PersonId],
    complete: bool,
    holds: Sequence[Hold],
    now: datetime,
    place: ContextRef | None = None,
) -> Question:
    """May this version start? `approvers` and `complete` come from the verified statements.

    `place` is one that it changes, where that is not the plan's own.
    """
    version = version.model_copy(update={"context": place}) if place else version
    facts = ExecuteFacts(
        **_of(version, limits, holds),
        approvers=tuple(approvers),
        people=version.requirements.people,
        break_glass=version.requirements.break_glass,
        complete=complete,
    )
    return _about(version, actor, Deed.PLAN_EXECUTE, now, facts)


def to_run(
    actor: Actor,
    version: PlanVersion,
    call: Call,
    *,
    phase: Phase,
    reversible: bool,
    limits: Limits,
    approvers: Sequence[PersonId],
    holds: Sequence[Hold],
    now: datetime,
    place: ContextRef | None = None,
) -> Question:
    """May this call of a started version be made? `place` is where, if not the plan's own."""
    version = version.model_copy(update={"context": place}) if place else version
    facts = ToolFacts(
        **_of(version, limits, holds),
        approvers=tuple(approvers),
        people=version.requirements.people,
        break_glass=version.requirements.break_glass,
        tool=call.name,
        phase=phase,
    )
    touched = (resource(call, reversible=reversible),)
    return _question(actor, Deed.TOOL_EXECUTE, version.context, touched, version.risk, now, facts)


def to_operate(
    actor: Actor,
    version: PlanVersion,
    choice: Choice,
    *,
    overrides: bool = False,
    limits: Limits,
    now: datetime,
) -> Question:
    """May this actor press that button of an execution? Each is an action of its own."""
    facts = OperateFacts(
        **_of(version, limits), overrides=overrides, requirements=version.requirements
    )
    return _about(version, actor, Deed(f"execution.{choice.value}"), now, facts)


def to_freeze(
    actor: Actor, deed: Deed, about: Freeze | FreezeWords, *, tenant: Tenant, now: datetime
) -> Question:
    """May this actor set or lift this freeze?"""
    facts = FreezeFacts(environment=about.environment, service=about.service, reason=about.reason)
    place = ContextRef(tenant=tenant, environment=about.environment, service=about.service)
    return _question(actor, deed, place, (), Risk.READ, now, facts)


def to_read(
    actor: Actor,
    context: ContextRef,
    *,
    limits: Limits,
    now: datetime,
    call: Call | None = None,
    deed: Deed = Deed.TOOL_READ,
) -> Question:
    """May this actor look? With `call`: at a system; without: at our own records (`deed`)."""
    facts = ReadFacts(stage=limits.stage_of(context), tool=call.name if call else "")
    touched = (resource(call),) if call else ()
    return _question(actor, deed, context, touched, Risk.READ, now, facts)


def resource(call: Call, *, reversible: bool = False) -> Resource:
    """A call as the policy sees it."""
    return Resource(kind="tool", name=call.name, effect=call.effect.value, reversible=reversible)


def resources(steps: Sequence[Step]) -> tuple[Resource, ...]:
    """The calls of steps; reversible when there is a rollback."""
    return tuple(resource(step.call, reversible=step.rollback is not None) for step in steps)


def _of(version: PlanVersion, limits: Limits, holds: Sequence[Hold] = ()) -> dict[str, object]:
    return {
        "stage": limits.stage_of(version.context),
        "freeze": tuple(holds),
        "emoji_max_risk": limits.emoji_max_risk,
        "origin": version.origin,
        "requester": version.requester,
        "editors": version.editors,
        "writes": version.writes,
    }


def _about(
    version: PlanVersion, actor: Actor, deed: Deed, now: datetime, facts: PlanFacts
) -> Question:
    touched = resources(version.steps)
    return _question(actor, deed, version.context, touched, version.risk, now, facts)


def _question(
    actor: Actor,
    deed: Deed,
    context: ContextRef,
    touched: tuple[Resource, ...],
    risk: Risk,
    now: datetime,
    facts: Model,
) -> Question:
    if actor.kind is ActorKind.SERVICE:  # our services serve every tenant
        actor = actor.model_copy(update={"tenant": context.tenant})
    return Question(
        actor=actor,
        action=deed,
        context=context,
        resources=touched,
        risk=risk.word,
        time=now,
        facts=facts.model_dump(mode="json"),
    )
