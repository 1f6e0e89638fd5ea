"""An incident of PagerDuty as its webhook tells it, read strictly; its words are from outside."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from engine.domain.freeze import inert
from engine.domain.model import Model
from engine.errors import Invalid

ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
# How an Alertmanager calls what it reports.
GROUPED = re.compile(r"^\[FIRING:\d+\]\s+(\S+)")
STATUSES = frozenset({"triggered", "acknowledged", "resolved"})


class Incident(Model):
    """One event about an incident. `key` is what whoever triggered it calls it."""

    event: str
    kind: str
    id: str
    at: datetime
    status: str
    key: str = ""
    title: str = ""
    service: str = ""
    urgency: str = ""
    number: int = 0
    by: str = ""

    @property
    def name(self) -> str:
        """What fires, as an Alertmanager names it, or else the title."""
        found = GROUPED.match(self.title)
        return found[1] if found else self.title

    @property
    def fingerprint(self) -> str:
        return sha256(f"pagerduty:{self.id}".encode()).hexdigest()[:16]


def parse(body: bytes) -> Incident | None:
    """The event of a body; None for one that is about no incident. Raises `Invalid`."""
    try:
        event = orjson.loads(body)["event"]
        data = event["data"]
        if event["resource_type"] != "incident" or data.get("status") not in STATUSES:
            return None
        return Incident(
            event=known(event["id"]),
            kind=str(event["event_type"])[:64],
            id=known(data["id"]),
            at=datetime.fromisoformat(event["occurred_at"]),
            status=data["status"],
            key=str(data.get("incident_key") or "")[:255],
            title=inert(str(data.get("title") or "Incident"), 200),
            service=inert(summary(data.get("service")), 100),
            urgency=inert(str(data.get("urgency") or ""), 20),
            number=int(data.get("number") or 0),
            by=inert(summary(event.get("agent")), 80),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise Invalid("The body is no event of PagerDuty's webhooks v3.") from None


def known(given: Any) -> str:
    """An id. Raises `ValueError`."""
    if not isinstance(given, str) or not ID.match(given):
        raise ValueError
    return given


def summary(reference: Any) -> str:
    """What a reference is called."""
    return str((reference or {}).get("summary") or "")
