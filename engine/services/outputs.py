"""Complete outputs on their way to the artifact store: written while a tool runs, delivered after.

What a tool prints is first kept on the worker's own disk, so neither a store that is away nor a
slow one holds anything up; `Delivery` brings it there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from engine.domain.artifact import Artifact, ArtifactState, Source, said_size
from engine.domain.ids import ArtifactId, Tenant, new_id
from engine.errors import CarapulseError
from engine.ports import Clock, Files, Store, Writing

PIECE = 256 * 1024
LIMIT = 256 << 20
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Output:
    """One file that grows. A disk that is full ends the file, never the call."""

    artifact: Artifact
    store: Store
    files: Files | None
    limit: int
    unseen: int = 0
    partial: bool = False
    _size: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _file: Writing | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def kept(self) -> bool:
        """Whether what is given goes anywhere."""
        return self.files is not None and not self.partial

    @property
    def whereabouts(self) -> str:
        """Where what is not shown can be read."""
        if self.files is None:
            return "that is not kept"
        return "in the file, which was cut" if self.partial else "in the file"

    async def line(self, text: str) -> None:
        """Append a redacted line."""
        if not self.kept:
            return
        data = text.encode("utf-8", "replace") + b"\n"
        self._size += len(data)
        if self._size > self.limit:
            self.partial = True
            data = f"… (cut after {said_size(self.limit)}; the rest is not kept)\n".encode()
        self._buffer += data
        if len(self._buffer) >= PIECE:
            await self._flush()

    async def _flush(self) -> None:
        """In order, also where two streams of a tool are read at once."""
        async with self._turn:
            piece = bytes(self._buffer)
            self._buffer.clear()
            try:
                await (await self._opened()).write(piece)
            except CarapulseError as error:
                self.partial = True
                log.warning("output is not kept", action="artifact.lost", error=str(error))

    async def _opened(self) -> Writing:
        """The file; its row comes first, so that it is known wherever the worker dies."""
        if self._file is None:
            assert self.files is not None
            async with self.store.begin() as unit:
                await unit.artifacts.put(self.artifact)
            self._file = await self.files.open(self.artifact.id)
        return self._file

    async def close(self) -> bool:
        """Whether there is a file to deliver now."""
        if self._buffer:
            await self._flush()
        if self._file is None:
            return False
        try:
            written = await self._file.written()
            changes = {
                "state": ArtifactState.KEPT,
                "unseen": self.unseen,
                "partial": self.partial,
                **written.model_dump(),
            }
            async with self.store.begin() as unit:
                await unit.artifacts.put(self.artifact.model_copy(update=changes))
        except CarapulseError as error:  # the row stays open; whoever delivers the file tells
            log.warning("output is told later", action="artifact.late", error=str(error))
        finally:
            self._file.release()
        return True


@dataclass(frozen=True, slots=True)
class Outputs:
    """Makes files of outputs. Without `files` there is no store, and nothing is kept."""

    store: Store
    clock: Clock
    tenant: Tenant
    worker: str = ""
    files: Files | None = None
    limit: int = LIMIT
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def of(self, source: Source) -> AsyncIterator[Output]:
        """A file for one call or look; there is none where nothing was printed."""
        artifact_id = ArtifactId(new_id())
        artifact = Artifact.new(artifact_id, self.tenant, source, self.worker, self.clock())
        output = Output(artifact, self.store, self.files, self.limit)
        try:
            yield output
        finally:
            if await output.close():
                self.ready.set()
