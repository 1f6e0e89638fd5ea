"""Connections to a container engine that become raw streams: what programs read and print."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson

from engine.domain.model import Json
from engine.tools.process import Stream

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
HEAD_BYTES = 16 * 1024
LARGEST_FRAME = 1 << 20
FRAME_HEAD = 8
STREAMS: dict[int, Stream] = {1: "out", 2: "err"}


class EngineLost(Exception):
    """The engine does not answer, or stopped in the middle."""


class EngineRefused(Exception):
    """The engine answered with an error."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True, slots=True)
class RawStream:
    """Both directions of one process in a container.

    The engine frames what the process prints: a stream's number, three zeros, four bytes of
    length, then as many bytes.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def frames(self) -> AsyncGenerator[tuple[Stream, bytes], None]:
        """What the process prints, as it prints it; a slow reader slows it down.

        Raises:
            EngineLost: the connection broke in the middle.
        """
        try:
            while head := await self.reader.read(1):
                head += await self.reader.readexactly(FRAME_HEAD - 1)
                left = int.from_bytes(head[4:], "big")
                while left:
                    piece = await self.reader.read(min(left, LARGEST_FRAME))
                    if not piece:
                        raise EngineLost("the engine closed the stream")
                    left -= len(piece)
                    yield STREAMS.get(head[0], "err"), piece
        except (OSError, asyncio.IncompleteReadError):
            raise EngineLost("the connection to the engine broke") from None

    async def send(self, data: bytes) -> None:
        """Write to the process. Raises `EngineLost`."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            raise EngineLost("the connection to the engine broke") from None

    def close(self) -> None:
        """Hang up; the process sees the end of its stdin."""
        self.writer.close()


async def upgraded(path: Path, target: str, body: Json) -> RawStream:
    """POST to the engine's socket, and keep the connection as a raw stream.

    Raises:
        EngineLost: nobody answers.
        EngineRefused: there is no such process or container.
    """
    text = b"" if body is None else orjson.dumps(body)
    head = (
        f"POST {target} HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\n"
        f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(path), limit=LARGEST_FRAME)
    except (OSError, TimeoutError):
        raise EngineLost("the engine's socket does not answer") from None
    with ExitStack() as unless_it_works:
        unless_it_works.callback(writer.close)
        stream = RawStream(reader, writer)
        await stream.send(head.encode() + text)
        await _check(reader)
        unless_it_works.pop_all()
    return stream


async def _check(reader: asyncio.StreamReader) -> None:
    """Read the head of the answer; after 101 or 200 the stream begins."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
    except (OSError, TimeoutError, ValueError, IndexError, asyncio.IncompleteReadError):
        raise EngineLost("the engine answered with something else") from None
    except asyncio.LimitOverrunError:
        raise EngineLost("the engine answered with something too large") from None
    if status not in (101, 200):
        raise EngineRefused(status, (await reader.read(HEAD_BYTES)).decode(errors="replace"))
