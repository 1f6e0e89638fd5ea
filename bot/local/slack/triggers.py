"""Trigger ids: proof that a person has just acted, good once and for three seconds."""

import secrets
import time

from bot.local.slack.faults import Faults
from bot.local.slack.refusal import Refused

MOST_REMEMBERED = 5000


class Triggers:
    """Issued with every interaction, exchanged for a view."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._issued: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()

    def issue(self, user_id: str) -> str:
        """A new trigger of this person."""
        trigger = f"{int(time.time() * 1000)}.{secrets.token_hex(12)}"
        self._issued[trigger] = (user_id, time.monotonic() + self._faults.trigger_lifetime)
        if len(self._issued) > MOST_REMEMBERED:
            oldest = next(iter(self._issued))
            del self._issued[oldest]
            self._used.discard(oldest)
        return trigger

    def exchange(self, trigger: str) -> str:
        """The person behind the trigger."""
        if trigger not in self._issued:
            raise Refused("invalid_trigger_id")
        if trigger in self._used:
            raise Refused("exchanged_trigger_id")
        user_id, expires = self._issued[trigger]
        if expires < time.monotonic():
            raise Refused("expired_trigger_id")
        self._used.add(trigger)
        return user_id
