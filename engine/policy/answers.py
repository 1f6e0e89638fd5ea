"""Reads what a policy engine answered; what is not exactly one known answer is a deny."""

from pydantic import Field, ValidationError

from engine.domain.ids import new_id
from engine.domain.model import Json, Model
from engine.domain.plan import Constraints, Requirements
from engine.domain.policy import Answer, Ruling

DOWN = (
    "The policy can't be evaluated, so I can't start anything that changes something. "
    "Whoever runs me finds the cause in my log."
)
UNKNOWN = "Not allowed: the policy gave no answer that I know (rule `base.unknown`)."


class Document(Model):
    """What the entry point may return; anything else is no answer."""

    decision: Answer
    requirements: dict[str, Json]
    constraints: dict[str, Json]
    ttl: int = Field(ge=0, le=3600)
    reasons: tuple[str, ...]


def ruled(value: object, digest: str, decision_id: str = "") -> Ruling:
    """The ruling; `decision_id` is the engine's own, where it gave one."""
    try:
        answer = Document.model_validate(value)
        return Ruling(
            id=decision_id or new_id(),
            decision=answer.decision,
            requirements=Requirements.model_validate(answer.requirements),
            constraints=Constraints.model_validate(answer.constraints),
            ttl=answer.ttl,
            reasons=answer.reasons,
            input_digest=digest,
        )
    except ValidationError:
        return denied(UNKNOWN, digest, decision_id)


def denied(reason: str, digest: str = "", decision_id: str = "") -> Ruling:
    """A deny of ours."""
    return Ruling(
        id=decision_id or new_id(), decision=Answer.DENY, reasons=(reason,), input_digest=digest
    )
