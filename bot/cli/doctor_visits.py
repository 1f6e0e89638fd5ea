"""All checks of `carapulse doctor`, side by side, in the order in which they are told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.cli import doctor_machine, doctor_rules, doctor_slack, doctor_stores
from bot.cli.doctor_finding import Finding, fail, ok
from bot.cli.records import configured
from engine.errors import ConfigurationError
from engine.settings import Settings

Check = Callable[[Settings], Awaitable[list[Finding]]]
CHECKS: tuple[Check, ...] = (
    doctor_slack.slack,
    doctor_stores.database,
    doctor_stores.temporal,
    doctor_stores.redis,
    doctor_rules.policy,
    doctor_rules.keys,
    doctor_rules.directory,
    doctor_rules.tools,
    doctor_machine.git,
    doctor_machine.sandbox,
    doctor_rules.model,
    doctor_machine.disk,
)


async def examine(folder: Path) -> list[Finding]:
    """Run every check on the settings of the environment, or of what is up in the folder."""
    try:
        settings = read_settings(folder)
    except ConfigurationError as error:
        mend = "Correct the name or value; `carapulse doctor --settings` lists them all."
        return [fail("settings", str(error), mend)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(check, settings)) for check in CHECKS]
    found = [finding for task in tasks for finding in task.result()]
    return [ok("settings", "every name and value is understood"), *found]


async def one(check: Check, settings: Settings) -> list[Finding]:
    """One check; what it could not even begin with is a finding too."""
    try:
        return await check(settings)
    except ConfigurationError as error:
        return [fail(check.__name__, str(error), "Correct the settings that are named.")]


def read_settings(folder: Path) -> Settings:
    """Those of the environment, with those of what is up in the folder where there is no database.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    Settings.load()
    try:
        return configured(folder)
    except ConfigurationError:
        return Settings.load()
