"""What arrives at once is stored in order, each key once, and a bad one harms no other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from engine.errors import Unavailable
from engine.store.inbox import Arriving, Stored
from engine.store.receiving import Receiving
from tests.conftest import Database
from tests.integration.room import Room, open_room


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


def arriving(key: str, thread: str = "C1:1.1", size: int = 1) -> Arriving:
    return Arriving("slack", key, thread, key.encode().ljust(size), take=True)


def receiving(room: Room) -> Receiving:
    return Receiving(room.pool, "default", "me", 6.0)


async def test_a_burst_keeps_its_order_and_only_its_first_is_held(room: Room) -> None:
    it, stored = receiving(room), list[Stored]()
    burst = [arriving(f"k{number:03d}", size=20_000) for number in range(150)]

    new = await asyncio.gather(*(it.add(each, stored.append) for each in burst))

    assert all(new)
    assert [row.body for row in stored] == [each.body for each in burst]
    assert sorted(row.id for row in stored) == [row.id for row in stored]
    assert [row.attempts for row in stored] == [1] + [0] * 149
    assert await room.pool.fetchval("SELECT count(DISTINCT received_at) FROM inbox") < 10


async def test_one_key_in_one_burst_is_new_once(room: Room) -> None:
    it, stored = receiving(room), list[Stored]()

    new = await asyncio.gather(*(it.add(arriving("same"), stored.append) for _ in range(5)))
    again = await it.add(arriving("same"), stored.append)

    assert (new, again) == ([True, False, False, False, False], False)
    assert len(stored) == 1


async def test_what_postgres_refuses_is_refused_alone(room: Room) -> None:
    it, stored = receiving(room), list[Stored]()
    burst = [arriving("a"), arriving("b", thread="nul \0"), arriving("c")]

    told = await asyncio.gather(
        *(it.add(each, stored.append) for each in burst), return_exceptions=True
    )

    assert told[0] is True
    assert told[2] is True
    assert isinstance(told[1], asyncpg.PostgresError)


async def test_a_connection_that_broke_in_a_pause_is_replaced(room: Room) -> None:
    it, stored = receiving(room), list[Stored]()
    await it.add(arriving("a"), stored.append)
    await room.pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async with asyncio.timeout(10):
        while not await stored_by(it, arriving("b")):
            pass

    assert await room.pool.fetchval("SELECT count(*) FROM inbox WHERE key = 'b'") == 1


async def stored_by(it: Receiving, payload: Arriving) -> bool:
    try:
        await it.add(payload, lambda _: None)
    except Unavailable:
        return False
    return True


async def test_who_left_meanwhile_keeps_nobody_from_being_stored(room: Room) -> None:
    it, stored = receiving(room), list[Stored]()
    leaving = asyncio.create_task(it.add(arriving("gone"), stored.append))
    await asyncio.sleep(0)
    leaving.cancel()

    burst = [it.add(arriving(f"k{number}"), stored.append) for number in range(3)]
    new = await asyncio.gather(*burst)

    assert new == [True, True, True]
    assert [row.body for row in stored][-3:] == [b"k0", b"k1", b"k2"]
