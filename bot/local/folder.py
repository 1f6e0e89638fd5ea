"""The folder in which a local Carapulse keeps everything, used by one start at a time."""

import asyncio
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import Conflict, Unavailable

OWNER_ONLY = 0o600
LEFTOVERS_END_WITHIN = 20.0
POLL = 0.05
MARK = "carapulse-folder"
"""The file by which `reset` knows that a folder is ours to empty."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where things are kept, while we hold the folder's lock."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def children_lock(self) -> Path:
        """Held by the guard of every child; free once the last one has gone."""
        return self.path / "children.lock"

    def part(self, name: str) -> Path:
        """Return the subfolder of one component, made if missing."""
        part = self.path / name
        part.mkdir(exist_ok=True)
        return part

    def password(self, name: str) -> str:
        """Return the random password kept under `name`, made when it is first asked for."""
        file = self.secrets / f"{name}.json"
        if file.exists():
            kept: dict[str, str] = json.loads(file.read_text())
            return kept["password"]
        password = secrets.token_urlsafe(24)
        write_private(file, json.dumps({"password": password}))
        return password


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)


@asynccontextmanager
async def open_folder(path: Path, *, reset: bool = False) -> AsyncIterator[Folder]:
    """Take the folder for ourselves, empty it when `reset`, and yield it.

    Processes that an earlier, killed start left behind are on their way out; they are waited for.

    Raises:
        Conflict: another start is using the folder, or `reset` was asked for one that is not ours.
        Unavailable: processes of an earlier start do not end.
    """
    path = path.absolute()
    path.mkdir(parents=True, exist_ok=True)
    folder = Folder(path)
    with _locked(path) as lock:
        await _leftovers_gone(folder)
        if reset:
            _empty(path)
        folder.secrets.mkdir(exist_ok=True, mode=0o700)
        (path / MARK).touch()
        (path / ".gitignore").write_text("*\n")
        _sign(lock)
        yield folder


def _locked(path: Path) -> IO[str]:
    """Lock the folder; the lock ends with the process, whatever ends that."""
    lock = (path / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read(20).strip() or "unknown"
        lock.close()
        raise Conflict(
            f"Carapulse is already running in {path} (process {holder}). "
            "Stop it first, or choose another folder with --folder."
        ) from None
    return lock


def _sign(lock: IO[str]) -> None:
    """Leave our pid in the lock file for the next one's error message."""
    lock.seek(0)
    lock.truncate()
    lock.write(f"{os.getpid()}\n")
    lock.flush()


async def _leftovers_gone(folder: Folder) -> None:
    """Wait until no guard of an earlier start is left."""
    with folder.children_lock.open("a") as shared:
        try:
            async with asyncio.timeout(LEFTOVERS_END_WITHIN):
                while not _free(shared):  # noqa: ASYNC110 - another process's lock, no event tells
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise Unavailable(
                "earlier processes",
                f"Processes of an earlier start in {folder.path} have not ended after "
                f"{LEFTOVERS_END_WITHIN:g} s. End the `guard.py` processes and start again.",
            ) from None


def _free(shared: IO[str]) -> bool:
    try:
        fcntl.flock(shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _empty(path: Path) -> None:
    """Remove all but the two lock files of a folder that carries our mark."""
    entries = [entry for entry in path.iterdir() if entry.name not in {"lock", "children.lock"}]
    if entries and not (path / MARK).exists():
        raise Conflict(f"{path} was not made by Carapulse, so it is not emptied.")
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
