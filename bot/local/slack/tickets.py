"""Single-use tickets of Socket Mode."""

import secrets
import time

LIFETIME = 30.0


class Tickets:
    """Each one opens one connection, soon."""

    def __init__(self) -> None:
        self._issued: dict[str, float] = {}

    def issue(self) -> str:
        """A new ticket."""
        ticket = secrets.token_urlsafe(18)
        self._issued[ticket] = time.monotonic() + LIFETIME
        return ticket

    def redeem(self, ticket: str) -> bool:
        """Whether the ticket is good. It is not good twice."""
        return self._issued.pop(ticket, 0.0) > time.monotonic()
