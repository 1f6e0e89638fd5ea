"""Policy, database or audit away: everything that would change something is refused, and soon."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp
import pytest

from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.breaker import Breaker
from engine.domain.conversation import Place
from engine.domain.execution import Choice
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Unavailable
from engine.policy.opa import OpaPolicy
from engine.sections import PolicySettings
from tests.conftest import Database
from tests.integration.room import STAGING, Room, level, look, open_room, proposed, write
from tests.unit.governing import ANN, BO, DANA

# Far above every limit of ours: what would wait for ever is found.
LONG = 30.0
Deed: TypeAlias = Callable[[], Awaitable[object]]


@dataclass
class Wire:
    """A connection to the database that can be cut."""

    host: str
    port: int
    server: asyncio.Server | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(self.host, self.port)
        self.writers += [writer, before]
        with suppress(OSError):
            await asyncio.gather(pipe(reader, before), pipe(behind, writer))

    async def cut(self) -> None:
        """As if the server had gone: nothing listens, and what was open is reset."""
        assert self.server is not None
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def wired(database: Database) -> AsyncIterator[tuple[Wire, Database]]:
    """The same database, through the wire."""
    address = urlsplit(database.app_dsn)
    assert address.hostname
    assert address.port
    wire = Wire(address.hostname, address.port)
    wire.server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    port = wire.server.sockets[0].getsockname()[1]
    through = database.app_dsn.replace(f":{address.port}/", f":{port}/")
    try:
        yield wire, replace(database, app_dsn=through)
    finally:
        await wire.cut()


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


@dataclass
class Deeds:
    """Everything that decides, starts or changes, ready to be done."""

    waits: VersionRef
    approved: VersionRef
    runs: VersionRef
    all: dict[str, Deed]


async def prepared(room: Room) -> Deeds:
    threads = [Place(channel="C0INC", thread=f"170000000{number}.0001") for number in range(5)]
    waits = await room.planned(write(), level(), place=threads[0])
    reads = await room.planned(look(), place=threads[1])
    draft = await room.draft(await room.say(place=threads[2]))
    approved = await room.approved(write("7"), level(), place=threads[3], context=STAGING)
    runs = await room.approved(write("8"), level(), place=threads[4])
    move = await room.next(runs)
    assert move.request is not None
    request = move.request
    ref = VersionRef(plan_id=waits.plan_id, version=1)

    def said(verdict: Verdict, actor: object) -> Deed:
        return lambda: room.gate.decide(
            actor,  # type: ignore[arg-type]
            waits.plan_id,
            1,
            verdict,
            surface=Surface.BUTTON,
        )

    return Deeds(
        ref,
        approved,
        runs,
        {
            "approve": said(Verdict.APPROVE, ANN),
            "reject": said(Verdict.REJECT, BO),
            "withdraw": said(Verdict.WITHDRAW, DANA),
            "release": lambda: room.gate.release(reads.plan_id, 1),
            "propose": lambda: room.plans.propose(draft, proposed(write()), []),
            "press": lambda: room.press(runs, Choice.PAUSE),
            "perform": lambda: room.steps.perform(request),
        },
    )


async def refused(deeds: dict[str, Deed]) -> None:
    for deed in deeds.values():
        async with asyncio.timeout(LONG):
            with pytest.raises(Unavailable):
                await deed()


async def test_without_the_policy_nothing_is_decided_started_or_run(room: Room) -> None:
    deeds = await prepared(room)
    room.policy.away = True

    await refused(deeds.all)
    held = await room.next(deeds.approved)

    assert held.request is None
    assert room.script.calls == []
    assert await room.state(deeds.waits) is VersionState.WAITING
    assert await room.state(deeds.approved) is VersionState.APPROVED
    refusals = await room.pool.fetchval("SELECT count(*) FROM audit WHERE decision = 'unavailable'")
    assert refusals == 4


async def test_a_policy_server_that_never_answers_is_given_up_in_time(room: Room) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass  # it listens, and says nothing
        writer.close()
        await writer.wait_closed()

    deeds = await prepared(room)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, aiohttp.ClientSession() as session:
        breaker = Breaker(5, 30, time.monotonic)
        timeout = PolicySettings().timeout_seconds
        opa = OpaPolicy(session, url, timeout=timeout, breaker=breaker)
        gate = replace(room.gate, policy=opa)

        await refused(
            {
                "approve": lambda: gate.decide(
                    ANN, deeds.waits.plan_id, 1, Verdict.APPROVE, surface=Surface.BUTTON
                )
            }
        )

    assert await room.state(deeds.waits) is VersionState.WAITING


async def test_without_the_database_nothing_is_decided_started_or_run(
    database: Database, tmp_path: Path
) -> None:
    async with (
        wired(database) as (wire, through),
        open_room(through, tmp_path) as room,
    ):
        deeds = await prepared(room)
        await wire.cut()

        await refused({**deeds.all, "start": lambda: room.next(deeds.approved)})

        assert room.script.calls == []
