"""The `Files` port: written on this machine first, so that no store has to be there for that."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from engine.artifacts.objects import Objects
from engine.artifacts.spool import Spool, SpoolFile
from engine.domain.artifact import Artifact, Written
from engine.domain.ids import ArtifactId


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """A spool and a store."""

    spool: Spool
    objects: Objects

    async def open(self, artifact_id: ArtifactId) -> SpoolFile:
        return await self.spool.open(artifact_id)

    async def waiting(self) -> list[ArtifactId]:
        return await self.spool.waiting()

    def held(self, artifact_id: ArtifactId) -> AbstractAsyncContextManager[Written | None]:
        return self.spool.held(artifact_id)

    async def deliver(self, artifact: Artifact) -> None:
        await self.objects.put(artifact.key, self.spool.path(artifact.id), artifact.size)

    async def forget(self, artifact_id: ArtifactId) -> None:
        await self.spool.forget(artifact_id)

    async def delete(self, key: str) -> None:
        await self.objects.delete(key)

    def read(self, key: str) -> AsyncIterator[bytes]:
        return self.objects.read(key)
