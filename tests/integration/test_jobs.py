"""Jobs: committed with what they follow from, and retried while a component is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from engine.domain.model import Json
from engine.errors import Unavailable
from engine.store.jobs import Waking, working
from tests.conftest import Database
from tests.integration.room import Room, open_room


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def add(room: Room, **payload: Json) -> None:
    async with room.store.begin() as unit:
        await unit.jobs.add("test.job", payload)


async def until(done: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not await done():  # noqa: ASYNC110 - the database's state
            await asyncio.sleep(0.05)


async def test_a_job_of_a_transaction_that_failed_does_not_exist(room: Room) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the transaction is the point
        async with room.store.begin() as unit:
            await unit.jobs.add("test.job", {})
            raise ZeroDivisionError

    assert await room.pool.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_a_component_that_is_away_is_asked_again_soon(room: Room) -> None:
    tries: list[float] = []
    done = asyncio.Event()

    async def handle(payload: dict[str, Json]) -> None:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) < 4:
            raise Unavailable("temporal", "away")
        done.set()

    async with working(room.pool, {"test.job": handle}):
        await add(room)
        await asyncio.wait_for(done.wait(), 20)

    assert all(after - before < 6 for before, after in pairwise(tries))


async def test_two_processes_handle_a_job_once(room: Room) -> None:
    seen: list[Json] = []

    async def handle(payload: dict[str, Json]) -> None:
        seen.append(payload["n"])

    async def all_seen() -> bool:
        return len(seen) >= 20

    async with (
        working(room.pool, {"test.job": handle}),
        working(room.pool, {"test.job": handle}),
    ):
        for number in range(20):
            await add(room, n=number)
        await until(all_seen)

    assert sorted(seen, key=str) == sorted(range(20), key=str)


async def test_a_new_job_wakes_only_those_who_carry_out_its_kind(room: Room) -> None:
    heard: list[str | bytes | bytearray] = []
    woken = asyncio.Event()

    async with Waking(room.pool, ["test.mine"]) as driver:
        await driver.add_listener("ch_pgqueuer", heard.append)
        await driver.add_listener("ch_pgqueuer", lambda _: woken.set())
        async with room.store.begin() as unit:
            await unit.jobs.add("test.other", {})
        async with room.store.begin() as unit:
            await unit.jobs.add("test.mine", {})
        await asyncio.wait_for(woken.wait(), 5)

    assert len(heard) == 1
