"""What the policy is asked, one function per kind of question, so that no fact is forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.call import Call, Effect, Risk
from engine.domain.context import ContextRef
from engine.domain.execution import Choice, Phase
from engine.domain.ids import PersonId, Tenant
from engine.domain.model import Model
from engine.domain.plan import Origin, PlanVersion, Requirements, Step
from engine.domain.policy import Deed, Question, Resource

Stage = Literal["read-only", "approve-all", "low-auto"]
OVERRIDES = frozenset({Choice.SKIP, Choice.MARK_DONE})


class Limits(Model):
    """What the settings say about deciding; a part of every question's facts."""

    tenant: Tenant = Tenant("default")
    stage: Stage = "approve-all"
    emoji_max_risk: Literal["none", "low", "medium"] = "low"
    sessions_required: bool = False
    identity_provider: bool = False


class ReadFacts(Model):
    """For reads: `tool` is `tool.action`, empty for our own records."""

    stage: Stage
    tool: str = ""


class PlanFacts(Model):
    """Where a plan comes from; `writes` tells whether any step changes something."""

    stage: Stage
    emoji_max_risk: Literal["none", "low", "medium"]
    origin: Origin
    requester: PersonId
    editors: tuple[PersonId, ...]
    writes: bool


class CreateFacts(PlanFacts):
    """For plan.create: `owners` are the groups that own the services touched.

    `identity_provider`: whether people can be asked to sign in a second time.
    """

    owners: tuple[str, ...]
    identity_provider: bool


class DecideFacts(PlanFacts):
    """For plan.approve, plan.reject, plan.withdraw: the requirements frozen into the version."""

    surface: Surface
    step_up: bool
    requirements: Requirements


class ExecuteFacts(PlanFacts):
    """For plan.execute: whose verified approvals count, and whether they are enough."""

    approvers: tuple[PersonId, ...]
    people: int
    complete: bool


class ToolFacts(PlanFacts):
    """For tool.execute: the one call about to be made, and why."""

    approvers: tuple[PersonId, ...]
    people: int
    tool: str
    phase: Phase


class OperateFacts(PlanFacts):
    """For execution.operate and execution.override."""

    choice: Choice
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
    now: datetime,
) -> Question:
    """May this plan be made, and what must it have before it runs?"""
    facts = CreateFacts(
        stage=limits.stage,
        emoji_max_risk=limits.emoji_max_risk,
        origin=origin,
        requester=requester,
        editors=tuple(editors),
        writes=any(step.effect is not Effect.READ for step in steps),
        owners=tuple(owners),
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
    now: datetime,
) -> Question:
    """May this actor approve, reject or withdraw?"""
    facts = DecideFacts(
        **_of(version, limits),
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
    now: datetime,
) -> Question:
    """May this version start? `approvers` and `complete` come from the verified statements."""
    facts = ExecuteFacts(
        **_of(version, limits),
        approvers=tuple(approvers),
        people=version.requirements.people,
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
    now: datetime,
) -> Question:
    """May this call of a started version be made?"""
    facts = ToolFacts(
        **_of(version, limits),
        approvers=tuple(approvers),
        people=version.requirements.people,
        tool=call.name,
        phase=phase,
    )
    touched = (resource(call, reversible=reversible),)
    return _question(actor, Deed.TOOL_EXECUTE, version.context, touched, version.risk, now, facts)


def to_operate(
    actor: Actor, version: PlanVersion, choice: Choice, *, limits: Limits, now: datetime
) -> Question:
    """May this actor press that button of an execution? Skip and mark-done are overrides."""
    deed = Deed.EXECUTION_OVERRIDE if choice in OVERRIDES else Deed.EXECUTION_OPERATE
    facts = OperateFacts(**_of(version, limits), choice=choice, requirements=version.requirements)
    return _about(version, actor, deed, now, facts)


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
    facts = ReadFacts(stage=limits.stage, tool=call.name if call else "")
    touched = (resource(call),) if call else ()
    return _question(actor, deed, context, touched, Risk.READ, now, facts)


def resource(call: Call, *, reversible: bool = False) -> Resource:
    """A call as the policy sees it."""
    return Resource(kind="tool", name=call.name, effect=call.effect.value, reversible=reversible)


def resources(steps: Sequence[Step]) -> tuple[Resource, ...]:
    """The calls of steps; reversible when there is a rollback."""
    return tuple(resource(step.call, reversible=step.rollback is not None) for step in steps)


def _of(version: PlanVersion, limits: Limits) -> dict[str, object]:
    return {
        "stage": limits.stage,
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
