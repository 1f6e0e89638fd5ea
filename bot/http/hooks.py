"""Webhooks: checked, stored, and only then answered; what they mean is found out afterwards.

Overload answers 503: an Alertmanager tries 503 again within the second, and 429 or 413 never.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bot.http.answers import answer
from bot.http.tokens import bearer, same, unknown
from engine.domain.alertmanager import Receipt, receipt
from engine.domain.grouping import problem_key
from engine.errors import Unavailable
from engine.ports import Arrivals
from engine.telemetry.metrics import Metrics

SOURCE = "alertmanager"
LARGEST = 16 * 1024 * 1024
CHUNK = 64 * 1024
# Read at once; a larger body would keep the loop from everybody else.
SMALL = 16 * 1024
READ_SECONDS = 30
STORE_SECONDS = 8


class Room:
    """How much may be under way at once, in requests and in bytes."""

    def __init__(self, requests: int = 64, size: int = 4 * LARGEST) -> None:
        self._requests = requests
        self._bytes = size

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Hold room for one body. Raises `Unavailable` at once when there is none."""
        if self._requests < 1 or self._bytes < size:
            raise Unavailable("hooks", "Too much arrives at once. Try again shortly.")
        self._requests -= 1
        self._bytes -= size
        try:
            yield
        finally:
            self._requests += 1
            self._bytes += size


@dataclass(frozen=True, slots=True)
class Hooks:
    """An empty `token` refuses everybody."""

    arrivals: Arrivals
    metrics: Metrics
    token: str
    room: Room = field(default_factory=Room)

    async def alertmanager(self, request: web.Request) -> web.Response:
        """Accept a delivery; one that is already there is answered alike and changes nothing."""
        self._admit(request)
        async with self.room.taken(min(request.content_length or LARGEST, LARGEST)):
            body = await whole(request)
            found = receipt(body) if len(body) <= SMALL else await asyncio.to_thread(receipt, body)
            async with asyncio.timeout(STORE_SECONDS):
                new = await self._keep(found, body)
        self.metrics.hook(SOURCE, "accepted" if new else "repeated")
        return answer({"status": "accepted" if new else "repeated"})

    def _admit(self, request: web.Request) -> None:
        if not self.token:
            raise web.HTTPForbidden(text="No token is configured for this hook.")
        if not same(bearer(request), self.token):
            self.metrics.hook(SOURCE, "refused")
            raise unknown("This token is not known.")

    async def _keep(self, found: Receipt, body: bytes) -> bool:
        """What is one problem is handled in order."""
        thread = f"{SOURCE}:{problem_key(found.labels)}"
        return await self.arrivals.receive(source=SOURCE, key=found.key, thread=thread, body=body)


async def whole(request: web.Request, largest: int = LARGEST) -> bytes:
    """The body, refused as soon as it is too large, whatever its header says."""
    if (request.content_length or 0) > largest:
        raise web.HTTPRequestEntityTooLarge(largest, request.content_length or 0)
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(READ_SECONDS):
        async for part in request.content.iter_chunked(CHUNK):
            size += len(part)
            if size > largest:
                raise web.HTTPRequestEntityTooLarge(largest, size)
            parts.append(part)
    return b"".join(parts)
