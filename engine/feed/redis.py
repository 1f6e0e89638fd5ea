"""The live feed as Redis streams. Losing it loses nothing, so it never makes anybody wait."""

import time
from collections.abc import Sequence

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from engine.domain.execution import LogLine
from engine.domain.ids import ExecutionId
from engine.errors import Unavailable
from engine.telemetry.metrics import Metrics

ENTRIES_AT_MOST = 2000
KEPT_SECONDS = 3600
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0
# After a failure nothing is tried for so long: a dead Redis must not slow an execution down.
PAUSE_SECONDS = 1.0
log = structlog.get_logger(__name__)


def stream(execution_id: ExecutionId) -> str:
    """The key of an execution's stream."""
    return f"feed:execution:{execution_id}"


class RedisFeed:
    """The `Feed` port: one stream entry per batch, its field `lines` a JSON list."""

    def __init__(self, url: str, metrics: Metrics | None = None) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            max_connections=16,
            # The default is ten retries, which is 3.7 s until a dead server is noticed.
            retry=Retry(NoBackoff(), 0),
        )
        self._metrics = metrics
        self._paused_until = 0.0
        self._away = False
        self.lost = 0

    async def publish(self, execution_id: ExecutionId, lines: Sequence[LogLine]) -> None:
        """Append the lines. A Redis that is away loses them and raises nothing."""
        if not lines:
            return
        if time.monotonic() < self._paused_until:
            self._lose(len(lines))
            return
        key = stream(execution_id)
        batch = orjson.dumps([line.model_dump(mode="json") for line in lines])
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.xadd(key, {"lines": batch}, maxlen=ENTRIES_AT_MOST, approximate=True)
                pipe.expire(key, KEPT_SECONDS)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._fail(error)
            self._lose(len(lines))
        else:
            self._recover()
            if self._metrics:
                self._metrics.feed("published", len(lines))

    async def ping(self) -> None:
        """Raises `Unavailable` when Redis does not answer."""
        try:
            await self._redis.ping()
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable("redis", "Redis does not answer.") from error

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()

    def _lose(self, count: int) -> None:
        self.lost += count
        if self._metrics:
            self._metrics.feed("lost", count)

    def _fail(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        if not self._away:
            self._away = True
            log.warning("live feed is away", action="feed.away", error=type(error).__name__)

    def _recover(self) -> None:
        if self._away:
            self._away = False
            log.info("live feed is back", action="feed.back", lost=self.lost)
