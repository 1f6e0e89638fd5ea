"""How the store reaches Postgres, and what its failures mean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from engine.errors import Unavailable

Row: TypeAlias = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Row] | PoolConnectionProxy[Row]"
Pool: TypeAlias = "asyncpg.Pool[Row]"

DOWN = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says whose server died in mid-sentence
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)


async def open_pool(
    dsn: str, *, size: int, statement_timeout: float, connect_timeout: float
) -> Pool:
    """Open a pool of `size` connections. Times in seconds. Raises `Unavailable`."""
    async with answering():
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=connect_timeout,
            command_timeout=statement_timeout + 5,
            max_inactive_connection_lifetime=300,
            max_queries=10**9,
            reset=nothing_to_undo,
            server_settings={
                "application_name": "carapulse",
                "statement_timeout": str(int(statement_timeout * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            },
        )


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Translate a database that does not answer; other errors pass."""
    try:
        yield
    except DOWN as error:
        raise Unavailable(
            "postgres", "The database does not answer, so nothing was changed. Try again shortly."
        ) from error


async def nothing_to_undo(_: object) -> None:
    """Save asyncpg's own clean-up, a round trip: our sessions keep no settings and no locks.

    Transactions are ended and listeners taken off by those who opened them.
    """


def touched(status: str) -> int:
    """How many rows a command tag such as `UPDATE 3` names."""
    return int(status.rsplit(" ", 1)[-1])
