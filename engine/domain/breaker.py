"""A circuit breaker: who failed several times in a row is left alone for a while."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Closed until `failures` in a row, then open for `seconds`, then one try decides.

    The clock is monotonic. It belongs to one process: another finds out for itself.
    """

    failures: int
    seconds: float
    clock: Callable[[], float]
    failed: int = 0
    opened: float = 0
    trying: bool = False

    @property
    def state(self) -> str:
        """Closed, open or half-open."""
        if self.failed < self.failures:
            return "closed"
        return "open" if self.clock() < self.opened + self.seconds else "half-open"

    def admits(self) -> bool:
        """Whether a question may be asked now. While half-open only one may."""
        if self.state == "closed":
            return True
        if self.state == "open" or self.trying:
            return False
        self.trying = True
        return True

    def worked(self) -> None:
        """It answered."""
        self.failed, self.trying = 0, False

    def broke(self) -> None:
        """It did not answer."""
        self.failed, self.trying = self.failed + 1, False
        if self.failed >= self.failures:
            self.opened = self.clock()

    def left(self) -> None:
        """The try ended without showing anything, as when it was cancelled."""
        self.trying = False
