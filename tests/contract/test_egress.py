"""The gate on a real socket: bytes go through both ways, slow and greedy clients do not hold it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.tools import egress
from engine.tools.addresses import Address
from engine.tools.egress import Destination, gate

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that sends back all that it gets, after the last of it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()
        writer.write(data)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def asking(path: Path, text: str) -> AsyncIterator[Streams]:
    """A client that has sent this."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(text.encode())
        await writer.drain()
        yield reader, writer
    finally:
        writer.close()


def here(port: int) -> Destination:
    return Destination("127.0.0.1", port, named=True)


async def test_what_is_sent_arrives_and_comes_back_whole(tmp_path: Path, echo: int) -> None:
    sent = bytes(range(256)) * 8192

    async with (
        gate(tmp_path / "gate", [here(echo)]),
        asking(tmp_path / "gate", f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\n") as client,
    ):
        reader, writer = client
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connected\r\n\r\n"
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(20):
            back = await reader.read()

    assert back == sent


async def test_a_refusal_tells_nothing_but_that_it_is_one(tmp_path: Path, echo: int) -> None:
    async with (
        gate(tmp_path / "gate", [here(echo)]),
        asking(tmp_path / "gate", "CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n") as (reader, _),
    ):
        answer = await reader.read()

    assert answer.split(b"\r\n")[0] == b"HTTP/1.1 403 Refused"
    assert b"127.0.0.1" not in answer


async def test_who_never_finishes_to_ask_is_hung_up_on(
    tmp_path: Path, echo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "HEAD_SECONDS", 0.2)

    async with (
        gate(tmp_path / "gate", [here(echo)]),
        asking(tmp_path / "gate", "CONNECT 127.0") as (reader, _),
    ):
        async with asyncio.timeout(5):
            assert await reader.read() == b""


async def test_an_address_that_was_checked_is_the_one_that_is_connected_to(
    tmp_path: Path, echo: int
) -> None:
    answers = [[ip_address("127.0.0.1")], [ip_address("169.254.169.254")]]
    asked_for: list[str] = []

    async def moving(host: str) -> list[Address]:
        asked_for.append(host)
        return answers.pop(0)

    async with gate(tmp_path / "gate", [Destination("localhost", echo, named=True)], moving):
        request = f"CONNECT localhost:{echo} HTTP/1.1\r\n\r\n"
        async with asking(tmp_path / "gate", request) as (reader, _):
            first = await reader.readuntil(b"\r\n\r\n")
        async with asking(tmp_path / "gate", request) as (reader, _):
            second = await reader.readuntil(b"\r\n\r\n")

    assert b"200" in first
    assert b"403" in second
    assert asked_for == ["localhost", "localhost"], "resolved once for each connection"


async def test_when_the_call_ends_its_connections_end(tmp_path: Path, echo: int) -> None:
    async with gate(tmp_path / "gate", [here(echo)]):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "gate"))
        writer.write(f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")

    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_only_so_many_connections_are_held(tmp_path: Path, echo: int) -> None:
    async with gate(tmp_path / "gate", [here(echo)]):
        held = [
            await asyncio.open_unix_connection(str(tmp_path / "gate"))
            for _ in range(egress.AT_ONCE + 5)
        ]
        async with asyncio.timeout(5):
            assert [await reader.read() for reader, _ in held[egress.AT_ONCE :]] == [b""] * 5

        for _, writer in held:
            writer.close()
