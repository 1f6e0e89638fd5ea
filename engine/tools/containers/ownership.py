"""Whose a container is, and which ones nobody holds any more."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil
import structlog

from engine.tools.containers.engine_api import EngineApi, Found

HOLDER = "carapulse.holder"
LEASE = "carapulse.lease"
# Longer than any call may take; only holders on other machines are judged by it.
LEASE_SECONDS = 4 * 3600.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Holder:
    """One worker process, told from all others that there ever were on its machine."""

    machine: str
    pid: int
    started: int

    @classmethod
    def ourselves(cls) -> "Holder":
        """This process."""
        return cls(socket.gethostname(), os.getpid(), int(psutil.Process().create_time()))

    @classmethod
    def read(cls, text: str) -> "Holder | None":
        """The holder of a label, or None where the label is not one of ours."""
        machine, _, rest = text.rpartition("/")
        pid, _, started = rest.partition("@")
        if not machine or not pid.isdigit() or not started.isdigit():
            return None
        return cls(machine, int(pid), int(started))

    def labels(self, now: float) -> dict[str, str]:
        """What a container of this holder carries."""
        name = f"{self.machine}/{self.pid}@{self.started}"
        return {HOLDER: name, LEASE: str(int(now + LEASE_SECONDS))}

    def lives(self) -> bool:
        """Whether the process is still there; only its own machine can tell."""
        try:
            return int(psutil.Process(self.pid).create_time()) == self.started
        except psutil.Error:
            return False


def abandoned(labels: Mapping[str, str], machine: str, now: float) -> bool:
    """Whether nobody holds a container with these labels."""
    holder = Holder.read(labels.get(HOLDER, ""))
    if holder is not None and holder.machine == machine:
        return not holder.lives()
    lease = labels.get(LEASE, "")
    return not lease.isdigit() or int(lease) < now


async def sweep(api: EngineApi, clock: Callable[[], float] = time.time) -> list[Found]:
    """Remove every sandbox that nobody holds; those that were removed.

    Raises:
        EngineLost: the engine does not answer.
        EngineRefused: it does not let us.
    """
    machine, removed = socket.gethostname(), []
    for one in await api.labelled(HOLDER):
        if abandoned(one.labels, machine, clock()):
            await api.remove(one.id)
            removed.append(one)
    if removed:
        log.info("abandoned sandboxes removed", action="sandbox.swept", number=len(removed))
    return removed
