"""All checks of `carapulse doctor`, in the order in which they are told."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path

from bot.cli import (
    doctor_identity,
    doctor_machine,
    doctor_outside,
    doctor_rules,
    doctor_runners,
    doctor_secrets,
    doctor_slack,
    doctor_stores,
)
from bot.cli.doctor_finding import Finding, fail, ok
from bot.cli.records import UP_FILE, environment
from engine.errors import ConfigurationError
from engine.settings import Settings
from engine.variables import is_ours

Check = Callable[[Settings], Awaitable[list[Finding]]]
CHECKS: tuple[Check, ...] = (
    doctor_slack.slack,
    doctor_stores.database,
    doctor_stores.temporal,
    doctor_runners.runners,
    doctor_stores.redis,
    doctor_rules.policy,
    doctor_rules.keys,
    doctor_rules.directory,
    doctor_identity.identity,
    doctor_outside.linear,
    doctor_outside.pagerduty,
    doctor_rules.tools,
    doctor_secrets.secrets,
    doctor_machine.git,
    doctor_machine.sandbox,
    doctor_rules.model,
    doctor_machine.disk,
)


# They hold the loop while they load: whoever waits for an answer meanwhile would wait in vain.
COMPUTING: frozenset[Check] = frozenset(
    {
        doctor_rules.policy,
        doctor_rules.keys,
        doctor_rules.directory,
        doctor_rules.tools,
        doctor_rules.model,
    }
)


async def examine(folder: Path) -> list[Finding]:
    """Run every check on the settings of the environment, or of what is up in the folder."""
    try:
        settings, whose = read_settings(folder)
    except ConfigurationError as error:
        mend = "Correct the name or value; `carapulse doctor --settings` lists them all."
        return [fail("settings", str(error), mend)]
    understood = ok("settings", f"every name and value is understood{whose}")
    return [understood, *await visits(settings, CHECKS, COMPUTING)]


async def visits(
    settings: Settings, checks: Sequence[Check], computing: Collection[Check]
) -> list[Finding]:
    """First what computes, then side by side what waits for others; told as `checks` stand."""
    found = {check: await one(check, settings) for check in checks if check in computing}
    async with asyncio.TaskGroup() as group:
        waiting = {
            check: group.create_task(one(check, settings))
            for check in checks
            if check not in computing
        }
    found |= {check: task.result() for check, task in waiting.items()}
    return [finding for check in checks for finding in found[check]]


async def one(check: Check, settings: Settings) -> list[Finding]:
    """One check; what it could not even begin with is a finding too."""
    try:
        return await check(settings)
    except ConfigurationError as error:
        return [fail(check.__name__, str(error), "Correct the settings that are named.")]


def read_settings(folder: Path) -> tuple[Settings, str]:
    """Those of the environment, over those of what is up in the folder where there is no database.

    Beside them whose they are, to be told.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    ours, file = Settings.load(), folder / UP_FILE
    if ours.postgres.dsn.get_secret_value() or not file.is_file():
        return ours, ""
    up = environment(file.read_text(encoding="utf-8"))
    said = f"; they are those of `carapulse up` in {folder}"
    if changed := over(ours.variables, up):
        said += f", with {', '.join(changed)} of the environment over them"
    return Settings.load(under=up), said


def over(environ: Mapping[str, str], up: Mapping[str, str]) -> list[str]:
    """The variables of ours that say something else than `up` does."""
    return sorted(
        name for name, value in environ.items() if is_ours(name) and up.get(name) != value
    )
