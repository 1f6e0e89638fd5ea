"""What arrives is stored by one writer, in the order of its arrival.

What waits together shares a statement and a commit, and the connection is kept while more comes:
to take one out of the pool and give it back costs as much as the insert itself.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from engine.crossing import crossing
from engine.errors import Unavailable
from engine.store.connection import DOWN, Connection, Pool, Row, answering
from engine.store.inbox import Arriving, Stored, receive

ROWS_AT_MOST = 64
BYTES_AT_MOST = 1024 * 1024
KEPT = 0.2
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """`told` is True for a payload that is new; its row goes to `on_stored` after that."""

    payload: Arriving
    on_stored: Callable[[Stored], None]
    told: "asyncio.Future[bool]"

    def tell(self, row: Stored | None) -> None:
        """The acknowledgement goes first; also what nobody waits for any more is carried out."""
        if not self.told.done():
            self.told.set_result(row is not None)
        if row is not None:
            self.on_stored(row)

    def refuse(self, error: Exception) -> None:
        """Unless it was told something; whoever left by now needs not hear of it."""
        if not self.told.done():
            self.told.set_exception(error)
            self.told.exception()


@dataclass(slots=True)
class Receiving:
    """The rows of this process, which `holder` names; a hold lasts `seconds`.

    Whoever finds nobody at work stores at once, without a task in between; what comes meanwhile is
    the next batch.
    """

    pool: Pool
    tenant: str
    holder: str
    seconds: float
    _waiting: list[Waiting] = field(default_factory=list)
    _busy: bool = False
    _kept: "PoolConnectionProxy[Row] | None" = None
    _used: float = 0.0
    _timer: asyncio.TimerHandle | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def add(self, payload: Arriving, on_stored: Callable[[Stored], None]) -> bool:
        """Durable on return; False when the key is known. Raises `Unavailable`."""
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(payload, on_stored, told))
        if not self._busy:
            await self._write()
        return await told

    async def _write(self) -> None:
        """One batch. However it ends, nobody is left waiting."""
        self._busy, batch = True, self._batch()
        why: Exception = Unavailable("postgres", "The payload was not stored.")
        whole = False
        try:
            async with answering():
                await self._store(await self._connection(), batch)
            whole = True
        except Unavailable as error:
            why, batch = error, list(self._waiting)
        finally:
            del self._waiting[: len(batch)]
            for each in batch:
                each.refuse(why)
            if not whole:
                self._let_go()
            self._go_on()

    def _go_on(self) -> None:
        """What came meanwhile is next; else the connection is kept for a while."""
        self._busy = bool(self._waiting)
        if self._busy:
            self._beside(self._write())
        else:
            self._used = asyncio.get_running_loop().time()
            self._timer = self._timer or asyncio.get_running_loop().call_later(KEPT, self._look)

    def _batch(self) -> list[Waiting]:
        """The oldest that wait: one at least, more while they are small."""
        size, found = 0, list[Waiting]()
        for each in self._waiting[:ROWS_AT_MOST]:
            size += len(each.payload.body)
            if found and size > BYTES_AT_MOST:
                break
            found.append(each)
        return found

    async def _store(self, connection: Connection, batch: list[Waiting]) -> None:
        """A payload that Postgres refuses is refused alone."""
        payloads = [each.payload for each in batch]
        try:
            crossing("K01")
            rows = await receive(connection, self.tenant, self.holder, self.seconds, payloads)
        except DOWN:
            raise
        except asyncpg.PostgresError as error:
            if len(batch) == 1:
                batch[0].refuse(error)
                return
            for each in batch:
                await self._store(connection, [each])
        else:
            crossing("K02")
            for each, row in zip(batch, rows, strict=True):
                each.tell(row)

    async def _connection(self) -> Connection:
        """The one that was kept, unless it broke meanwhile."""
        if self._kept is not None and self._kept.is_closed():
            self._let_go()
        if self._kept is None:
            self._kept = await self.pool.acquire()
        return self._kept

    def _look(self) -> None:
        """Give the connection back when it was not used for a while."""
        loop = asyncio.get_running_loop()
        left = self._used + KEPT - loop.time()
        self._timer = None
        if self._busy or left > 0:
            self._timer = loop.call_later(max(left, KEPT / 4), self._look)
        else:
            self._let_go()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self._beside(self._release(kept))

    async def _release(self, connection: "PoolConnectionProxy[Row]") -> None:
        """A broken one is replaced by the pool."""
        try:
            await self.pool.release(connection)
        except DOWN:
            log.warning("connection lost", action="receiving.lost")

    def _beside(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
