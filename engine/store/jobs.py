"""The transactional outbox, on pgqueuer: work that must be done after a commit, at least once.

A job wakes somebody; the truth that it acts on is read again from the tables. A component that
does not answer is no failed attempt: the job comes back within five seconds, for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import asyncpg
import orjson
import structlog
from pgqueuer import PgQueuer, Queries
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.core.executors import (
    AbstractEntrypointExecutor,
    DatabaseRetryEntrypointExecutor,
    EntrypointExecutorParameters,
)
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from engine.domain.model import Json
from engine.errors import Unavailable
from engine.store.connection import DOWN, Connection, Pool, Row, answering

Handler = Callable[[dict[str, Json]], Awaitable[None]]

WAIT_AT_MOST = timedelta(seconds=5)
REDELIVERIES_AT_MOST = 20
# A redelivery takes the seconds after which a worker counts as dead: a job is young until then.
FRESH = timedelta(seconds=20)
AGAIN = 0.5
log = structlog.get_logger(__name__)


class PostgresJobs:
    """The `Jobs` port: enqueues in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    async def add(self, kind: str, payload: dict[str, Json], *, key: str | None = None) -> None:
        """A job with a `key` is skipped while one with the same key still waits."""
        await Queries(AsyncpgDriver(cast("asyncpg.Connection[Row]", self._db))).enqueue(
            kind,
            orjson.dumps(payload),
            dedupe_key=key,
            on_conflict="skip" if key else "raise",
        )


@asynccontextmanager
async def working(
    pool: Pool, handlers: Mapping[str, Handler], *, at_once: int = 20
) -> AsyncIterator[None]:
    """Handle these kinds of jobs in this process for as long as the block lasts."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        runner = group.create_task(keep_working(pool, handlers, max(20, at_once), stopping))
        try:
            yield
        finally:
            stopping.set()
            done, _ = await asyncio.wait({runner}, timeout=10)
            if not done:
                runner.cancel()


async def keep_working(
    pool: Pool, handlers: Mapping[str, Handler], at_once: int, stopping: asyncio.Event
) -> None:
    """One queue after the other: each ends for good when its database connection breaks."""
    while not stopping.is_set():
        queue = PgQueuer(Waking(pool, handlers))
        for kind, handler in handlers.items():
            register(queue, pool, kind, handler)
        until_stopped = asyncio.create_task(shut_down(queue, stopping))
        try:
            await queue.run(
                batch_size=10,
                dequeue_timeout=timedelta(seconds=1),
                heartbeat_timeout=timedelta(seconds=8),
                max_concurrent_tasks=at_once,
            )
        except DOWN as error:
            log.warning("jobs wait", action="jobs.wait", error=type(error).__name__)
        finally:
            until_stopped.cancel()
        if not stopping.is_set():
            await asyncio.sleep(AGAIN)


class Waking(AsyncpgPoolDriver):
    """Hears of new jobs of these kinds; what other processes have to do costs nothing here."""

    def __init__(self, pool: Pool, kinds: Collection[str]) -> None:
        super().__init__(pool)
        self._kinds = frozenset(kinds)

    async def add_listener(
        self, channel: str, callback: Callable[[str | bytes | bytearray], None]
    ) -> None:
        """What the queue says about itself names no kinds and is always heard."""

        def heard(payload: str | bytes | bytearray) -> None:
            kinds = orjson.loads(payload).get("kinds")
            if kinds is None or not self._kinds.isdisjoint(kinds):
                callback(payload)

        await super().add_listener(channel, heard)


async def shut_down(queue: PgQueuer, stopping: asyncio.Event) -> None:
    """Let the queue finish what it has in hand."""
    await stopping.wait()
    queue.shutdown.set()


def register(queue: PgQueuer, pool: Pool, kind: str, handler: Handler) -> None:
    """Bind a handler; a job that kills its worker again and again is held, not redelivered."""

    @queue.entrypoint(kind, executor_factory=retrying, on_failure="hold")
    async def handle(job: Job) -> None:
        while not await handled(pool, kind, handler, job):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(AGAIN)


async def handled(pool: Pool, kind: str, handler: Handler, job: Job) -> bool:
    """Whether it is done; not while the database is away, which could not even keep that it waits.

    Raises `RetryRequested` when something else does not answer.
    """
    try:
        if job.updated - job.created > FRESH:
            await hold_if_hopeless(pool, kind, job)
        await handler(orjson.loads(job.payload or b"{}"))
    except Unavailable as error:
        log.warning("job waits", action="job.waits", kind=kind, component=error.component)
        if error.component == "postgres":
            return False
        raise RetryRequested(delay=backoff(job.attempts), reason=error.component) from None
    return True


async def hold_if_hopeless(pool: Pool, kind: str, job: Job) -> None:
    """Raise when too many workers died on it."""
    async with answering():
        picked = await pool.fetchval(
            "SELECT count(*) FROM pgqueuer_log WHERE job_id = $1 AND status = 'picked'", job.id
        )
    if picked - job.attempts > REDELIVERIES_AT_MOST:
        raise RuntimeError(f"{kind} was redelivered {picked} times; held")


def backoff(attempts: int) -> timedelta:
    """A quarter second first, five seconds at most."""
    return min(timedelta(seconds=0.25 * 2 ** min(attempts, 10)), WAIT_AT_MOST)


def retrying(parameters: EntrypointExecutorParameters) -> AbstractEntrypointExecutor:
    """Retry a bug some times; then the job is held for a person to look at."""
    return DatabaseRetryEntrypointExecutor(
        parameters=parameters,
        max_attempts=8,
        initial_delay=timedelta(seconds=0.5),
        max_delay=WAIT_AT_MOST,
    )
