"""A choice that overrides what was approved, as the gate signs it."""

from datetime import datetime

from engine.domain.call import Effect
from engine.domain.execution import Choice
from engine.domain.ids import ExecutionId, PersonId, PlanId, Tenant
from engine.domain.model import Model
from engine.domain.plan import PlanVersion

OVERRIDES = frozenset({Choice.SKIP, Choice.MARK_DONE})


class Override(Model):
    """What is signed when a step is left out, or called done, before a further change.

    `attempt` is the one that was asked about, so that it says nothing about a later one.
    """

    tenant: Tenant
    plan_id: PlanId
    version: int
    digest: str
    execution_id: ExecutionId
    step: int
    attempt: int
    choice: Choice
    person: PersonId
    person_name: str
    policy_decision: str
    at: datetime
    nonce: str
    key_id: str


class SignedOverride(Model):
    """It with its signature, base64 without padding."""

    statement: Override
    signature: str


def overriding(version: PlanVersion, choice: Choice, step: int) -> bool:
    """Whether this choice about this step does: something is still changed behind it."""
    later = (one.effect is not Effect.READ for one in version.steps[step:])
    return choice in OVERRIDES and any(later)
