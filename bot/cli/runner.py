"""`carapulse runner`: logins for workers next to a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.settings import Settings

runner = App(name="runner", help="Make, list and remove runners: workers next to one cluster.")

COLUMNS = ("runner", "alive", "heard", "login")


@runner.command
async def create(site: str) -> None:
    """Make the login of a place's runners and print, once, what they need.

    From then on the calls of this place go to its runners and wait while there is none. Needs
    CARAPULSE_POSTGRES__OWNER_DSN.

    Args:
        site: environment and cluster, such as prod/eu-1.
    """
    from bot.cli.token import myself
    from engine.domain.site import Site
    from engine.store.runner_logins import make_login

    settings, place = owned(), Site.parse(site)
    owner_dsn = settings.postgres.owner_dsn.get_secret_value()
    dsn = await make_login(owner_dsn, settings.tenant, place, myself())
    print("\n".join(needed(settings, place, dsn)))  # noqa: T201 - the command's answer


@runner.command(name="list")
async def listed(*, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List the places that have runners of their own, and how many are alive.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import shown
    from bot.cli.records import open_records

    async with open_records(folder) as views, views.store.begin() as unit:
        found = await unit.runners.listed()
    rows = [
        {
            "runner": str(one.site),
            "alive": str(one.alive),
            "heard": one.heard_at.isoformat(timespec="seconds") if one.heard_at else "never",
            "login": one.login,
        }
        for one in found
    ]
    print(shown(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer


@runner.command
async def remove(site: str) -> None:
    """End the login of a place's runners; the worker makes its calls again.

    Needs CARAPULSE_POSTGRES__OWNER_DSN.

    Args:
        site: environment and cluster, such as prod/eu-1.
    """
    from bot.cli.token import myself
    from engine.domain.site import Site
    from engine.store.runner_logins import remove_login

    settings, place = owned(), Site.parse(site)
    owner_dsn = settings.postgres.owner_dsn.get_secret_value()
    await remove_login(owner_dsn, settings.tenant, place, myself())
    print(f"{place} has no runners any more.")  # noqa: T201 - the command's answer


def owned() -> "Settings":
    """Settings with the owner's address, of an engine that can have runners."""
    from engine.errors import ConfigurationError
    from engine.settings import Settings

    settings = Settings.load()
    if settings.engine == "direct":
        raise ConfigurationError(
            "The direct engine has no runners: nothing would bring them their work. Set "
            "CARAPULSE_ENGINE=temporal."
        )
    if not settings.postgres.owner_dsn.get_secret_value():
        raise ConfigurationError("Set CARAPULSE_POSTGRES__OWNER_DSN to the owner's address.")
    return settings


def needed(settings: "Settings", site: object, dsn: str) -> list[str]:
    """What a runner's environment has to say; its tools' connections are its own."""
    temporal = settings.temporal
    return [
        f"# carapulse worker --tools {site}",
        f"CARAPULSE_TENANT={settings.tenant}",
        f"CARAPULSE_POSTGRES__DSN={dsn}",
        f"CARAPULSE_TEMPORAL__ADDRESS={temporal.address}",
        f"CARAPULSE_TEMPORAL__NAMESPACE={temporal.namespace}",
        "# A copy of the gate's public keys, and the tools and rules of this deployment:",
        "CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER=",
        "# CARAPULSE_TOOLS__FOLDER=  CARAPULSE_POLICY__FOLDER=  CARAPULSE_POLICY__OPA_URL=",
        "# What its own cluster's tools log in with: CARAPULSE_TOOLS__CONNECTIONS__<tool>__...",
    ]
