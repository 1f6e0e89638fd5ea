"""Turns a question into the policy's input, and refuses one that lacks a fact."""

from pydantic import ValidationError

from engine.domain.execution import Choice
from engine.domain.model import Json, Model
from engine.domain.policy import DOORS, Deed, Question
from engine.domain.questions import (
    CreateFacts,
    DecideFacts,
    ExecuteFacts,
    FreezeFacts,
    OperateFacts,
    ReadFacts,
    ToolFacts,
)

OPERATIONS = tuple(Deed(f"execution.{choice.value}") for choice in Choice)

FACTS: dict[Deed, type[Model]] = {
    Deed.PLAN_CREATE: CreateFacts,
    Deed.PLAN_APPROVE: DecideFacts,
    Deed.PLAN_REJECT: DecideFacts,
    Deed.PLAN_WITHDRAW: DecideFacts,
    Deed.PLAN_EXECUTE: ExecuteFacts,
    Deed.TOOL_EXECUTE: ToolFacts,
    Deed.TOOL_READ: ReadFacts,
    **dict.fromkeys(OPERATIONS, OperateFacts),
    **dict.fromkeys(DOORS, ReadFacts),
    Deed.FREEZE_SET: FreezeFacts,
    Deed.FREEZE_LIFT: FreezeFacts,
}


def missing(question: Question) -> str:
    """What is wrong with the question's facts, in words; empty when they are complete."""
    try:
        FACTS[question.action].model_validate(question.facts)
    except ValidationError as error:
        names = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors()})
        return f"The question {question.action} lacks or garbles: {', '.join(names)}."
    if not question.actor.id or not question.actor.tenant or not question.context.tenant:
        return f"The question {question.action} does not say who asks, or for which tenant."
    return ""


def document(question: Question) -> dict[str, Json]:
    """The input as rules see it: `{actor, action, context, resources, risk, time, facts}`."""
    return question.model_dump(mode="json")
