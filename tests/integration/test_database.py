"""The databases that tests are given are separate, migrated, and guarded by roles."""

import asyncpg
import pytest

from tests.conftest import Database


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_finds_an_empty_migrated_database(database: Database, turn: int) -> None:
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)
    try:
        applied = await owner.fetchval("SELECT count(*) FROM schema_migrations")
        await owner.execute("CREATE TABLE mine (turn int)")
    finally:
        await owner.close()

    assert applied > 0, turn


@pytest.mark.parametrize("table", ["plan_versions", "approvals", "audit"])
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"])
async def test_the_app_role_cannot_remove_what_was_decided(
    database: Database, table: str, verb: str
) -> None:
    app = await asyncpg.connect(database.app_dsn, timeout=10)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(verb.format(table))
    finally:
        await app.close()
