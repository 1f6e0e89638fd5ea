"""Where complete outputs go: their rows, the files themselves, and the links to them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from engine.domain.artifact import Artifact, Kept, Written
from engine.domain.ids import ArtifactId, DraftId, ExecutionId


class Artifacts(Protocol):
    """What there is; a row stays when its file is purged."""

    async def put(self, artifact: Artifact) -> None:
        """Insert, or write what may change of it."""
        ...

    async def get(self, artifact_id: str) -> Artifact:
        """Raises `NotFound`."""
        ...

    async def of_execution(self, execution_id: ExecutionId) -> list[Artifact]: ...
    async def of_drafts(self, draft_ids: Sequence[DraftId]) -> list[Artifact]: ...
    async def waiting(self, execution_id: ExecutionId) -> int:
        """How many files of it the store did not take yet."""
        ...

    async def old(self, before: datetime, limit: int) -> list[Artifact]:
        """Stored before then, and of nothing that is unfinished or kept; locked."""
        ...

    async def keep(self, execution_id: ExecutionId, kept: Kept) -> None: ...
    async def release(self, execution_id: ExecutionId) -> None: ...
    async def kept(self, execution_id: ExecutionId) -> Kept | None: ...


class Writing(Protocol):
    """One file that is being written on this machine."""

    async def write(self, data: bytes) -> None:
        """Append. Raises `Unavailable` when the disk does not take it."""
        ...

    async def written(self) -> Written:
        """Put everything on the disk; what there is. It stays ours until `release`."""
        ...

    def release(self) -> None:
        """Others may take it from here."""
        ...


class Files(Protocol):
    """Files on this machine on their way to the store, and those that are there."""

    async def open(self, artifact_id: ArtifactId) -> Writing:
        """A new file here. Raises `Unavailable`."""
        ...

    async def waiting(self) -> list[ArtifactId]:
        """Those that lie here."""
        ...

    def held(self, artifact_id: ArtifactId) -> AbstractAsyncContextManager[Written | None]:
        """Take one that lies here; None while somebody writes or delivers it."""
        ...

    async def deliver(self, artifact: Artifact) -> None:
        """Hand it to the store; it lies here until `forget`. Raises `Unavailable`."""
        ...

    async def forget(self, artifact_id: ArtifactId) -> None: ...
    async def delete(self, key: str) -> None:
        """Take it out of the store; one that is gone is as good. Raises `Unavailable`."""
        ...

    def read(self, key: str) -> AsyncIterator[bytes]:
        """What is stored, in pieces. Raises `NotFound` or `Unavailable`."""
        ...


class Links(Protocol):
    """Signs where a file can be had, for a while."""

    def signed(self, claim: str) -> tuple[str, str]:
        """The id of the key, and the signature."""
        ...

    def holds(self, claim: str, key_id: str, signature: str) -> bool: ...
