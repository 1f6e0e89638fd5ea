"""The process sandbox: a private folder for each call and, with bubblewrap, a closed world."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from engine.errors import ToolFailed
from engine.tools.boxes import Needs
from engine.tools.holders import MARK, Holder, sweep_folders
from engine.tools.process import PROGRAMS, Ended, Limits, OnRawLine, environment, run

PROBE_SECONDS = 5.0
# Where the private folder and the home are inside bubblewrap.
INSIDE = Path("/tmp/call")  # noqa: S108 (a fresh tmpfs of the sandbox, not the machine's)
INSIDE_HOME = Path("/tmp/home")  # noqa: S108


@dataclass(frozen=True, slots=True)
class ProcessBox:
    """One open sandbox; `folder` is removed when it closes."""

    folder: Path
    home: Path
    environment: Mapping[str, str]
    prefix: tuple[str, ...] = ()
    programs: str = PROGRAMS

    def command(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The vector that really starts; `python3` is the Python that we run on.

        Raises:
            ToolFailed: the program is not installed.
        """
        return (*self.prefix, _program(argv[0], self.programs), *argv[1:])

    async def run(self, argv: Sequence[str], limits: Limits, on_line: OnRawLine) -> Ended:
        """Run one program in here."""
        return await run(
            self.command(argv),
            folder=self.folder,
            environment=self.environment,
            limits=limits,
            on_line=on_line,
        )


@dataclass(frozen=True, slots=True)
class ProcessSandbox:
    """Makes boxes. `hidden` folders (keys, state) are empty inside where bubblewrap works.

    `programs` are the folders that tools are started from.
    """

    work_folder: Path | None = None
    bwrap: str = ""
    hidden: tuple[Path, ...] = field(default=())
    programs: str = PROGRAMS
    holder: Holder = field(default_factory=Holder.ourselves)

    @classmethod
    async def detect(cls, work_folder: Path | None = None, hidden: Sequence[Path] = ()) -> Self:
        """Use bubblewrap when it is installed and may make namespaces here.

        What killed workers of this machine left in the work folder is removed.
        """
        await asyncio.to_thread(sweep_folders, work_folder or Path(tempfile.gettempdir()))
        bwrap = shutil.which("bwrap", path=PROGRAMS) or ""
        sandbox = cls(work_folder, bwrap, tuple(hidden))
        return sandbox if bwrap and await sandbox.works() else cls(work_folder, "", tuple(hidden))

    async def works(self) -> bool:
        """Whether a box can run anything."""
        async with self.open(Needs(), {}) as box:
            ended = await box.run(["true"], Limits(seconds=PROBE_SECONDS), _ignore)
        return ended.exit_code == 0

    def login_path(self, file: Path, *, writes: bool) -> Path:
        return file

    @asynccontextmanager
    async def open(self, needs: Needs, variables: Mapping[str, str]) -> AsyncIterator[ProcessBox]:
        """Make a box whose working folder has the call's files, and an empty home."""
        if needs.image and needs.writes:
            raise ToolFailed("It was approved to run in a container, and there is none here.")
        if self.work_folder:
            self.work_folder.mkdir(parents=True, exist_ok=True)
        root = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="call-", dir=self.work_folder))
        try:
            folder, home = root / "work", root / "home"
            (root / MARK).write_text(str(self.holder), encoding="utf-8")
            folder.mkdir(mode=0o700)
            home.mkdir(mode=0o500)
            for name, text in needs.files.items():
                (folder / name).write_text(text, encoding="utf-8")
            if self.bwrap:
                prefix = (self.bwrap, *self._closed(folder, needs), "--")
                variables = environment(INSIDE_HOME, variables)
            else:
                prefix, variables = (), environment(home, variables)
            yield ProcessBox(folder, home, variables, prefix, self.programs)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, root, ignore_errors=True))

    def _closed(self, folder: Path, needs: Needs) -> list[str]:
        """Arguments of bubblewrap: everything read-only, homes and sockets out of sight."""
        arguments = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        covered = [Path("/tmp"), Path("/run"), Path("/root"), Path("/home"), *self.hidden]  # noqa: S108
        for one in covered:
            if one.is_dir() and not one.is_symlink():
                arguments += ["--tmpfs", str(one)]
        for one in (*_pythons(), *needs.readable, *filter(None, [needs.login])):
            arguments += ["--ro-bind-try", str(one), str(one)]
        for one in needs.writable:
            arguments += ["--bind-try", str(one), str(one)]
        arguments += ["--dir", str(INSIDE_HOME), "--bind", str(folder), str(INSIDE)]
        arguments += ["--chdir", str(INSIDE)]
        arguments += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        arguments += ["--die-with-parent", "--new-session"]
        if needs.destinations:
            return [*arguments, "--ro-bind-try", *2 * ("/run/systemd/resolve",)]
        return [*arguments, "--unshare-net"]


def installed(program: str) -> bool:
    """Whether a program is in one of the places that tools are started from."""
    return program == "python3" or shutil.which(program, path=PROGRAMS) is not None


def _program(name: str, programs: str) -> str:
    """The whole path of a program, from the pinned places only."""
    if name == "python3":
        return os.path.realpath(sys.executable)
    found = shutil.which(name, path=programs)
    if found is None:
        raise ToolFailed(f"{name} is not installed where the worker runs.")
    return found


def _pythons() -> list[Path]:
    """The installation of our Python, where it is in a home folder."""
    covered = (Path("/root"), Path("/home"), Path("/tmp"))  # noqa: S108
    prefix = Path(sys.base_prefix).resolve()
    return [prefix] if any(prefix.is_relative_to(one) for one in covered) else []


async def _ignore(stream: str, line: str) -> None:
    """Nobody reads what the probe prints."""
