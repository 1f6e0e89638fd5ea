"""`carapulse migrate`: bring the database schema up to date, as the owner."""

from engine.errors import ConfigurationError


async def migrate() -> None:
    """Apply the migrations that the database lacks.

    Needs CARAPULSE_POSTGRES__OWNER_DSN: the application's own role may not change the schema.
    """
    from engine.settings import Settings
    from engine.store import migrations

    owner_dsn = Settings.load().postgres.owner_dsn.get_secret_value()
    if not owner_dsn:
        raise ConfigurationError("Set CARAPULSE_POSTGRES__OWNER_DSN to the owner's address.")
    applied = await migrations.migrate(owner_dsn)
    for name in applied:
        print(f"applied {name}")  # noqa: T201 - the command's answer
    if not applied:
        print("The schema is up to date.")  # noqa: T201 - the command's answer
