"""What is left of a whisper once it was shown: its words, and nothing that it led to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.conversation import PostKind
from engine.domain.model import Json
from engine.store.surface import PostgresSurface
from tests.conftest import Database
from tests.integration.room import INC, Room, open_room
from tests.integration.script import TENANT

LINK = "https://carapulse.example/v1/sign-in/once"
BODY: dict[str, Json] = {"text": "Sign in again.", "buttons": [{"text": "Sign in", "url": LINK}]}


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


async def whispered(room: Room) -> str:
    async with room.store.begin() as unit:
        return await unit.posts.want(PostKind.WHISPER, "whisper:U0ANN", INC, body=BODY)


async def kept(room: Room, post_id: str) -> str:
    return str(await room.pool.fetchval("SELECT body::text FROM posts WHERE id = $1", post_id))


async def test_a_link_is_forgotten_once_it_was_shown(room: Room) -> None:
    surface, post_id = PostgresSurface(room.pool, TENANT), await whispered(room)
    before = await kept(room, post_id)

    await surface.posted(post_id, shown=1, ts="", epoch=0)

    assert LINK in before
    assert LINK not in await kept(room, post_id)
    assert "Sign in again." in await kept(room, post_id)


async def test_a_link_is_forgotten_once_it_is_given_up_and_not_before(room: Room) -> None:
    surface, post_id = PostgresSurface(room.pool, TENANT), await whispered(room)

    await surface.failed(post_id, error="ratelimited", retry_in=1, epoch=0)
    waiting = await kept(room, post_id)
    await surface.failed(post_id, error="user_not_found", retry_in=None, epoch=0)

    assert LINK in waiting
    assert LINK not in await kept(room, post_id)
