"""Files on this machine until the store has them: written in pieces, locked by whoever has them."""

import asyncio
import fcntl
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from engine.domain.artifact import Written
from engine.domain.ids import ArtifactId
from engine.errors import Unavailable

SUFFIX = ".part"
PIECE = 1 << 20
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SpoolFile:
    """The `Writing` port; the lock on the file goes with the process, however that ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Append. Raises `Unavailable` when the disk is full."""
        await asyncio.to_thread(self._write, data)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise Unavailable("disk", "The output can't be kept on this machine.") from error
        self._digest.update(data)
        self._size += len(data)

    async def written(self) -> Written:
        """Flush; a crash of the machine is the store's concern, not the spool's."""
        try:
            await asyncio.to_thread(self._file.flush)
        except OSError as error:
            raise Unavailable("disk", "The output can't be kept on this machine.") from error
        return Written(size=self._size, sha256=self._digest.hexdigest())

    def release(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder of files; several workers of one machine may share it."""

    folder: Path

    async def open(self, artifact_id: ArtifactId) -> SpoolFile:
        """A new file, locked. Raises `Unavailable`."""
        return SpoolFile(await asyncio.to_thread(self._create, artifact_id))

    def _create(self, artifact_id: ArtifactId) -> BinaryIO:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            file = os.fdopen(os.open(self.path(artifact_id), flags, 0o600), "wb")
        except OSError as error:
            raise Unavailable("disk", "The output can't be kept on this machine.") from error
        fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def path(self, artifact_id: ArtifactId) -> Path:
        """Where a file lies. An id that is none never gets as far as here."""
        assert ID.fullmatch(artifact_id), "only ids of ours are file names"
        return self.folder / f"{artifact_id}{SUFFIX}"

    async def waiting(self) -> list[ArtifactId]:
        """What lies here, the oldest first."""
        return await asyncio.to_thread(self._waiting)

    def _waiting(self) -> list[ArtifactId]:
        names = (path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))
        return [ArtifactId(name) for name in sorted(names) if ID.fullmatch(name)]

    @asynccontextmanager
    async def held(self, artifact_id: ArtifactId) -> AsyncIterator[Written | None]:
        """Lock a file and measure it; None while another has it, or when it is gone."""
        file = await asyncio.to_thread(self._locked, artifact_id)
        if file is None:
            yield None
            return
        try:
            yield await asyncio.to_thread(measured, file)
        finally:
            file.close()

    def _locked(self, artifact_id: ArtifactId) -> BinaryIO | None:
        try:
            file = self.path(artifact_id).open("rb")
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        if os.fstat(file.fileno()).st_nlink == 0:  # delivered by another just now
            file.close()
            return None
        return file

    async def forget(self, artifact_id: ArtifactId) -> None:
        await asyncio.to_thread(self.path(artifact_id).unlink, missing_ok=True)


def measured(file: BinaryIO) -> Written:
    """Size and digest, in constant memory."""
    digest, size = sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    return Written(size=size, sha256=digest.hexdigest())
