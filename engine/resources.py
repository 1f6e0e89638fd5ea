"""Finds what ships with Carapulse: prompts, policies, migrations, scenarios, the manifest."""

from pathlib import Path
from typing import Literal

from engine.errors import ConfigurationError

Shipped = Literal["prompts", "policies", "migrations", "evals", "deploy"]

ENGINE = Path(__file__).parent


def shipped(name: Shipped) -> Path:
    """Return the folder `name`: inside the package when installed, at the top of a checkout.

    Raises:
        ConfigurationError: the installation is incomplete.
    """
    for candidate in (ENGINE / "shipped" / name, ENGINE.parent / name):
        if candidate.is_dir():
            return candidate
    raise ConfigurationError(f"The {name} folder is missing from this installation. Reinstall it.")
