"""Connections to the order database: a pool, and slow ones outside of it when the pool is empty."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

OVERFLOW = 1
OPEN_SECONDS = 0.16  # connecting, TLS and login; pooled connections are open already
POOLED, OUTSIDE = 0, 1


class PoolExhausted(Exception):
    """No connection became free in time."""


class Pool:
    """`size` open connections plus `OVERFLOW` that are opened for each use.

    Pooled connections go first (the queue orders by kind). With a size of 0 every request waits
    for the few outside the pool; those that wait too long fail, the others are only slow.
    """

    def __init__(self, size: int, deadline: float) -> None:
        self._deadline = deadline
        self._free: asyncio.PriorityQueue[int] = asyncio.PriorityQueue()
        for kind in [POOLED] * size + [OUTSIDE] * OVERFLOW:
            self._free.put_nowait(kind)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        """Hold one connection, or raise `PoolExhausted` after the deadline."""
        try:
            async with asyncio.timeout(self._deadline):
                kind = await self._free.get()
        except TimeoutError:
            raise PoolExhausted from None
        try:
            if kind == OUTSIDE:
                await asyncio.sleep(OPEN_SECONDS)
            yield
        finally:
            self._free.put_nowait(kind)
