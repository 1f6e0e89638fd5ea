"""Looks at the places that have runners of their own."""

from bot.cli.doctor_finding import Finding, fail, ok, warn
from engine.domain.site import Served
from engine.errors import Unavailable
from engine.settings import Settings
from engine.store.health import runners_of


async def runners(settings: Settings) -> list[Finding]:
    """Whether each is alive; nothing is said where there are none, or no database answers."""
    found = await served(settings)
    if found and settings.engine == "direct":
        names = ", ".join(str(one.site) for one in found)
        mend = "Set CARAPULSE_ENGINE=temporal, or end them: carapulse runner remove."
        return [fail("runners", f"the direct engine brings no work to {names}", mend)]
    return [finding(one) for one in found]


async def served(settings: Settings) -> list[Served]:
    """Those that the database knows; a database that is away is told by its own check."""
    postgres = settings.postgres
    dsn = postgres.dsn.get_secret_value()
    try:
        timeout = postgres.connect_timeout_seconds
        return await runners_of(dsn, settings.tenant, timeout=timeout) if dsn else []
    except Unavailable:
        return []


def finding(one: Served) -> Finding:
    """One place."""
    if one.alive:
        lives = "1 is" if one.alive == 1 else f"{one.alive} are"
        return ok("runners", f"{one.site}: {lives} alive")
    heard = f"{one.heard_at:%Y-%m-%d %H:%M} UTC" if one.heard_at else "never"
    return warn(
        "runners",
        f"{one.site}: no runner serves it, last heard: {heard}; its steps wait",
        f"Start one next to it: carapulse worker --tools {one.site}",
    )
