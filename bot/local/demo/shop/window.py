"""How many requests succeeded and failed during the last seconds, in constant memory."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

BUCKETS = 60


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests of one window."""

    requests: int
    failed: int

    @property
    def error_rate(self) -> Decimal:
        """Failed of all, between 0 and 1, to a tenth of a percent; 0 without requests."""
        if not self.requests:
            return Decimal("0.000")
        share = Decimal(self.failed) / Decimal(self.requests)
        return share.quantize(Decimal("0.001"), ROUND_HALF_EVEN)

    @property
    def error_percent(self) -> Decimal:
        """The error rate in percent, with one decimal."""
        return (self.error_rate * 100).quantize(Decimal("0.1"))


class Window:
    """A sliding window of `seconds`, kept in `BUCKETS` slices."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._slice = seconds / BUCKETS
        self._clock = clock
        self._slices: deque[tuple[int, list[int]]] = deque()

    def add(self, *, failed: bool) -> None:
        """Count one request."""
        number = self._number()
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append((number, [0, 0]))
        self._slices[-1][1][1 if failed else 0] += 1
        self._forget()

    def clear(self) -> None:
        """Start again, as a restarted instance does."""
        self._slices.clear()

    def counts(self) -> Counts:
        """What the window holds now."""
        self._forget()
        good = sum(pair[0] for _, pair in self._slices)
        failed = sum(pair[1] for _, pair in self._slices)
        return Counts(requests=good + failed, failed=failed)

    def _number(self) -> int:
        return int(self._clock() / self._slice)

    def _forget(self) -> None:
        oldest = self._number() - BUCKETS
        while self._slices and self._slices[0][0] <= oldest:
            self._slices.popleft()
