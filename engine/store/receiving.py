"""What arrives is stored by one writer, in the order of its arrival.

What waits together shares a statement and a commit, and the connection is kept while more comes:
to take one out of the pool and give it back costs as much as the insert itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from engine.errors import Unavailable
from engine.store.connection import DOWN, Connection, Pool, answering
from engine.store.inbox import Arriving, Stored, receive

ROWS_AT_MOST = 64
BYTES_AT_MOST = 1024 * 1024
KEPT = 0.2


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
        if not self.told.done():
            self.told.set_exception(error)


@dataclass(slots=True)
class Receiving:
    """The rows of this process, which `holder` names; a hold lasts `seconds`."""

    pool: Pool
    tenant: str
    holder: str
    seconds: float
    _waiting: list[Waiting] = field(default_factory=list)
    _writer: "asyncio.Task[None] | None" = None
    _idle: "asyncio.Future[None] | None" = None

    async def add(self, payload: Arriving, on_stored: Callable[[Stored], None]) -> bool:
        """Durable on return; False when the key is known. Raises `Unavailable`."""
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(payload, on_stored, told))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        elif self._idle is not None:
            wake(self._idle)
        return await told

    async def _write(self) -> None:
        """For as long as something comes. However it ends, nobody is left waiting."""
        why: Exception = Unavailable("postgres", "The payload was not stored.")
        try:
            while self._waiting:
                async with answering(), self.pool.acquire() as connection:
                    await self._write_on(connection)
        except Unavailable as error:
            why = error
        finally:
            self._writer = None
            refused, self._waiting = self._waiting, []
            for each in refused:
                each.refuse(why)

    async def _write_on(self, connection: Connection) -> None:
        """Until nothing comes any more, or the connection breaks while nothing does."""
        while not connection.is_closed():
            if batch := self._batch():
                await self._store(connection, batch)
                del self._waiting[: len(batch)]
            elif not await self._more():
                return

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
            for each, row in zip(batch, rows, strict=True):
                each.tell(row)

    async def _more(self) -> bool:
        """Whether something comes while the connection is kept."""
        loop = asyncio.get_running_loop()
        self._idle = loop.create_future()
        timer = loop.call_later(KEPT, wake, self._idle)
        try:
            await self._idle
        finally:
            timer.cancel()
            self._idle = None
        return bool(self._waiting)


def wake(idle: "asyncio.Future[None]") -> None:
    """Once is enough."""
    if not idle.done():
        idle.set_result(None)
