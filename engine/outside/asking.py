"""One JSON request to a service on the internet: bounded, no redirects, behind a breaker."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
import orjson
import structlog

from engine.domain.breaker import Breaker
from engine.domain.model import Json
from engine.errors import Unavailable

MOST_BYTES = 4 * 1024 * 1024
CONNECT_SECONDS = 3.0
PATIENCE_AT_MOST = 3600.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, and the JSON that came with it."""

    status: int
    body: Json


@dataclass(slots=True)
class Asking:
    """Questions to one service, by name. `count` hears of each outcome.

    `quiet_until` is when it may be asked again after it wanted patience, by the breaker's clock.
    `trouble` is what was wrong the last time; empty while all is well.
    """

    name: str
    session: aiohttp.ClientSession
    breaker: Breaker
    timeout: float
    count: Callable[[str, str], None]
    quiet_until: float = 0.0
    trouble: str = ""

    async def post(self, url: str, body: Json, headers: Mapping[str, str]) -> Reply:
        """One answer below 500. Raises `Unavailable`; whether it arrived is then not known."""
        if self.breaker.clock() < self.quiet_until:
            raise Unavailable(self.name, f"{self.name} asked for patience.")
        if not self.breaker.admits():
            raise Unavailable(self.name, f"{self.name} did not answer several times.")
        try:
            async with asyncio.timeout(self.timeout):
                reply, wait = await self._exchange(url, body, headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._broke(type(error).__name__, f"{self.name} does not answer.") from None
        except asyncio.CancelledError:
            self.breaker.left()
            raise
        if reply.status >= 500:
            raise self._broke(str(reply.status), f"{self.name} answered {reply.status}.")
        self.breaker.worked()
        if reply.status == 429:
            raise self.limited(wait)
        self.trouble = ""
        self.count(self.name, "ok" if reply.status < 400 else "refused")
        return reply

    def limited(self, seconds: float) -> Unavailable:
        """It wants patience: nothing is asked until then."""
        self.count(self.name, "limited")
        wait = min(max(seconds, 1.0), PATIENCE_AT_MOST)
        self.quiet_until = self.breaker.clock() + wait
        log.warning("asked for patience", action="outside.limited", service=self.name, wait=wait)
        self.trouble = f"{self.name} wants {wait:.0f} s of patience."
        return Unavailable(self.name, self.trouble)

    def refused(self, text: str) -> Unavailable:
        """It answers, and can't be used as it is set up."""
        self.trouble = text
        return Unavailable(self.name, text)

    async def check(self) -> None:
        """What readiness asks, without asking the service. Raises `Unavailable`."""
        if self.trouble:
            raise Unavailable(self.name, self.trouble)

    def _broke(self, why: str, text: str) -> Unavailable:
        self.trouble = text
        self.breaker.broke()
        self.count(self.name, "failed")
        log.warning("no answer", action="outside.failed", service=self.name, error=why)
        return Unavailable(self.name, text)

    async def _exchange(
        self, url: str, body: Json, headers: Mapping[str, str]
    ) -> tuple[Reply, float]:
        async with self.session.post(
            url,
            data=orjson.dumps(body),
            headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        ) as response:
            raw = await bounded(response)
            if response.status == 429 or response.status >= 500:
                return Reply(response.status, None), patience(response.headers)
            return Reply(response.status, orjson.loads(raw)), 0.0


async def bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises `ValueError` when it is too long."""
    found = bytearray()
    async for part in response.content.iter_chunked(64 * 1024):
        found += part
        if len(found) > MOST_BYTES:
            raise ValueError("too long")
    return bytes(found)


def patience(headers: Mapping[str, str]) -> float:
    """How long to wait, in seconds; a minute where it does not say."""
    given = headers.get("Retry-After", "")
    return float(given) if given.isdigit() and len(given) < 6 else 60.0
