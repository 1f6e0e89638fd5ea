"""Logins of runners, made and removed by the database's owner."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex, token_urlsafe
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.site import Site
from engine.errors import Conflict, NotFound
from engine.store.audit import PostgresAudit
from engine.store.connection import Connection, answering

LONGEST = 50


async def make_login(owner_dsn: str, tenant: str, site: Site, actor: Actor) -> str:
    """Make the site's login and return the address that it connects with, password and all.

    Raises `Conflict` where there is one, and `Unavailable`.
    """
    login, password = login_name(site), token_urlsafe(32)
    async with owner(owner_dsn) as connection:
        database = await connection.fetchval("SELECT current_database()")
        added = await connection.fetchval(
            "INSERT INTO runners (login, tenant, environment, cluster, made_by) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING login",
            login,
            tenant,
            site.environment,
            site.cluster,
            actor.id,
        )
        if added is None:
            raise Conflict(
                f"{site} has a login for its runners. `carapulse runner remove` ends it."
            )
        # Both are ours, of characters that need no quoting; a statement of this kind takes no
        # parameters.
        await connection.execute(
            f"CREATE ROLE {login} LOGIN NOCREATEDB NOCREATEROLE PASSWORD '{password}' "
            "IN ROLE carapulse_runner"
        )
        await connection.execute(f"ALTER ROLE {login} SET search_path = runner")
        await told(connection, tenant, actor, "runner.create", site)
    return in_place_of(owner_dsn, login, password, database)


async def remove_login(owner_dsn: str, tenant: str, site: Site, actor: Actor) -> None:
    """End the login, and what is connected with it. Raises `NotFound` and `Unavailable`."""
    async with owner(owner_dsn) as connection:
        login = await connection.fetchval(
            "DELETE FROM runners WHERE tenant = $1 AND environment = $2 AND cluster = $3 "
            "RETURNING login",
            tenant,
            site.environment,
            site.cluster,
        )
        if login is None:
            raise NotFound(f"There is no runner of {site}.")
        await connection.execute(f"ALTER ROLE {login} NOLOGIN")
        await connection.execute(f"DROP ROLE {login}")
        await told(connection, tenant, actor, "runner.remove", site)


@asynccontextmanager
async def owner(dsn: str) -> AsyncIterator[Connection]:
    """One transaction as the owner."""
    async with answering():
        connection = await asyncpg.connect(dsn, timeout=10, command_timeout=10)
        try:
            async with connection.transaction():
                yield connection
        finally:
            await connection.close(timeout=5)


async def told(connection: Connection, tenant: str, actor: Actor, action: str, site: Site) -> None:
    """The audit knows who made and who ended it."""
    event = AuditEvent(actor=actor, action=action, subject=f"runner:{site}", decision="allow")
    await PostgresAudit(connection, tenant).record(event)


def login_name(site: Site) -> str:
    """`carapulse_runner_prod_eu_1_0f3a9c21`: logins are the server's, which has more databases."""
    text = f"carapulse_runner_{site.environment}_{site.cluster}".lower()
    return f"{re.sub(r'[^a-z0-9_]', '_', text)[:LONGEST]}_{token_hex(4)}"


def in_place_of(dsn: str, login: str, password: str, database: str) -> str:
    """The owner's address with another login in it."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(login)}:{quote(password)}@{place}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{quote(database)}"))
