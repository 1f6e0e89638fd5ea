"""A stored file: the complete output of a call or of a look, and where it is."""

import re
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Self

from engine.domain.execution import CallKey, Phase
from engine.domain.ids import ArtifactId, DraftId, ExecutionId, PersonId, Tenant
from engine.domain.model import Model

TEXT = "text/plain; charset=utf-8"
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
UNITS = ("bytes", "kB", "MB", "GB")


class ArtifactState(StrEnum):
    """Open: being written. Kept: complete, on its worker. Stored: in the artifact store."""

    OPEN = "open"
    KEPT = "kept"
    STORED = "stored"
    PURGED = "purged"


class Source(Model):
    """Whose output it is: a call of an execution's, or a look's for a request."""

    execution_id: ExecutionId | None = None
    step: int | None = None
    phase: Phase | None = None
    attempt: int | None = None
    draft_id: DraftId | None = None
    number: int | None = None

    @classmethod
    def of_call(cls, key: CallKey) -> Self:
        """A call of an execution."""
        return cls(
            execution_id=key.execution_id, step=key.step, phase=key.phase, attempt=key.attempt
        )

    @property
    def name(self) -> str:
        """What the file is called."""
        if self.phase is None:
            return f"evidence-{self.number}.log"
        again = f"-{self.attempt}" if (self.attempt or 1) > 1 else ""
        return f"step-{self.step}-{self.phase.value}{again}.log"

    @property
    def folder(self) -> str:
        """Where the store keeps it, below its tenant."""
        if self.phase is None:
            return f"drafts/{self.draft_id}/{self.number}"
        return f"executions/{self.execution_id}/{self.step}/{self.phase.value}-{self.attempt}"


class Written(Model):
    """What a file holds."""

    size: int
    sha256: str


class Artifact(Model):
    """One file. `unseen` bytes of it are nowhere else; a `partial` one lost its end.

    `waits`: the store did not take it yet, so it is on its `worker`.
    """

    id: ArtifactId
    tenant: Tenant
    key: str
    name: str
    content_type: str = TEXT
    source: Source
    state: ArtifactState = ArtifactState.OPEN
    size: int = 0
    sha256: str = ""
    unseen: int = 0
    partial: bool = False
    waits: bool = False
    worker: str = ""
    created_at: datetime
    stored_at: datetime | None = None
    purged_at: datetime | None = None

    @classmethod
    def new(
        cls, artifact_id: ArtifactId, tenant: Tenant, source: Source, worker: str, now: datetime
    ) -> Self:
        """One that is about to be written."""
        return cls(
            id=artifact_id,
            tenant=tenant,
            key=f"{folder_of(tenant)}/{source.folder}/{artifact_id}.log",
            name=source.name,
            source=source,
            worker=worker,
            created_at=now,
        )


class Kept(Model):
    """Why an execution's files are kept beyond their time, and who said so."""

    reason: str
    person: PersonId
    person_name: str
    at: datetime


def folder_of(tenant: Tenant) -> str:
    """A tenant's name as one part of a key, whatever characters it has."""
    if PLAIN.fullmatch(tenant):
        return tenant
    return f"tenant-{sha256(tenant.encode()).hexdigest()[:32]}"


def said_size(count: int) -> str:
    """`91 MB`, `1.4 GB`, `312 bytes`: as people say it."""
    size, unit = float(count), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    short = f"{size:.1f}" if unit and size < 10 else f"{size:.0f}"
    return f"{short.removesuffix('.0')} {UNITS[unit]}"
