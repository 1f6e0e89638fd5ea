"""Webhooks that are signed: checked over the raw body, stored, and only then answered."""

import asyncio
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from aiohttp import web

from bot.http.answers import answer
from bot.http.hooks import STORE_SECONDS, Room, whole
from bot.http.tokens import unknown
from engine.ports import Arrivals
from engine.telemetry.metrics import Metrics

# A delivery of these is some kilobytes.
SIGNED_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is stored: once per `key`, and in order within a `thread`. No key: nothing for us."""

    key: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True)
class SignedHook:
    """`read` checks the signature and the body; it raises what the sender is to be answered."""

    source: str
    arrivals: Arrivals
    metrics: Metrics
    read: Callable[[Mapping[str, str], bytes], Delivery]
    room: Room = field(default_factory=Room)

    async def receive(self, request: web.Request) -> web.Response:
        """Accept a delivery; one that is already there is answered alike and changes nothing."""
        async with self.room.taken(SIGNED_LARGEST):
            body = await whole(request, SIGNED_LARGEST)
            outcome = await self._kept(request, body)
        self.metrics.hook(self.source, outcome)
        return answer({"status": outcome})

    async def _kept(self, request: web.Request, body: bytes) -> str:
        try:
            found = self.read(request.headers, body)
        except web.HTTPClientError:
            self.metrics.hook(self.source, "refused")
            raise
        if not found.key:
            return "ignored"
        async with asyncio.timeout(STORE_SECONDS):
            new = await self.arrivals.receive(
                source=self.source, key=found.key, thread=found.thread, body=body
            )
        return "accepted" if new else "repeated"


def require_signature(given: Sequence[str], secrets: Sequence[str], body: bytes) -> None:
    """One of the signatures (hex) is by one of the secrets. Raises 401, and 403 without any."""
    known = [secret for secret in secrets if secret]
    if not known:
        raise web.HTTPForbidden(text="No secret is configured for this hook.")
    expected = [hmac.new(secret.encode(), body, sha256).hexdigest() for secret in known]
    matches = [
        hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
        for one in given
        for other in expected
    ]
    if not any(matches):
        raise unknown("The signature is not by a secret of this hook.")
