"""The live feed, on a real Redis and without one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from engine.domain.execution import LogLine
from engine.domain.ids import ExecutionId, new_id
from engine.errors import Unavailable
from engine.feed.quiet import NoFeed
from engine.feed.redis import RedisFeed, stream
from engine.telemetry.metrics import Metrics

NOBODY = "redis://127.0.0.1:1/0"


def lines(execution_id: ExecutionId, *texts: str) -> Sequence[LogLine]:
    at = datetime(2026, 11, 22, 14, 9, tzinfo=UTC)
    return [
        LogLine(id=number, execution_id=execution_id, step=1, at=at, text=text)
        for number, text in enumerate(texts, start=1)
    ]


async def test_a_batch_is_one_entry_that_ends_by_itself(redis_url: str) -> None:
    execution_id = ExecutionId(new_id())
    feed, reader = RedisFeed(redis_url), Redis.from_url(redis_url)
    try:
        await feed.publish(execution_id, lines(execution_id, "one", "two"))
        await feed.publish(execution_id, lines(execution_id, "three"))

        entries: Any = await reader.xrange(stream(execution_id))
        left = await reader.ttl(stream(execution_id))
    finally:
        await feed.close()
        await reader.aclose()

    said = [[line["text"] for line in orjson.loads(entry[b"lines"])] for _, entry in entries]
    assert said == [["one", "two"], ["three"]]
    assert 0 < left <= 3600


async def test_nothing_is_written_for_nothing(redis_url: str) -> None:
    execution_id = ExecutionId(new_id())
    feed, reader = RedisFeed(redis_url), Redis.from_url(redis_url)
    try:
        await feed.publish(execution_id, [])

        assert await reader.exists(stream(execution_id)) == 0
    finally:
        await feed.close()
        await reader.aclose()


async def test_a_feed_that_is_away_is_told_once_and_makes_nobody_wait() -> None:
    execution_id = ExecutionId(new_id())
    metrics = Metrics()
    feed = RedisFeed(NOBODY, metrics)

    with capture_logs() as logs:
        for _ in range(50):
            await feed.publish(execution_id, lines(execution_id, "lost", "too"))
    await feed.close()

    assert [line["action"] for line in logs] == ["feed.away"]
    assert feed.lost == 100
    assert b'carapulse_feed_lines_total{outcome="lost"} 100.0' in generate_latest(metrics.registry)


async def test_a_feed_that_never_answers_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.feed.redis.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("engine.feed.redis.PAUSE_SECONDS", 3600.0)
    execution_id, calls = ExecutionId(new_id()), []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(writer)
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        feed = RedisFeed(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        for _ in range(50):
            await feed.publish(execution_id, lines(execution_id, "lost"))
        await feed.close()

    assert len(calls) == 1
    assert feed.lost == 50


async def test_a_check_says_that_it_is_away() -> None:
    feed = RedisFeed(NOBODY)

    with pytest.raises(Unavailable):
        await feed.ping()

    await feed.close()


async def test_no_feed_is_a_feed_too() -> None:
    execution_id = ExecutionId(new_id())

    assert await NoFeed().publish(execution_id, lines(execution_id, "one")) is None  # type: ignore[func-returns-value]
