"""From the worker's disk to the artifact store, however long that is away; and out of it again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from engine.domain.artifact import Artifact, ArtifactState, Written
from engine.domain.conversation import PostKind
from engine.domain.ids import ArtifactId
from engine.errors import NotFound, Unavailable
from engine.ports import Clock, Files, Store, Unit
from engine.services.loglines import within
from engine.services.thread_files import want_late

STORE = "artifacts"
EVERY = 10.0
PURGE_EVERY = 3600.0
AT_A_TIME = 100
Count = Callable[[str, int], None]
log = structlog.get_logger(__name__)


def uncounted(outcome: str, size: int) -> None:
    """Where nobody counts."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What lies on this machine goes to the store, one file at a time.

    `ready` is set when there is something new. Files that are older than `keep_days` are purged.
    """

    store: Store
    files: Files | None
    clock: Clock
    keep_days: int | None = None
    count: Count = uncounted
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """For ever."""
        if self.files is None:
            return
        loop = asyncio.get_running_loop()
        purged_at = 0.0
        while True:
            self.ready.clear()
            try:
                await self.sweep()
                if not purged_at or loop.time() - purged_at > PURGE_EVERY:
                    await self.purge()
                    purged_at = loop.time()
            except Unavailable as error:
                log.warning("artifacts wait", action="artifact.waits", error=str(error))
                await asyncio.sleep(EVERY)
            await within(EVERY, self.ready)

    async def sweep(self) -> None:
        """Deliver all that lies here. Raises `Unavailable`; what it met stays."""
        assert self.files is not None
        down: Unavailable | None = None
        for artifact_id in await self.files.waiting():
            async with self.files.held(artifact_id) as written:
                if written is None:
                    continue
                try:
                    await self._deliver(self.files, artifact_id, written, down)
                except Unavailable as error:
                    if error.component != STORE:
                        raise
                    down = error
        if down:
            raise down

    async def _deliver(
        self, files: Files, artifact_id: ArtifactId, written: Written, down: Unavailable | None
    ) -> None:
        """One file; while the store is `down` it is not asked again, and the card says so."""
        try:
            async with self.store.begin() as unit:
                known = await unit.artifacts.get(artifact_id)
        except NotFound:  # of a database that is not there any more
            log.warning("an output of nobody is removed", action="artifact.orphan")
            await files.forget(artifact_id)
            return
        artifact = found(known, written)
        if artifact.state is ArtifactState.KEPT:
            await self._put(files, artifact, down)
        await files.forget(artifact_id)

    async def _put(self, files: Files, artifact: Artifact, down: Unavailable | None) -> None:
        try:
            if down:
                raise down
            await files.deliver(artifact)
        except Unavailable:
            self.count("waits", artifact.size)
            async with self.store.begin() as unit:
                await unit.artifacts.put(artifact.model_copy(update={"waits": True}))
                await show(unit, artifact)
            raise
        stored = artifact.model_copy(
            update={"state": ArtifactState.STORED, "stored_at": self.clock(), "waits": False}
        )
        async with self.store.begin() as unit:
            await unit.artifacts.put(stored)
            await want_late(unit, stored)
            if artifact.waits:
                await show(unit, artifact)
        self.count("stored", artifact.size)

    async def purge(self) -> int:
        """Delete what is older than it has to be kept; how many files went."""
        if self.files is None or self.keep_days is None:
            return 0
        before, gone = self.clock() - timedelta(days=self.keep_days), 0
        while True:
            async with self.store.begin() as unit:
                old = await unit.artifacts.old(before, AT_A_TIME)
                for one in old:
                    await self.files.delete(one.key)
                    changes = {"state": ArtifactState.PURGED, "purged_at": self.clock()}
                    await unit.artifacts.put(one.model_copy(update=changes))
                    self.count("purged", one.size)
            gone += len(old)
            if len(old) < AT_A_TIME:
                return gone


def found(known: Artifact, written: Written) -> Artifact:
    """The row of a file that lies here; a worker that died left it open, and cut off."""
    if known.state is not ArtifactState.OPEN:
        return known
    changes = {"state": ArtifactState.KEPT, "partial": True, **written.model_dump()}
    return known.model_copy(update=changes)


async def show(unit: Unit, artifact: Artifact) -> None:
    """The log says whether complete outputs wait for the store."""
    if artifact.source.execution_id:
        await unit.posts.touch(artifact.source.execution_id, PostKind.LOG)
