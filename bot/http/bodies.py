"""What the API says about plans and executions: chosen fields, so that rows can change freely."""

from collections.abc import Sequence
from datetime import datetime

from engine.domain.approval import Signed
from engine.domain.call import Call
from engine.domain.execution import Execution, LogLine, StepRecord
from engine.domain.freeze import Hold
from engine.domain.model import Json
from engine.domain.plan import PlanVersion, Step, VersionState


def plan(version: PlanVersion, state: VersionState, signed: list[Signed]) -> dict[str, Json]:
    """A plan's current version, its state, and who said what to it."""
    return {
        "plan_id": version.plan_id,
        "reference": version.reference,
        "version": version.version,
        "state": state.value,
        "digest": version.digest,
        "title": version.title,
        "why": version.why,
        "intent": version.intent,
        "risk": version.risk.word,
        "risk_reasons": list(version.risk_reasons),
        "origin": version.origin.value,
        "requester": {"id": version.requester, "name": version.requester_name},
        "context": version.context.model_dump(mode="json"),
        "requirements": version.requirements.model_dump(mode="json"),
        "break_glass": version.break_glass,
        "steps": [step(item) for item in version.steps],
        "knowledge": [one.model_dump(mode="json") for one in version.knowledge],
        "session": version.session,
        "approvals": [decision(item) for item in signed],
        "created_at": time(version.created_at),
        "decide_before": time(version.decide_before),
        "start_before": time(version.start_before),
    }


def held(holds: Sequence[Hold]) -> list[Json]:
    """The freezes and windows that keep its changes from starting now."""
    return [{"kind": one.kind.value, "text": one.text, "until": time(one.until)} for one in holds]


def short(version: PlanVersion, state: VersionState) -> dict[str, Json]:
    """A version in a list."""
    return {
        "plan_id": version.plan_id,
        "reference": version.reference,
        "version": version.version,
        "state": state.value,
        "title": version.title,
        "risk": version.risk.word,
        "origin": version.origin.value,
        "requester": {"id": version.requester, "name": version.requester_name},
        "changed_by": version.changed_by,
        "changes": list(version.changes),
        "context": version.context.model_dump(mode="json"),
        "digest": version.digest,
        "created_at": time(version.created_at),
    }


def step(item: Step) -> dict[str, Json]:
    """A step with everything that it would run."""
    return {
        "number": item.number,
        "kind": item.kind.value,
        "title": item.title,
        "effect": item.effect.value,
        "group": item.group,
        "call": call(item.call),
        "relies": dict(item.relies.values) if item.relies else {},
        "rollback": call(item.rollback) if item.rollback else None,
        "expect": item.expect.model_dump(mode="json") if item.expect else None,
    }


def call(item: Call) -> dict[str, Json]:
    """Argument vectors, or the request without its headers, which may carry credentials."""
    said: dict[str, Json] = {
        "tool": item.tool,
        "action": item.action,
        "input": item.input,
        "argv": [list(command) for command in item.commands],
    }
    if item.request:
        said["request"] = {
            "method": item.request.method,
            "url": item.request.url,
            "body": item.request.body,
        }
    return said


def decision(item: Signed) -> dict[str, Json]:
    """Who decided what, when, and where; the signature stays with us."""
    said = item.statement
    return {
        "person": {"id": said.person, "name": said.person_name},
        "verdict": said.verdict.value,
        "surface": said.surface.value,
        "reason": said.reason,
        "ticket": said.ticket,
        "at": time(said.at),
    }


def execution(item: Execution) -> dict[str, Json]:
    """An execution with its steps as they are now."""
    return {
        "execution_id": item.id,
        "reference": item.reference,
        "plan_id": item.plan_id,
        "version": item.version,
        "state": item.state.value,
        "reason": item.reason,
        "question_step": item.question_step,
        "choices": [choice.value for choice in item.choices],
        "countdown_until": time(item.countdown_until),
        "deadline_at": time(item.deadline_at),
        "stopped_by": item.stopped_by,
        "started_at": time(item.started_at),
        "ended_at": time(item.ended_at),
        "steps": [record(one) for one in item.steps],
    }


def record(item: StepRecord) -> dict[str, Json]:
    """How one step went."""
    return {
        "number": item.number,
        "kind": item.kind.value,
        "title": item.title,
        "effect": item.effect.value,
        "state": item.state.value,
        "attempt": item.attempt,
        "message": item.message,
        "outputs": dict(item.outputs),
        "rollback_message": item.rollback_message,
        "started_at": time(item.started_at),
        "ended_at": time(item.ended_at),
    }


def line(item: LogLine) -> dict[str, Json]:
    """One redacted line; `id` is what `after` takes."""
    return {"id": item.id, "step": item.step, "at": time(item.at), "text": item.text}


def time(at: datetime | None) -> str | None:
    """RFC 3339."""
    return at.isoformat() if at else None
