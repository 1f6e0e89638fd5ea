"""Slack's rate limits, kept from our side: a bucket per method, and one per channel for posts.

70 % of each limit comes back over time and a quarter of it may be used in a burst, so no minute
ever sees more calls than Slack allows.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

TIER_2, TIER_3, TIER_4 = 20.0, 50.0, 100.0
POSTS = 200.0
PER_CHANNEL = 60.0
PER_MINUTE = {
    "chat.postMessage": POSTS,
    "chat.postEphemeral": TIER_4,
    "chat.update": TIER_3,
    "reactions.add": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.history": TIER_3,
    "views.publish": TIER_4,
    "agents.sessions.setStatus": TIER_3,
    # One file is three calls of tier 4.
    "files.upload": 30.0,
}
STEADY, BURST = 0.7, 0.25
# Kept back for what needs a person first.
RESERVE = 0.3
CHANNEL_RATE, CHANNEL_BURST = 0.8, 2.0
MOST_CHANNELS = 5_000


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time."""

    capacity: float
    per_second: float
    tokens: float
    filled: float
    closed_until: float = 0.0

    def wait(self, now: float, keep: float = 0.0) -> float:
        """Seconds until a token may be taken and `keep` are left; 0 means now."""
        self.tokens = min(self.capacity, self.tokens + (now - self.filled) * self.per_second)
        self.filled = now
        short = max(0.0, (1 + keep - self.tokens) / self.per_second)
        return max(short, self.closed_until - now)


@dataclass(slots=True)
class Budgets:
    """Whether a call may be made now. `scale` widens everything, for benchmarks."""

    scale: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)

    def take(self, method: str, channel: str = "", *, urgent: bool = False) -> float:
        """0 and the call is counted, or the seconds after which it may be asked again."""
        buckets = [self._method(method)]
        if method == "chat.postMessage" and channel:
            buckets.append(self._channel(channel))
        now = self.clock()
        keep = 0.0 if urgent else RESERVE
        wait = max(bucket.wait(now, keep * (bucket.capacity - 1)) for bucket in buckets)
        if wait > 0:
            return wait
        for bucket in buckets:
            bucket.tokens -= 1
        return 0.0

    def close(self, method: str, seconds: float) -> None:
        """Slack said so: nothing of this method before `seconds` have passed."""
        bucket = self._method(method)
        bucket.closed_until = max(bucket.closed_until, self.clock() + seconds)

    def _method(self, method: str) -> Bucket:
        limit = PER_MINUTE[method] * self.scale
        return self._bucket((method, ""), limit * BURST, limit * STEADY / 60)

    def _channel(self, channel: str) -> Bucket:
        rate = CHANNEL_RATE * self.scale
        return self._bucket(("", channel), max(CHANNEL_BURST, rate), rate)

    def _bucket(self, key: tuple[str, str], capacity: float, per_second: float) -> Bucket:
        if key not in self._buckets:
            if len(self._buckets) >= MOST_CHANNELS:
                self._buckets.clear()
            self._buckets[key] = Bucket(capacity, per_second, capacity, self.clock())
        return self._buckets[key]
