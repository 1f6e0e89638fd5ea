"""Sends the requests of tools whose transport is their API: one host, bounded, no redirects."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from engine.domain.call import Request
from engine.tools.definition import Authorization
from engine.tools.templates import fill

MAX_BYTES = 1 << 20
CONNECT_SECONDS = 2.0


class RequestFailed(Exception):
    """No answer that counts. `sent`: the request may have arrived."""

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a tool's system is reached; `file` is what its programs read to log in.

    `name` is whose certificate is expected, where that is not the URL's host.
    """

    url: str
    token: str = field(default="", repr=False)
    file: Path | None = None
    name: str = ""


NOWHERE = Endpoint("")
BEARER = Authorization()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class ApiTransport:
    """HTTP over a session that its owner opens and closes."""

    session: aiohttp.ClientSession
    endpoints: Mapping[str, Endpoint]

    async def send(
        self,
        tool: str,
        request: Request,
        timeout_seconds: float,
        authorization: Authorization = BEARER,
    ) -> Answer:
        """Send one request and read its answer.

        Raises:
            RequestFailed: no connection, no answer in time, one that is too large, a redirect.
        """
        endpoint = self.endpoints.get(tool)
        if endpoint is None or not below(request.url, endpoint.url):
            raise RequestFailed(f"{tool} is not connected to this address.", sent=False)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchange(request, endpoint, authorization)
        except TimeoutError:
            raise RequestFailed(
                f"{tool} did not answer within {timeout_seconds:g} s.", sent=True
            ) from None
        except aiohttp.ClientConnectorError:
            raise RequestFailed(f"{tool} can't be reached.", sent=False) from None
        except (aiohttp.ClientError, UnicodeDecodeError) as error:
            kind = type(error).__name__
            raise RequestFailed(f"{tool} broke off its answer ({kind}).", sent=True) from None

    async def _exchange(
        self, request: Request, endpoint: Endpoint, authorization: Authorization
    ) -> Answer:
        headers = {"accept": "application/json", **request.headers}
        if endpoint.token:
            headers[authorization.header] = fill(authorization.value, {"token": endpoint.token})
        async with self.session.request(
            request.method,
            URL(request.url, encoded=True),
            data=request.body.encode() if request.body else None,
            headers=headers,
            allow_redirects=False,
            server_hostname=endpoint.name or None,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        ) as response:
            if 300 <= response.status < 400:
                raise RequestFailed(
                    f"It answered with a redirect ({response.status}), which is not followed.",
                    sent=True,
                )
            return Answer(response.status, await _bounded(response))


def below(url: str, base: str) -> bool:
    """Whether the URL is on the same scheme, host and port, and at or under the base's path."""
    one, other = urlsplit(url), urlsplit(base)
    same = (one.scheme, one.netloc) == (other.scheme, other.netloc)
    folder = other.path.rstrip("/") + "/"
    inside = f"{one.path}/".startswith(folder) and ".." not in one.path.split("/")
    return same and inside and one.scheme in ("http", "https") and "@" not in one.netloc


async def _bounded(response: aiohttp.ClientResponse) -> str:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise RequestFailed(f"Its answer is larger than {MAX_BYTES >> 20} MiB.", sent=True)
    return body.decode()
