"""Whose something is that a killed worker leaves behind: the process that made it."""

import os
import shutil
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

# In the folder of a call, so that it is known whose it is.
MARK = "holder"


@dataclass(frozen=True, slots=True)
class Holder:
    """One worker process, told from all others that there ever were on its machine."""

    machine: str
    pid: int
    started: int

    @classmethod
    def ourselves(cls) -> Self:
        """This process."""
        return cls(socket.gethostname(), os.getpid(), int(psutil.Process().create_time()))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The holder of a label, or None where the label is not one of ours."""
        machine, _, rest = text.rpartition("/")
        pid, _, started = rest.partition("@")
        if not machine or not pid.isdigit() or not started.isdigit():
            return None
        return cls(machine, int(pid), int(started))

    def __str__(self) -> str:
        return f"{self.machine}/{self.pid}@{self.started}"

    def lives(self) -> bool:
        """Whether the process is still there; only its own machine can tell."""
        try:
            return int(psutil.Process(self.pid).create_time()) == self.started
        except psutil.Error:
            return False


def sweep_folders(parent: Path) -> None:
    """Remove the folders of calls whose worker, on this machine, has ended."""
    machine = socket.gethostname()
    for mark in parent.glob(f"call-*/{MARK}"):
        try:
            found = mark.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
                continue  # another user's: the folder may be everybody's
            holder = Holder.read(mark.read_text(encoding="utf-8"))
        except OSError:
            continue  # its call ends just now
        if holder is not None and holder.machine == machine and not holder.lives():
            shutil.rmtree(mark.parent, ignore_errors=True)
