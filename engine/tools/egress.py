"""The one way out of a container: a proxy that connects to the hosts of the call and no other.

It listens on a socket file that only this call's container is given. A name is resolved here,
every address of it is checked, and the connection goes to the address that was checked.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from engine.tools.addresses import Address, allowed, literal, unwrapped

HEAD_BYTES = 8 * 1024
HEAD_SECONDS = 10.0
RESOLVE_SECONDS = 5.0
CONNECT_SECONDS = 5.0
AT_ONCE = 64
PIECE = 64 * 1024
HTTPS = 443
PORTS = {"http": 80, "ssh": 22, "postgres": 5432, "postgresql": 5432}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Destination:
    """A host and port that a call may reach; `named` when the settings name that host."""

    host: str
    port: int
    named: bool = False


def destinations(hosts: Collection[str], urls: Collection[str]) -> tuple[Destination, ...]:
    """What a call may reach: `HOST` or `HOST:PORT`, with the ports that the settings' URLs say."""
    ports: dict[str, int] = {}
    for url in filter(None, urls):
        name, port = _host_and_port(url)
        ports.setdefault(name, port or PORTS.get(urlsplit(url).scheme, HTTPS))
    found = [_host_and_port(f"//{host}") for host in hosts]
    made = [
        Destination(name, port or ports.get(name, HTTPS), named=name in ports)
        for name, port in found
        if name
    ]
    return tuple(dict.fromkeys(made))


def _host_and_port(url: str) -> tuple[str, int]:
    """Of a URL, in one spelling; no host where it is none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").removesuffix("."), parts.port or 0
    except ValueError:
        return "", 0


class Refused(Exception):
    """Nothing is connected; `status` is the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


Resolve = Callable[[str], Awaitable[Sequence[Address]]]


async def resolved(host: str) -> Sequence[Address]:
    """What the system's resolver says. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(unwrapped(ip_address(one[4][0])) for one in found))


async def addresses_of(destination: Destination, resolve: Resolve = resolved) -> list[Address]:
    """Addresses that may be connected to for this destination.

    Raises:
        Refused: it has none, or one that nobody may reach; all of them are refused then.
    """
    written = literal(destination.host)
    itself = destination.host == "localhost" or written is not None
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = [written] if written else list(await resolve(destination.host))
    except (TimeoutError, OSError, UnicodeError):
        raise Refused(502, "the name can't be resolved") from None
    inside = destination.named
    if not found or not all(
        allowed(one, inside=inside, loopback=inside and itself) for one in found
    ):
        raise Refused(403, "the address is not for tools")
    return found


@asynccontextmanager
async def gate(
    path: Path, destinations: Collection[Destination], resolve: Resolve = resolved
) -> AsyncIterator[None]:
    """Let connections through to the destinations for as long as the block lasts."""
    proxy = Proxy({(one.host.lower(), one.port): one for one in destinations}, resolve)
    server = await asyncio.start_unix_server(proxy.serve, str(path), limit=HEAD_BYTES)
    try:
        await asyncio.to_thread(path.chmod, 0o666)  # only the container is shown this file
        yield
    finally:
        server.close()
        await proxy.close()


@dataclass(slots=True)
class Proxy:
    """Answers CONNECT; everything else is refused."""

    destinations: dict[tuple[str, int], Destination]
    resolve: Resolve
    open: set[asyncio.Task[None]] = field(default_factory=set)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection, or close it where there are too many."""
        if len(self.open) >= AT_ONCE:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self.open.add(task)
        task.add_done_callback(self.open.discard)

    async def close(self) -> None:
        """End every connection."""
        for task in self.open:
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            try:
                await self._tunnel(reader, writer)
            except Refused as refused:
                log.warning("a tool was not let out", action="egress.refused", why=str(refused))
                writer.write(
                    f"HTTP/1.1 {refused.status} Refused\r\nContent-Length: 0\r\n"
                    "Connection: close\r\n\r\n".encode()
                )
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                return  # it went away, or never finished to ask

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                raise Refused(431, "the request is too large") from None
        destination = self.destinations.get(asked(head))
        if destination is None:
            raise Refused(403, "the host is not one of the call's")
        addresses = await addresses_of(destination, self.resolve)
        answers, upstream = await connected(addresses, destination.port)
        with closing(upstream):
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, upstream))
                group.create_task(_pump(answers, writer))


def asked(head: bytes) -> tuple[str, int]:
    """Host and port of a CONNECT request. Raises `Refused` for all else that may be sent."""
    try:
        first, *fields = head[:-4].decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        raise Refused(400, "the request is not ASCII") from None
    method, _, rest = first.partition(" ")
    target, _, version = rest.partition(" ")
    if method != "CONNECT":
        raise Refused(405, "only CONNECT is served")
    host, colon, port = target.rpartition(":")
    if version not in ("HTTP/1.0", "HTTP/1.1") or not colon or not _is_port(port):
        raise Refused(400, "the request line is wrong")
    _check_fields(fields, target)
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    return name.lower().removesuffix("."), int(port)


def _check_fields(fields: Sequence[str], target: str) -> None:
    """No body, and no other host than the one in the request line."""
    for text in fields:
        name, colon, value = text.partition(":")
        if not colon or name != name.strip() or not name:
            raise Refused(400, "a header is malformed")
        if name.lower() in ("content-length", "transfer-encoding"):
            raise Refused(400, "CONNECT has no body")
        if name.lower() == "host" and value.strip().lower() not in (
            target.lower(),
            target.rpartition(":")[0].lower(),
        ):
            raise Refused(400, "two hosts are named")


def _is_port(text: str) -> bool:
    return text.isdigit() and text == str(int(text)) and 0 < int(text) < 65536


async def connected(
    addresses: Sequence[Address], port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The first of the addresses that answers. Raises `Refused`."""
    for address in addresses:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(str(address), port)
        except (OSError, TimeoutError):
            continue
    raise Refused(502, "the host does not answer")


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Hand on until the source ends, then tell the sink so."""
    try:
        while data := await source.read(PIECE):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.close()  # one side is gone; the other is told
