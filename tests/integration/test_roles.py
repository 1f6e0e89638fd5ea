"""What the application's own database role can't do, for every table that the catalog knows."""

from collections.abc import AsyncIterator
from typing import TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from bot.local.stack import Stack
from engine.domain.actor import Actor
from engine.store.migrations import migrate
from tests.conftest import Database, in_database

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
APP = "carapulse_app"
# Never changed once they are written. A table that is in neither list fails the test: say which.
INSERT_ONLY = {
    "approvals",
    "audit",
    "audit_anchors",
    "audit_chain",
    "audit_checkpoints",
    "break_glass_digests",
    "execution_starts",
    "issue_moves",
    "plan_versions",
    "reminders",
    "revocations",
    "runner_beats",
    "runners",
    "schema_migrations",
    "templates",
    "tool_definitions",
}
# What happened; a row may go on, and none goes away.
NEVER_REMOVED = {
    "decisions",
    "evidence",
    "executions",
    "log_lines",
    "plans",
    "steps",
    "tool_calls",
    "version_states",
}
EVERY_TABLE = """
SELECT DISTINCT ON (c.relname) c.relname AS name, a.attname AS column FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attidentity = ''
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.relname, a.attnum
"""
FORBIDDEN = (
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} ADD COLUMN x int",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} OWNER TO carapulse_app",
    "ALTER TABLE {table} RENAME TO gone",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "DROP TABLE {table} CASCADE",
    "DO $$ BEGIN LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; END $$",
    "CREATE RULE quiet AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE TRIGGER x BEFORE INSERT ON {table} FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE INDEX ON {table} ({column})",
    "COPY {table} TO PROGRAM 'true'",
    "SELECT {column} FROM {table} FOR UPDATE",
    "MERGE INTO {table} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
)
ESCAPES = (
    "COPY plan_versions FROM STDIN",
    "COPY approvals FROM STDIN",
    "COPY audit FROM STDIN",
    "COPY audit FROM '/etc/passwd'",
    "SET ROLE carapulse",
    "SET ROLE postgres",
    "SET ROLE carapulse_purge",
    "SET SESSION AUTHORIZATION carapulse",
    "SET session_replication_role = replica",
    "ALTER ROLE carapulse_app SUPERUSER",
    "ALTER ROLE carapulse_purge LOGIN",
    "CREATE ROLE mallory SUPERUSER LOGIN",
    "GRANT carapulse TO carapulse_app",
    "GRANT carapulse_purge TO carapulse_app",
    "CREATE TABLE public.mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "CREATE EXTENSION dblink",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT purge_audit(1, 1)",
    "ALTER SYSTEM SET fsync = off",
    "ALTER DATABASE {database} SET search_path = mine",
    "CREATE OR REPLACE FUNCTION public.purge_audit(up_to bigint, at_most integer) RETURNS bigint "
    "LANGUAGE sql AS 'SELECT 1::bigint'",
    "INSERT INTO audit (id, tenant, actor, action, subject, body) OVERRIDING SYSTEM VALUE "
    "VALUES (1, 'default', 'x', 'x', 'x', '{{}}')",
    "INSERT INTO audit (at, tenant, actor, action, subject, body) "
    "VALUES ('2020-01-01', 'default', 'x', 'x', 'x', '{{}}')",
    "INSERT INTO audit (txid, tenant, actor, action, subject, body) "
    "VALUES ('3', 'default', 'x', 'x', 'x', '{{}}')",
    "INSERT INTO approvals (id, plan_id, version, person, verdict, nonce, body, at) "
    "OVERRIDING SYSTEM VALUE VALUES (1, gen_random_uuid(), 1, 'x', 'x', 'x', 'x', now())",
    "INSERT INTO execution_starts (plan_id, version, execution_id, at) "
    "VALUES (gen_random_uuid(), 1, gen_random_uuid(), '2020-01-01')",
    "INSERT INTO approvals (plan_id, version, person, verdict, nonce, body, at) "
    "SELECT plan_id, version, person, verdict, nonce, body, at FROM approvals "
    "ON CONFLICT (nonce) DO UPDATE SET body = EXCLUDED.body",
)
REFUSED = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedObjectError,  # a role that does not exist here can't be taken either
    asyncpg.FeatureNotSupportedError,
)


