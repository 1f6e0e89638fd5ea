"""Alerts as they arrive, and the problem that a group of them is."""

from datetime import datetime
from enum import StrEnum

from engine.domain.context import ContextRef
from engine.domain.ids import ConversationId, ProblemId, Tenant
from engine.domain.model import Model


class AlertStatus(StrEnum):
    """As Alertmanager says it."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Model):
    """One alert, cleaned; its words are data from outside."""

    fingerprint: str
    status: AlertStatus
    name: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    starts_at: datetime
    ends_at: datetime | None = None
    source_url: str = ""


class Problem(Model):
    """A group of alerts that is one thing."""

    id: ProblemId
    reference: str
    tenant: Tenant
    key: str
    title: str
    severity: str = ""
    context: ContextRef
    status: AlertStatus
    alerts: tuple[Alert, ...] = ()
    occurrences: int = 1
    conversation_id: ConversationId | None = None
    started_at: datetime
    ended_at: datetime | None = None
    fixed_by: str = ""
    acknowledged_by: str = ""
