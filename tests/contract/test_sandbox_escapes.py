"""Ways out of a container that names one host: each is tried for real, and none leads out."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from engine.tools.addresses import Address
from engine.tools.boxes import Box, Needs
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.egress import Destination
from engine.tools.process import Limits
from tests.contract.conftest import confined, own_address
from tests.contract.container_engine import ContainerEngine

WAYS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("escapes.yaml").read_text())
LIMITS = Limits(seconds=20, kill_grace=0)


Outcome = tuple[list[str], int | None]


@dataclass(frozen=True, slots=True)
class Try:
    """Tries one thing in a box of its own; what came of all attempts, which share one."""

    once: Callable[[str], Awaitable[Outcome]]
    outcomes: list[Outcome]


@asynccontextmanager
async def listening(host: str) -> AsyncIterator[int]:
    """A server that must not be reached."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["docker", pytest.param("podman", marks=pytest.mark.long)],
)
async def tried(request: pytest.FixtureRequest) -> AsyncIterator[Try]:
    """Tries things in boxes that may reach one port of this machine, and says what came of it."""
    engine: ContainerEngine = request.getfixturevalue(request.param)
    async with (
        AsyncExitStack() as stack,
        ContainerSandbox.opened(engine.socket, confined(engine), prepared=0) as sandbox,
        listening("127.0.0.1") as named,
        listening("0.0.0.0") as other,  # noqa: S104 - what it must not reach
    ):
        one = stack.enter_context(socket.socket(socket.AF_UNIX))
        one.bind("\0carapulse-escape")
        one.listen()
        sandbox.resolve = points_here
        destinations = (
            Destination("127.0.0.1", named, named=True),
            Destination("moved.example", other, named=True),
        )
        arguments = [str(named), str(other), own_address()]

        async def once(attempt: str) -> Outcome:
            async with sandbox.open(Needs(destinations=destinations), {}) as box:
                return await said(box, attempt, arguments)

        async def each(attempts: list[str]) -> list[Outcome]:
            async with sandbox.open(Needs(destinations=destinations), {}) as box:
                return [await said(box, attempt, arguments) for attempt in attempts]

        yield Try(once, await each(list(WAYS["attempts"].values())))


async def points_here(host: str) -> list[Address]:
    """A name whose owner changed where it points to."""
    return [ip_address("127.0.0.1")]


async def said(box: Box, attempt: str, arguments: list[str]) -> Outcome:
    """What an attempt printed, and how it ended."""
    lines: list[str] = []

    async def hear(stream: str, line: str) -> None:
        lines.append(line)

    program = f"{WAYS['prelude']}\n{attempt}"
    ended = await box.run(["python3", "-I", "-S", "-c", program, *arguments], LIMITS, hear)
    return lines, ended.exit_code


@pytest.mark.asyncio(loop_scope="module")
async def test_the_way_that_is_open_is_open(tried: Try) -> None:
    lines, _ = await tried.once("connect(f'127.0.0.1:{named}')")

    assert lines[0].startswith("out"), "the attempts below could not fail"


@pytest.mark.parametrize("name", WAYS["attempts"])
def test_no_way_leads_out(tried: Try, name: str) -> None:
    lines, code = tried.outcomes[list(WAYS["attempts"]).index(name)]

    assert not any(line.startswith("out") for line in lines), lines
    assert code == 0 or "Error" in lines[-1] or "error" in lines[-1], "it could not be tried"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", WAYS["exhausting"])
async def test_what_is_used_up_is_the_container_s_alone(tried: Try, name: str) -> None:
    lines, code = await tried.once(WAYS["exhausting"][name])

    assert not any(line.startswith("out") for line in lines), lines
    assert any(line.startswith("in") for line in lines) or code not in (0, 1)