@pytest.fixture
async def app(database: Database) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database.app_dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def tables(app: Connection) -> dict[str, str]:
    """Every table with its first column."""
    return {row["name"]: row["column"] for row in await app.fetch(EVERY_TABLE)}


async def may(app: Connection, table: str, *rights: str) -> bool:
    held = [
        await app.fetchval("SELECT has_table_privilege($1, $2, $3)", APP, table, right)
        for right in rights
    ]
    return any(held)


async def test_every_table_is_known_as_insert_only_or_as_one_that_changes(app: Connection) -> None:
    column = "SELECT has_any_column_privilege($1, $2, 'UPDATE')"
    changed = {
        name
        for name in await tables(app)
        if await may(app, name, "DELETE") or await app.fetchval(column, APP, name)
    }

    assert set(await tables(app)) - changed == INSERT_ONLY


async def test_what_is_insert_only_is_so_in_each_column(app: Connection) -> None:
    query = "SELECT has_any_column_privilege($1, $2, 'UPDATE')"

    found = {name for name in INSERT_ONLY if await app.fetchval(query, APP, name)}

    assert found == set()


async def test_no_statement_changes_what_is_insert_only(app: Connection) -> None:
    known = await tables(app)
    passed = []
    for table in sorted(INSERT_ONLY):
        for statement in FORBIDDEN:
            text = statement.format(table=table, column=known[table])
            try:
                await app.execute(text)
            except REFUSED:
                continue
            passed.append(text)

    assert passed == []


async def test_nothing_that_happened_can_be_removed(app: Connection) -> None:
    known = set(await tables(app))
    found = {name for name in NEVER_REMOVED if await may(app, name, "DELETE", "TRUNCATE")}

    assert found == set()
    assert known >= NEVER_REMOVED


async def test_the_role_can_not_become_more_than_it_is(app: Connection, database: Database) -> None:
    passed = []
    for statement in ESCAPES:
        try:
            await app.execute(statement.format(database=database.name))
        except REFUSED:
            continue
        passed.append(statement)

    assert passed == []


async def test_no_table_has_a_right_of_everybody(app: Connection) -> None:
    query = "SELECT has_table_privilege('carapulse_purge', $1, $2)"
    open_to_all = [
        (table, right)
        for table in await tables(app)
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
        if await app.fetchval(query, table, right)
    ]

    assert open_to_all == [("audit_anchors", "SELECT"), ("schema_migrations", "SELECT")]


async def test_a_temporary_table_can_not_stand_before_ours(postgres_server: Stack) -> None:
    name = f"test_{uuid4().hex}"
    owner = await asyncpg.connect(postgres_server.owner_dsn, timeout=10)
    try:
        await owner.execute(f"CREATE DATABASE {name}")
        await migrate(in_database(postgres_server.owner_dsn, name))
        app = await asyncpg.connect(in_database(postgres_server.app_dsn, name), timeout=10)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TEMPORARY TABLE version_states (state text)")
        await app.close()
    finally:
        await owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await owner.close()


@pytest.mark.parametrize(
    ("actor", "kind"),
    [("", "person"), ("service:gate", "person"), ("dana", "service"), ("dana", "alien")],
)
async def test_an_actor_is_a_person_or_a_named_service(
    app: Connection, actor: str, kind: str
) -> None:
    who = Actor.model_construct(kind=kind, id=actor, name="X")  # type: ignore[arg-type]
    body = f'{{"actor":{who.model_dump_json(warnings=False)}}}'

    with pytest.raises(asyncpg.CheckViolationError):
        await app.execute(
            "INSERT INTO audit (tenant, actor, action, subject, body) "
            "VALUES ('default', $1, 'plan.create', 'P-1', $2)",
            actor,
            body,
        )
