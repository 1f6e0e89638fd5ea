"""Whose a container is, and which ones nobody holds any more."""

import socket
import time
from collections.abc import Callable, Mapping

import structlog

from engine.tools.containers.engine_api import EngineApi, Found
from engine.tools.holders import Holder

HOLDER = "carapulse.holder"
LEASE = "carapulse.lease"
# Longer than any call may take; only holders on other machines are judged by it.
LEASE_SECONDS = 4 * 3600.0
log = structlog.get_logger(__name__)


def labels(holder: Holder, now: float) -> dict[str, str]:
    """What a container of this holder carries."""
    return {HOLDER: str(holder), LEASE: str(int(now + LEASE_SECONDS))}


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
