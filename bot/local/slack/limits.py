"""Slack's rate limits: a budget per method and minute, and one post a second per channel."""

import math
import time
from dataclasses import dataclass

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
UNSTATED = 100
POSTS_PER_MINUTE = 300
POSTS_PER_CHANNEL = 60
BURST_PER_CHANNEL = 5
PER_MINUTE = {
    "chat.postMessage": POSTS_PER_MINUTE,
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "chat.startStream": TIER_2,
    "chat.stopStream": TIER_2,
    "chat.appendStream": TIER_4,
    "chat.postEphemeral": TIER_4,
    "agents.sessions.setStatus": TIER_3,
    "agents.sessions.rename": TIER_3,
    "apps.connections.open": TIER_3,
    "reactions.add": TIER_3,
    "reactions.remove": TIER_2,
    "reactions.get": TIER_3,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.info": TIER_3,
    "conversations.open": TIER_3,
    "conversations.invite": TIER_3,
    "conversations.join": TIER_3,
    "conversations.create": TIER_2,
    "conversations.list": TIER_2,
    "conversations.setTopic": TIER_2,
    "conversations.setPurpose": TIER_2,
    "conversations.archive": TIER_2,
    "users.lookupByEmail": TIER_3,
    "users.list": TIER_2,
    "usergroups.list": TIER_2,
    "usergroups.users.list": TIER_2,
    "bookmarks.add": TIER_2,
    "bookmarks.list": TIER_3,
    "pins.add": TIER_2,
    "pins.remove": TIER_2,
    "pins.list": TIER_2,
    "emoji.list": TIER_2,
    "team.info": TIER_3,
    "bots.info": TIER_3,
}
# Slack gives no figure for these; they have to work at any time.
FREE = frozenset({"auth.test", "api.test", "blocks.validate", "chat.getPermalink"})


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time."""

    capacity: float
    per_second: float
    tokens: float
    filled: float

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 takes it."""
        self.tokens = min(self.capacity, self.tokens + (now - self.filled) * self.per_second)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.per_second


class Budgets:
    """Whether a call still fits. Scale 2 gives twice as much room."""

    def __init__(self, *, on: bool, scale: float = 1.0) -> None:
        self.on = on
        self.scale = scale
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def retry_after(self, method: str, channel: str) -> int:
        """0 if the call may be made, or the seconds to wait."""
        if not self.on or method in FREE:
            return 0
        per_minute = PER_MINUTE.get(method, UNSTATED)
        wait = self._take((method, ""), per_minute, per_minute)
        if method == "chat.postMessage" and not wait:
            wait = self._take((method, channel), POSTS_PER_CHANNEL, BURST_PER_CHANNEL)
        return math.ceil(wait)

    def _take(self, key: tuple[str, str], per_minute: float, burst: float) -> float:
        now = time.monotonic()
        if key not in self._buckets:
            full = max(1.0, burst * self.scale)
            self._buckets[key] = Bucket(full, per_minute * self.scale / 60, full, now)
        return self._buckets[key].wait(now)

    def refill(self) -> None:
        """Start again with full budgets."""
        self._buckets.clear()
