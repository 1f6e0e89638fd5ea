"""The part of Vault's HTTP API that is used; what it answers is never in an error."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from engine.errors import ToolFailed, Unavailable

COMPONENT = "vault"
MAX_BYTES = 1 << 20
LONGEST_REASON = 200
# Of /v1/sys/health and of every path: the node can't serve now. 412 is a replica that is behind.
AWAY = {
    307: "sends us to another node",
    412: "is behind its own writes",
    429: "is a standby or has too much to do",
    472: "is a secondary for disaster recovery",
    473: "is a performance standby",
    501: "is not initialised",
    503: "is sealed",
}


class VaultRefused(ToolFailed):
    """Vault answered, and said no."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class VaultApi:
    """One Vault, over a session that its owner opens and closes."""

    session: aiohttp.ClientSession
    url: str
    namespace: str = ""
    timeout: float = 5.0
    tls: ssl.SSLContext | None = None

    async def read(self, path: str, token: str) -> dict[str, Any]:
        """GET a path below /v1. Raises `Unavailable` or `VaultRefused`."""
        return await self.ask("GET", path, token)

    async def write(
        self, path: str, token: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """POST to a path below /v1. Raises `Unavailable` or `VaultRefused`."""
        return await self.ask("POST", path, token, body or {})

    async def healthy(self) -> None:
        """Returns when it serves, also as a standby. Raises `Unavailable`."""
        path = "sys/health?standbyok=true&perfstandbyok=true"
        try:
            await self.ask("GET", path, "")
        except VaultRefused as error:
            raise Unavailable(COMPONENT, str(error)) from None

    async def ask(
        self, method: str, path: str, token: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """One request; an answer without a body is an empty document."""
        try:
            async with asyncio.timeout(self.timeout):
                status, data = await self._exchange(method, path, token, body)
        except TimeoutError:
            raise Unavailable(
                COMPONENT, f"Vault did not answer within {self.timeout:g} s."
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            kind = type(error).__name__
            raise Unavailable(COMPONENT, f"Vault can't be reached ({kind}).") from None
        return _judged(status, data, path.partition("?")[0])

    async def _exchange(
        self, method: str, path: str, token: str, body: Mapping[str, object] | None
    ) -> tuple[int, bytes]:
        headers = {"X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        async with self.session.request(
            method,
            URL(f"{self.url.rstrip('/')}/v1/{path}", encoded=True),
            data=orjson.dumps(body) if body is not None else None,
            headers=headers,
            allow_redirects=False,  # the token is for this host alone
            ssl=self.tls or True,
        ) as response:
            return response.status, await _bounded(response)


def _judged(status: int, data: bytes, path: str) -> dict[str, Any]:
    if status in AWAY:
        raise Unavailable(COMPONENT, f"Vault {AWAY[status]} ({status}).")
    if status >= 500:
        raise Unavailable(COMPONENT, f"Vault answered {status}.")
    document = _document(data)
    if status >= 400:
        said = "; ".join(map(str, document.get("errors") or [])) or "it says no more"
        raise VaultRefused(f"Vault refuses {path} ({status}): {said[:LONGEST_REASON]}.", status)
    return document


def _document(data: bytes) -> dict[str, Any]:
    if not data:
        return {}
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Unavailable(COMPONENT, "Vault answered with something that is not JSON.") from None
    return found if isinstance(found, dict) else {}


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unavailable(COMPONENT, "Vault's answer is larger than 1 MiB.")
    return bytes(body)
