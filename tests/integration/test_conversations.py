"""What people say is heard once, whoever delivers it how often."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.integration.room import INC, Room, open_room, write
from tests.unit.governing import ANN, DANA


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def count(room: Room, table: str) -> int:
    return int(await room.pool.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608


async def hear(
    room: Room, text: str = "fix it", ts: str = "1.1", *, addressed: bool = True
) -> bool:
    return await room.conversations.hear(INC, actor=DANA, text=text, ts=ts, addressed=addressed)


async def test_a_message_that_is_delivered_many_times_at_once_is_one_request(room: Room) -> None:
    heard = await asyncio.gather(*(hear(room) for _ in range(6)))

    assert sorted(heard) == [False] * 5 + [True]
    assert await count(room, "conversations") == 1
    assert await count(room, "drafts") == 1
    assert (
        await room.pool.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'draft.start'")
        == 1
    )
    assert await room.posts("reaction") == 1


async def test_what_is_not_said_to_us_does_not_concern_us(room: Room) -> None:
    assert not await hear(room, addressed=False)
    assert await count(room, "conversations") == 0


async def test_a_reply_in_a_thread_of_ours_needs_no_mention(room: Room) -> None:
    await hear(room)

    assert await room.conversations.known(INC)
    assert await hear(room, "make it 7", "1.2", addressed=False)
    assert await room.posts("reaction") == 1


async def test_a_reply_is_about_the_version_that_was_there_when_it_was_said(room: Room) -> None:
    version = await room.planned(write())

    draft = await room.draft(await room.say("make it 7", actor=ANN))

    assert (draft.plan_id, draft.based_on) == (version.plan_id, 1)
    assert draft.requester == ANN.id


async def test_words_are_bounded_and_may_hold_anything(room: Room) -> None:
    assert await hear(room, "a\x00b\ud800" + "x" * 10_000)

    said = await room.pool.fetchval("SELECT body FROM turns")
    assert said.startswith("ab")
    assert len(said) <= 4000
