"""What longer input costs, in processor time of its own: no busy machine makes it fail."""

from collections.abc import Callable
from time import process_time

TIMES = 4
# Linear work takes 4 times as long, what looks back at all before it 16 times.
MOST = 9.0
# Below this the clock says nothing.
LEAST = 0.002


def growth(work: Callable[[int], object], small: int) -> float:
    """How many times longer `work` takes for four times as much."""
    return cost(work, small * TIMES) / max(cost(work, small), LEAST)


def cost(work: Callable[[int], object], size: int) -> float:
    """The quickest of three; in seconds."""
    return min(_once(work, size) for _ in range(3))


def _once(work: Callable[[int], object], size: int) -> float:
    began = process_time()
    work(size)
    return process_time() - began
