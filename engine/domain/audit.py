"""What happened, who did it, why it was let through, and the chain that shows it unchanged."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from engine.domain.actor import Actor
from engine.domain.model import Json, Model

ROW = b"carapulse audit row v1\n"
LINK = b"carapulse audit link v1\n"
START = bytes(32)


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


class AuditRow(Model):
    """A stored row, exactly as it is stored: what its hash is made of."""

    id: int
    tenant: str
    at: datetime
    actor: str
    action: str
    subject: str
    decision: str
    body: str

    @property
    def hash(self) -> bytes:
        """SHA-256 over every column that tells something."""
        told = [
            self.id,
            self.tenant,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.actor,
            self.action,
            self.subject,
            self.decision,
            self.body,
        ]
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return sha256(ROW + text.encode("utf-8", "surrogatepass")).digest()

    @property
    def event(self) -> AuditEvent:
        """What the row tells."""
        return AuditEvent.model_validate_json(self.body).model_copy(update={"at": self.at})


class AuditQuery(Model):
    """Which rows; an action that ends with `.*` means all of its kind."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    decision: str = ""
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0


class Link(Model):
    """One entry of the chain, with the row that it seals if that is still there."""

    seq: int
    audit_id: int
    row_hash: bytes
    link: bytes
    row: AuditRow | None


class Checkpoint(Model):
    """The signed end of the chain at some time."""

    seq: int
    link: bytes
    key_id: str
    signature: str

    @property
    def message(self) -> bytes:
        """What is signed."""
        return self.seq.to_bytes(8, "big") + self.link


class Anchor(Checkpoint):
    """Where the chain begins once all up to this entry is purged; signed as such."""


class Tail(Model):
    """Rows that are not sealed yet."""

    count: int
    first: int | None = None
    last: int | None = None
    oldest: datetime | None = None


class Damage(StrEnum):
    """What can be wrong with the audit."""

    EDITED = "edited"
    MISSING = "missing"
    RELINKED = "relinked"
    CUT = "cut"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    LATE = "late"


class Finding(Model):
    """One thing that is wrong, in words."""

    damage: Damage
    text: str


class Verification(Model):
    """What a look at the whole chain showed. It begins later than at 1 where it was purged."""

    rows: int
    begins: int = 1
    checkpoints: int
    end: str
    tail: Tail
    findings: tuple[Finding, ...]
    more_findings: int = 0

    @property
    def sound(self) -> bool:
        return not self.findings


def linked(before: bytes, seq: int, row_hash: bytes) -> bytes:
    """The link of an entry: it depends on every entry before it."""
    return sha256(LINK + before + seq.to_bytes(8, "big") + row_hash).digest()


def told(row: AuditRow) -> Mapping[str, Json]:
    """A row for people and programs: its columns and what its event says beside them."""
    event = row.event
    return {
        "id": row.id,
        "at": row.at.astimezone(UTC).isoformat(),
        "actor": row.actor,
        "actor_name": event.actor.name,
        "actor_kind": event.actor.kind.value,
        "action": row.action,
        "subject": row.subject,
        "decision": row.decision,
        "reason": event.reason,
        "policy_decision": event.policy_decision,
        "policy_input_digest": event.policy_input_digest,
        "detail": event.detail,
    }
