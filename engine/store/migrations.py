"""Brings the database to the schema of this version: each file once, in order, by one process.

A file is applied in one transaction, unless its first line is `-- no-transaction`. Its SHA-256 is
kept; a file that changed after it was applied, or that is older than an applied one, is refused.
The lock is polled: a blocking advisory lock deadlocks with CREATE INDEX CONCURRENTLY.
"""

import asyncio
import hashlib
from pathlib import Path

import asyncpg

from engine.errors import ConfigurationError, Unavailable
from engine.resources import shipped

LOCK = 5_220_417_903
LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


async def migrate(owner_dsn: str, *, timeout: float = 60) -> list[str]:
    """Apply what is missing and return its names.

    Raises `ConfigurationError` for changed or out-of-order files, `Unavailable` when the database
    does not answer or another process holds the lock longer than `timeout` seconds.
    """
    try:
        connection = await asyncpg.connect(owner_dsn, timeout=timeout)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Unavailable("postgres", f"The database does not answer: {error}.") from error
    try:
        await hold_lock(connection, timeout)
        return await apply_missing(connection, files())
    finally:
        await connection.close()


async def missing(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Names of the files that this version needs and the database lacks."""
    known = await connection.fetchval("SELECT to_regclass('schema_migrations')")
    if known is None:
        return [path.stem for path in files()]
    rows = await connection.fetch("SELECT name FROM schema_migrations")
    applied = {row["name"] for row in rows}
    return [path.stem for path in files() if path.stem not in applied]


def files() -> list[Path]:
    """The migration files, in order."""
    return sorted(shipped("migrations").glob("[0-9]*.sql"))


async def hold_lock(connection: "asyncpg.Connection[asyncpg.Record]", timeout: float) -> None:
    """Wait for the lock, at most `timeout` seconds."""
    deadline = asyncio.get_running_loop().time() + timeout
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable("postgres", "Another process is migrating; try again when it ended.")
        await asyncio.sleep(0.1)


async def apply_missing(
    connection: "asyncpg.Connection[asyncpg.Record]", paths: list[Path]
) -> list[str]:
    """Apply the files that the ledger lacks; return their names."""
    await connection.execute(LEDGER)
    rows = await connection.fetch("SELECT name, sha256 FROM schema_migrations")
    applied = {row["name"]: row["sha256"] for row in rows}
    done: list[str] = []
    for path in paths:
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        if path.stem in applied:
            if applied[path.stem] != sha256:
                raise ConfigurationError(f"Migration {path.name} changed after it was applied.")
            continue
        if any(name > path.stem for name in applied):
            raise ConfigurationError(f"Migration {path.name} is older than one already applied.")
        await apply(connection, path.stem, text, sha256)
        done.append(path.stem)
    return done


async def apply(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, text: str, sha256: str
) -> None:
    """Run one file and record it, in one transaction unless it says otherwise."""
    record = "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)"
    if text.startswith("-- no-transaction"):
        await connection.execute(text)
        await connection.execute(record, name, sha256)
        return
    async with connection.transaction():
        await connection.execute(text)
        await connection.execute(record, name, sha256)
