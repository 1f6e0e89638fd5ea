"""Loopback ports: find a free one, and see whether somebody answers on one."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

LOOPBACK = "127.0.0.1"
ANSWER_WITHIN = 1.0


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def kept_port(file: Path) -> int:
    """Return the port that the file names, or a free one where it is taken; the file keeps it.

    What was frozen into a plan before a restart then still reaches the same place.
    """
    with suppress(OSError, ValueError, OverflowError):
        port = int(file.read_text())
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
        return port
    port = free_port()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return port


async def answers(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
    except (OSError, TimeoutError):
        return False
    await closed(writer)
    return True


async def answers_http(port: int, path: str) -> bool:
    """Tell whether a GET of `path` on a loopback port is answered with status 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(request.encode())
            status = await reader.readline()
    except (OSError, TimeoutError, ValueError):
        return False
    await closed(writer)
    return status.split()[1:2] == [b"200"]


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection that has served its purpose."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
