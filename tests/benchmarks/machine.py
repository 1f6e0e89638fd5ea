"""How busy others keep the machine while something of ours is measured."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil


@dataclass(slots=True)
class Reading:
    """Filled when the block ends: cores of others, and cores of ours."""

    foreign: float = 0.0
    own: float = 0.0


@contextmanager
def watched() -> Iterator[Reading]:
    """Measure over the block. All that we start are our descendants, so the rest is others'."""
    reading = Reading()
    began, idle, own = time.perf_counter(), idle_seconds(), own_seconds()
    try:
        yield reading
    finally:
        took = max(time.perf_counter() - began, 0.001)
        reading.own = (own_seconds() - own) / took
        busy = (psutil.cpu_count() or 1) - (idle_seconds() - idle) / took
        reading.foreign = max(0.0, busy - reading.own)


def idle_seconds() -> float:
    """CPU seconds that nobody used since the machine started."""
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))


def own_seconds() -> float:
    """CPU seconds of this process and of all that it started, also of what has ended."""
    root = psutil.Process()
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
