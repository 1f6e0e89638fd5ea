"""What can be said of a database from outside: is it ours, complete, safe, and on time."""

from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from engine.domain.site import Served
from engine.errors import Unavailable
from engine.store.connection import DOWN
from engine.store.migrations import missing
from engine.store.runners import PostgresRunners

INSERT_ONLY = ("plan_versions", "approvals", "audit")


@dataclass(frozen=True, slots=True)
class Health:
    """`alterable`: insert-only tables that this role could change. `ahead`: its clock's lead."""

    version: str
    role: str
    lacking: tuple[str, ...]
    alterable: tuple[str, ...]
    ahead: float


async def examine(dsn: str, *, timeout: float) -> Health:
    """Look without changing anything. Raises `Unavailable` that says why there is no answer."""
    try:
        connection = await asyncpg.connect(dsn, timeout=timeout, command_timeout=timeout)
    except (*DOWN, asyncpg.PostgresError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".: ")
        raise Unavailable("postgres", f"The database does not let us in ({reason}).") from None
    try:
        lacking = await missing(connection)
        return Health(
            version=str(connection.get_server_version().major),
            role=await connection.fetchval("SELECT current_user"),
            lacking=tuple(lacking),
            alterable=() if lacking else tuple(await alterable(connection)),
            ahead=await lead(connection),
        )
    except (*DOWN, asyncpg.PostgresError) as error:
        raise Unavailable("postgres", f"The database refuses to be read: {error}.") from None
    finally:
        await connection.close(timeout=timeout)


async def runners_of(dsn: str, tenant: str, *, timeout: float) -> list[Served]:
    """The places with runners of their own. Raises `Unavailable`."""
    try:
        connection = await asyncpg.connect(dsn, timeout=timeout, command_timeout=timeout)
        try:
            lacking = await missing(connection)
            return [] if lacking else await PostgresRunners(connection, tenant).listed()
        finally:
            await connection.close(timeout=timeout)
    except (*DOWN, asyncpg.PostgresError, ValueError) as error:
        raise Unavailable("postgres", f"The database does not tell: {error}.") from None


async def alterable(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """The insert-only tables whose rows this role may change or remove."""
    rows = await connection.fetch(
        "SELECT name FROM unnest($1::text[]) AS name "
        "WHERE has_table_privilege(name, 'UPDATE') OR has_table_privilege(name, 'DELETE') "
        "OR has_table_privilege(name, 'TRUNCATE')",
        list(INSERT_ONLY),
    )
    return [row["name"] for row in rows]


async def lead(connection: "asyncpg.Connection[asyncpg.Record]") -> float:
    """Seconds that the database's clock is ahead of ours, the way there taken out."""
    before = datetime.now(UTC)
    there: datetime = await connection.fetchval("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    return (there - (before + (after - before) / 2)).total_seconds()
