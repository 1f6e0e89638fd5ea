"""Opens the records for reading, where they are."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bot.cli.up import DEFAULT_FOLDER
from engine.directory.nobody import Nobody
from engine.errors import ConfigurationError
from engine.services.views import Views
from engine.settings import Settings
from engine.store.connection import open_pool
from engine.store.unit import PostgresStore

UP_FILE = Path("secrets") / "environment"


@asynccontextmanager
async def open_records(folder: Path = DEFAULT_FOLDER) -> AsyncIterator[Views]:
    """The configured database; without one, that of the `carapulse up` that runs in `folder`."""
    settings = configured(folder)
    postgres = settings.postgres
    pool = await open_pool(
        postgres.dsn.get_secret_value(),
        size=2,
        statement_timeout=postgres.statement_timeout_seconds,
        connect_timeout=postgres.connect_timeout_seconds,
    )
    try:
        store = PostgresStore(pool, settings.tenant)
        yield Views(store, Nobody())
    finally:
        await pool.close()


def configured(folder: Path = DEFAULT_FOLDER) -> Settings:
    """Settings of the environment, or those that `carapulse up` wrote down for its processes."""
    settings = Settings.load()
    if settings.postgres.dsn.get_secret_value():
        return settings
    file = folder / UP_FILE
    if not file.is_file():
        raise ConfigurationError(
            f"No database is configured and nothing is up in {folder}. Set "
            "CARAPULSE_POSTGRES__DSN, start `carapulse up`, or name its folder with --folder."
        )
    return Settings.load(over=environment(file.read_text()))


def environment(text: str) -> Mapping[str, str]:
    """Lines `NAME=value`."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs}
