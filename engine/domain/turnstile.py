"""How often somebody may do something in a while; what is remembered has an end."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

MOST_KEYS = 10_000


@dataclass(slots=True)
class Turnstile:
    """`most` times in `seconds` for each key, which all begin with a full allowance.

    A key that has nothing to its charge any more is like one that was never seen. Of more than
    `keys` the one that was charged longest ago is forgotten.
    """

    most: int
    seconds: float
    clock: Callable[[], float]
    keys: int = MOST_KEYS
    _charged: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, key: str) -> int:
        """Seconds until this key may do it once more; 0 for now."""
        over = self._standing(key) + 1 - self.most
        return ceil(over * self.seconds / self.most) if over > 0 else 0

    def charge(self, key: str) -> None:
        """It was done once."""
        self._charged[key] = (self._standing(key) + 1, self.clock())
        self._charged.move_to_end(key)
        if len(self._charged) > self.keys:
            self._charged.popitem(last=False)

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._charged)

    def _standing(self, key: str) -> float:
        """What is to its charge; it runs off evenly."""
        before, at = self._charged.get(key, (0.0, 0.0))
        return max(0.0, before - (self.clock() - at) * self.most / self.seconds)
