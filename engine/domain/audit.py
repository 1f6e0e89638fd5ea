"""What happened, who did it, and why it was let through."""

from datetime import datetime

from engine.domain.actor import Actor
from engine.domain.model import Json, Model


class AuditEvent(Model):
    """One row of the audit; written in the transaction of what it tells."""

    actor: Actor
    action: str
    subject: str
    decision: str = ""
    reason: str = ""
    policy_decision: str = ""
    policy_input_digest: str = ""
    detail: dict[str, Json] = {}
    at: datetime | None = None
