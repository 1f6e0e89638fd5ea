"""The part of Boundary's controller API that is used: sessions are authorised and cancelled."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from yarl import URL

from engine.domain.minted import Minted
from engine.errors import ToolFailed, Unavailable
from engine.ports.minting import Authorised
from engine.secrets.filling import texts_of

COMPONENT = "boundary"
MAX_BYTES = 1 << 20
LONGEST_REASON = 200
NO_SUCH = 404
OVER = frozenset({"canceling", "terminated"})


class BoundaryRefused(ToolFailed):
    """The controller answered, and said no."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class BoundaryApi:
    """One controller. `token` reads ours anew each time; it may be replaced under us."""

    session: aiohttp.ClientSession
    url: str
    token: Callable[[], str] = field(repr=False)
    timeout: float = 10.0
    tls: ssl.SSLContext | None = None

    async def authorise(self, target: str, host: str = "") -> Authorised:
        """A session with a target. Raises `Unavailable` or `BoundaryRefused`."""
        body = {"host_id": host} if host else {}
        found = await self._ask("POST", f"targets/{target}:authorize-session", body)
        item = found.get("item") if isinstance(found.get("item"), dict) else found
        assert isinstance(item, dict)
        known = str(item.get("session_id") or ""), str(item.get("authorization_token") or "")
        if not all(known):
            raise BoundaryRefused("Boundary authorised a session without saying which.", 200)
        return Authorised(*known, _brokered(item.get("credentials")))

    async def take_back(self, minted: Minted) -> None:
        """Cancel a session; one that is over or unknown needs nothing. The `Taker` port."""
        try:
            found = await self._ask("GET", f"sessions/{minted.id}")
            if found.get("status") in OVER:
                return
            body = {"version": found.get("version")}
            await self._ask("POST", f"sessions/{minted.id}:cancel", body)
        except BoundaryRefused as error:
            if error.status != NO_SUCH:
                raise

    async def healthy(self) -> None:
        """Returns when the controller answers, whatever it says. Raises `Unavailable`."""
        try:
            await self._ask("GET", "scopes/global")
        except ToolFailed:
            return

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        token = await asyncio.to_thread(self.token)
        try:
            async with asyncio.timeout(self.timeout):
                status, data = await self._exchange(method, path, token, body)
        except TimeoutError:
            raise Unavailable(
                COMPONENT, f"Boundary did not answer within {self.timeout:g} s."
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            kind = type(error).__name__
            raise Unavailable(COMPONENT, f"Boundary can't be reached ({kind}).") from None
        return _judged(status, data, path)

    async def _exchange(
        self, method: str, path: str, token: str, body: Mapping[str, object] | None
    ) -> tuple[int, bytes]:
        async with self.session.request(
            method,
            URL(f"{self.url.rstrip('/')}/v1/{path}", encoded=True),
            data=orjson.dumps(body) if body is not None else None,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            allow_redirects=False,  # the token is for this host alone
            ssl=self.tls or True,
        ) as response:
            return response.status, await _bounded(response)


def _judged(status: int, data: bytes, path: str) -> dict[str, Any]:
    if status == 429 or status >= 500 or 300 <= status < 400:
        raise Unavailable(COMPONENT, f"Boundary answered {status}.")
    try:
        found = orjson.loads(data) if data else {}
    except orjson.JSONDecodeError:
        raise Unavailable(COMPONENT, "Boundary answered with something that is not JSON.") from None
    document = found if isinstance(found, dict) else {}
    if status >= 400:
        said = str(document.get("message") or document.get("kind") or "it says no more")
        raise BoundaryRefused(
            f"Boundary refuses {path} ({status}): {said[:LONGEST_REASON]}", status
        )
    return document


def _brokered(given: object) -> dict[str, str]:
    """Fields of all credentials that come with a session, the later ones over the earlier."""
    fields: dict[str, str] = {}
    for one in given if isinstance(given, list) else ():
        if not isinstance(one, dict):
            continue
        secret = one.get("secret")
        decoded = secret.get("decoded") if isinstance(secret, dict) else None
        for part in (decoded, one.get("credential")):
            fields |= texts_of(part) if isinstance(part, dict) else {}
    return fields


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unavailable(COMPONENT, "Boundary's answer is larger than 1 MiB.")
    return bytes(body)
