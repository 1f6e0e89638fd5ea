"""The golden incident's plan as its card's input, in whatever state a test needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.domain.actor import Surface
from engine.domain.approval import Signed, Statement, Verdict
from engine.domain.call import Call, Comparison, Effect, Expectation, Risk
from engine.domain.context import ContextRef
from engine.domain.execution import Execution, ExecutionState, StepRecord, StepState
from engine.domain.ids import ConversationId, ExecutionId, PersonId, PlanId, Tenant
from engine.domain.plan import PlanVersion, Requirements, Step, StepKind, VersionState
from engine.domain.views import PlanView

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
TENANT = Tenant("default")
PLAN = PlanId("0199aaaa-0000-7000-8000-000000000001")
EXECUTION = ExecutionId("0199aaaa-0000-7000-8000-000000000002")


def call(effect: Effect, *argv: str, **changes: Any) -> Call:
    values: dict[str, Any] = {
        "tool": "git",
        "action": "set_value",
        "title": "set a value",
        "effect": effect,
        "input": {"remote": "file:///srv/shop-config.git", "value": "20"},
        "transport": "cli",
        "commands": (argv,),
        "definition": "d" * 64,
    }
    return Call(**{**values, **changes})


WRITE = Step(
    number=1,
    kind=StepKind.ACT,
    title="Write pool_size = 20 to shop-config",
    call=call(Effect.WRITE, "git", "commit", "-m", "set pool_size to 20; drop table"),
    rollback=call(Effect.WRITE, "git", "revert", "{steps.1.commit}"),
)
WAIT = Step(
    number=2,
    kind=StepKind.VERIFY,
    title="Wait for checkout to follow",
    call=call(Effect.READ, "curl", "status"),
)
VERIFY = Step(
    number=3,
    kind=StepKind.VERIFY,
    title="Verify the error rate",
    call=call(Effect.READ, "promtool", "query"),
    expect=Expectation(
        output="value",
        comparison=Comparison.LESS,
        value="5",
        hold_seconds=60,
        within_seconds=300,
        unit="%",
        label="error rate",
    ),
)


def version(**changes: Any) -> PlanVersion:
    values: dict[str, Any] = {
        "tenant": TENANT,
        "plan_id": PLAN,
        "reference": "P-1042",
        "version": 2,
        "conversation_id": ConversationId("c1"),
        "requester": PersonId("dana"),
        "requester_name": "Dana",
        "intent": "use a forward fix instead, pool_size 20",
        "title": "Set checkout pool_size to 20 in prod/eu-1",
        "why": "Commit 9f3c1e2 changed pool_size 10 -> 0 [1][2]",
        "context": ContextRef(
            environment="prod", cluster="eu-1", namespace="shop", service="checkout"
        ),
        "requirements": Requirements(people=1, groups=(("sre",),)),
        "decide_before": NOW + timedelta(hours=4),
        "start_before": NOW + timedelta(hours=5),
        "steps": (WRITE, WAIT, VERIFY),
        "risk": Risk.MEDIUM,
        "risk_reasons": ("writes configuration of 1 service",),
        "dependants": 12,
        "changes": ("step 1 revert -> set pool_size to 20",),
        "digest": "a" * 64,
        "created_at": NOW,
    }
    return PlanVersion(**{**values, **changes})


def vote(person: str, verdict: Verdict = Verdict.APPROVE, reason: str = "") -> Signed:
    statement = Statement(
        tenant=TENANT,
        plan_id=PLAN,
        version=2,
        digest="a" * 64,
        verdict=verdict,
        person=PersonId(person.lower()),
        person_name=person,
        surface=Surface.BUTTON,
        reason=reason,
        at=NOW + timedelta(minutes=4),
        nonce="n",
        key_id="k",
    )
    return Signed(statement=statement, signature="s")


def record(number: int, state: StepState, **changes: Any) -> StepRecord:
    step = (WRITE, WAIT, VERIFY)[number - 1]
    values: dict[str, Any] = {
        "number": number,
        "kind": step.kind,
        "title": step.title,
        "effect": step.effect,
        "state": state,
        "started_at": NOW,
        "ended_at": NOW + timedelta(seconds=31),
    }
    return StepRecord(**{**values, **changes})


def execution(state: ExecutionState, *steps: StepRecord, **changes: Any) -> Execution:
    values: dict[str, Any] = {
        "id": EXECUTION,
        "reference": "X-311",
        "tenant": TENANT,
        "plan_id": PLAN,
        "version": 2,
        "state": state,
        "steps": steps or tuple(record(each, StepState.PENDING) for each in (1, 2, 3)),
        "started_at": NOW,
        "ended_at": NOW + timedelta(seconds=72),
    }
    return Execution(**{**values, **changes})


def view(state: VersionState = VersionState.WAITING, **changes: Any) -> PlanView:
    values: dict[str, Any] = {
        "version": version(),
        "state": state,
        "need": 1,
        "groups": ("{@slack:T0LOCAL:S0SRE}",),
        "approvers": ("{@slack:T0LOCAL:U0ANN}", "{@slack:T0LOCAL:U0BO}"),
    }
    return PlanView(**{**values, **changes})
