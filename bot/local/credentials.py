"""What `up` hands to people and programs: tokens and settings in files of its secrets folder."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bot.local.folder import write_private
from engine.secrets.links import new_key
from engine.secrets.tokens import make_token, token_hash
from engine.store.connection import open_pool
from engine.store.unit import PostgresStore

ENVIRONMENT = "environment"
SERVICE_TOKEN = "service-token"  # noqa: S105 - a file's name
LINK_KEYS = "artifact-link-keys"
SERVICE_NAME = "up"
SCOPES = (
    "plan.read",
    "plan.create",
    "freeze.read",
    "freeze.write",
    "execution.read",
    "execution.operate",
    "audit.read",
    "tool.read",
    "tool.run",
)
LIBRARY_SCOPES = tuple(
    f"{noun}.{verb}"
    for noun in ("runbook", "playbook", "memory", "session", "workflow")
    for verb in ("read", "write")
)
SECONDS = 10.0


def kept_token(file: Path) -> Path:
    """Return a file with a random token, made when it is missing."""
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32))
    return file


def link_keys(folder: Path) -> Path:
    """Return the file with the key that signs links to artifacts, made when it is missing."""
    file = folder / LINK_KEYS
    if not file.exists():
        write_private(file, new_key())
    return file


async def service_token(folder: Path, dsn: str, tenant: str) -> Path:
    """Return the file with a token for `/v1`; the database gets its hash alone.

    Raises `Unavailable`.
    """
    file = folder / SERVICE_TOKEN
    if not file.exists():
        write_private(file, make_token())
    pool = await open_pool(dsn, size=2, statement_timeout=SECONDS, connect_timeout=SECONDS)
    try:
        async with PostgresStore(pool, tenant).begin() as unit:
            await unit.tokens.add(
                SERVICE_NAME, token_hash(file.read_text()), (*SCOPES, *LIBRARY_SCOPES)
            )
    finally:
        await pool.close()
    return file


@contextmanager
def told_environment(folder: Path, env: Mapping[str, str]) -> Iterator[None]:
    """Write down what the processes are told, for other commands, for as long as they run."""
    file = folder / ENVIRONMENT
    write_private(file, "".join(f"{name}={value}\n" for name, value in sorted(env.items())))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
