"""Asks an identity provider: few bytes, a few seconds, no redirects, checked addresses."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from engine.domain.addresses import reachable
from engine.errors import Unavailable

MOST_BYTES = 64 * 1024
SECONDS = 5.0
PLAIN = {"Accept": "application/json", "Accept-Encoding": "identity"}


class Checked(AbstractResolver):
    """Resolves a name once; what it says is connected to, or nothing is when one address is bad."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises `OSError` for a name that leads where we don't go."""
        found = await self._inner.resolve(host, port, family)
        if not found or not all(reachable(one["host"], private=self._private) for one in found):
            raise OSError(f"{host} leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._inner.close()


@dataclass(frozen=True, slots=True)
class Fetcher:
    """`inside` names hosts that may have private addresses, and may be asked without TLS."""

    inside: frozenset[str] = frozenset()
    seconds: float = SECONDS

    async def get(self, url: str) -> object:
        """The JSON at an address. Raises `Unavailable`."""
        return await self._ask("GET", url, None)

    async def post(self, url: str, form: Mapping[str, str]) -> object:
        """The JSON that comes back for a form. Raises `Unavailable`."""
        return await self._ask("POST", url, form)

    async def _ask(self, method: str, url: str, form: Mapping[str, str] | None) -> object:
        address = self._checked(url)
        private = address.host in self.inside
        connector = aiohttp.TCPConnector(resolver=Checked(private=private), force_close=True)
        try:
            async with (
                asyncio.timeout(self.seconds),
                aiohttp.ClientSession(
                    connector=connector, trust_env=False, auto_decompress=False
                ) as session,
                session.request(
                    method, address, data=form, headers=PLAIN, allow_redirects=False
                ) as response,
            ):
                if response.status != 200:
                    raise away(f"It answered {response.status}.")
                return orjson.loads(await bounded(response))
        except TimeoutError:
            raise away(f"It did not answer within {self.seconds:g} s.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise away(f"It can't be asked ({type(error).__name__}).") from error

    def _checked(self, url: str) -> URL:
        """The address, if it is one that we go to."""
        try:
            address = URL(url)
            host, port = address.host, address.port
        except ValueError:
            raise away("Its address is wrong.") from None
        if not host or not port or address.user or address.password:
            raise away("Its address is wrong.")
        inside = host in self.inside
        if address.scheme != "https" and not (inside and address.scheme == "http"):
            raise away("It must be asked over https.")
        if literal(host) and not reachable(host, private=inside):
            raise away("Its address is not public.")
        return address


def literal(host: str) -> bool:
    """Whether a host is an address, which no resolver would look at."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body, as long as it is small. Raises `Unavailable`."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise away(f"Its answer is longer than {MOST_BYTES} bytes.")
    return bytes(body)


def away(why: str) -> Unavailable:
    """The identity provider does not help now."""
    return Unavailable("identity provider", f"The identity provider can't be used: {why}")
