"""`POST /v1/hooks/linear`: an issue changed; what was done is then read in its own history."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from bot.http.signed_hooks import Delivery, require_signature
from bot.http.tokens import unknown

SOURCE = "linear"
WINDOW_SECONDS = 60.0
TOGETHER = 50
DELIVERY = re.compile(r"^[\x21-\x7e]{1,100}$")
ISSUE = re.compile(r"^[A-Za-z0-9-]{1,64}$")


@dataclass(frozen=True, slots=True)
class LinearDeliveries:
    """What Linear sends, read strictly; an empty `secret` refuses everybody."""

    secret: str
    clock: Callable[[], float] = time.time

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Raises 401 for a wrong or an old signature, 400 for what can't be read."""
        require_signature([headers.get("Linear-Signature", "")], [self.secret], body)
        told = parsed(body)
        sent = told.get("webhookTimestamp")
        if isinstance(sent, bool) or not isinstance(sent, int | float):
            raise web.HTTPBadRequest(text="It does not say when it was sent.")
        if abs(self.clock() - sent / 1000) > WINDOW_SECONDS:
            raise unknown("It was signed too long ago, or in the future.")
        name = headers.get("Linear-Delivery", "")
        if not DELIVERY.match(name):
            raise web.HTTPBadRequest(text="It has no Linear-Delivery.")
        issue = issue_of(told)
        return Delivery(name, f"{SOURCE}:{issue}") if issue else Delivery()


@dataclass(frozen=True, slots=True)
class LinearJobs:
    """Looks at the issues that deliveries name; `look` says what became of one."""

    look: Callable[[str], Awaitable[str]]

    async def carry_out(self, bodies: Sequence[bytes]) -> str:
        """Many deliveries about one issue are one look."""
        issues = dict.fromkeys(issue_of(parsed(body)) for body in bodies)
        return " / ".join([await self.look(issue) for issue in issues if issue])


def parsed(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises 400."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise web.HTTPBadRequest(text="The body is no JSON object.")
    return told


def issue_of(told: Mapping[str, Any]) -> str:
    """The issue whose state changed; empty for everything else."""
    data, before = told.get("data"), told.get("updatedFrom")
    if told.get("type") != "Issue" or told.get("action") != "update":
        return ""
    if not isinstance(data, dict) or not isinstance(before, dict) or "stateId" not in before:
        return ""
    found = data.get("id")
    return found if isinstance(found, str) and ISSUE.match(found) else ""
