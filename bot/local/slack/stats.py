"""What the local Slack has seen, for tests that count."""

from collections import Counter, deque
from dataclasses import dataclass, field

from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused

KEPT = 200
# Answers that a correct app gets when it races with people or with itself.
HONEST = frozenset(
    {
        "already_reacted",
        "already_pinned",
        "already_in_channel",
        "no_reaction",
        "no_pin",
        "hash_conflict",
        "message_not_found",
        "message_not_in_streaming_state",
        "streaming_state_conflict",
        "expired_trigger_id",
        "exchanged_trigger_id",
        "name_taken",
        "not_in_channel",
        "user_not_in_channel",
        "users_not_found",
        "user_not_found",
        "channel_not_found",
        "thread_not_found",
        "file_not_found",
        "expired_url",
        "used_url",
    }
)


@dataclass(slots=True)
class Stats:
    """Counters since the start or the last reset."""

    calls: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    invalid: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT))
    acks: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT))
    deliveries: int = 0
    redeliveries: int = 0
    unacked: int = 0

    def refused(self, method: str, refusal: Refused) -> None:
        """Count an error; keep those that a correct app never causes."""
        self.errors[f"{method} {refusal.code}"] += 1
        if refusal.code not in HONEST:
            self.complain(method, refusal.code, "; ".join(refusal.messages))

    def complain(self, method: str, error: str, detail: str) -> None:
        """Keep something that a correct app never does."""
        self.invalid.append({"method": method, "error": error, "detail": detail})

    def shown(self) -> Json:
        """Everything, as JSON."""
        return {
            "calls": dict(self.calls),
            "limited": dict(self.limited),
            "errors": dict(self.errors),
            "invalid": list(self.invalid),
            "acks": list(self.acks),
            "deliveries": self.deliveries,
            "redeliveries": self.redeliveries,
            "unacked": self.unacked,
        }
