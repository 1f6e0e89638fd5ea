"""Identifiers: UUIDv7 for the machine, short references for people."""

import secrets
import time
import uuid
from typing import NewType

Tenant = NewType("Tenant", str)
PersonId = NewType("PersonId", str)
PlanId = NewType("PlanId", str)
DraftId = NewType("DraftId", str)
ExecutionId = NewType("ExecutionId", str)
ConversationId = NewType("ConversationId", str)
ProblemId = NewType("ProblemId", str)
EvidenceId = NewType("EvidenceId", str)
DocumentId = NewType("DocumentId", str)
FactId = NewType("FactId", str)
SessionId = NewType("SessionId", str)
FreezeId = NewType("FreezeId", str)
ArtifactId = NewType("ArtifactId", str)


def new_id() -> str:
    """A UUIDv7 (RFC 9562 section 5.7): milliseconds first, so ids sort by age."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76
    value |= secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))
