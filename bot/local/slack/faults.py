"""What a test has asked to go wrong, and how long things last."""

import time
from dataclasses import dataclass, field

EVERY = "*"


@dataclass(slots=True)
class Faults:
    """Set through /control; read where the fault happens."""

    limited: dict[str, tuple[int, int]] = field(default_factory=dict)
    lost_answers: dict[str, int] = field(default_factory=dict)
    latency: dict[str, float] = field(default_factory=dict)
    outage_until: float = 0.0
    outage_status: int = 503
    refused_links: int = 0
    redelivery_scale: float = 1.0
    trigger_lifetime: float = 3.0
    stream_lifetime: float = 300.0
    event_copies: int = 1
    unknown_blocks: frozenset[str] = frozenset()

    def retry_after(self, method: str) -> int | None:
        """Seconds to wait if this call is one of those to be limited."""
        for name in (method, EVERY):
            count, seconds = self.limited.get(name, (0, 0))
            if count > 0:
                self.limited[name] = (count - 1, seconds)
                return seconds
        return None

    def loses_answer(self, method: str) -> bool:
        """Whether the answer of this call never arrives."""
        for name in (method, EVERY):
            if self.lost_answers.get(name, 0) > 0:
                self.lost_answers[name] -= 1
                return True
        return False

    def delay(self, method: str) -> float:
        return self.latency.get(method, self.latency.get(EVERY, 0.0))

    def is_out(self) -> bool:
        return time.monotonic() < self.outage_until

    def refuses_link(self) -> bool:
        """Whether this handshake is one of those to be refused."""
        if self.refused_links <= 0:
            return False
        self.refused_links -= 1
        return True
