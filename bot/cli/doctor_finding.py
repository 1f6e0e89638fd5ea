"""One line of what `carapulse doctor` says."""

from dataclasses import dataclass
from enum import StrEnum

CLOCKS_APART = 2.0


class Level(StrEnum):
    """Only a failure makes the command fail; a warning is something to know."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in an area, and how to mend it; nothing to mend where all is well."""

    level: Level
    area: str
    found: str
    mend: str = ""


def ok(area: str, found: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, area, found)


def warn(area: str, found: str, mend: str) -> Finding:
    """It works, with something missing."""
    return Finding(Level.WARN, area, found, mend)


def fail(area: str, found: str, mend: str) -> Finding:
    """It can't work."""
    return Finding(Level.FAIL, area, found, mend)


def clock(area: str, whose: str, ahead: float, *, exact: float = 0.0) -> Finding:
    """Compare another clock with this machine's; `exact` is the step in which it tells time."""
    apart = max(0.0, abs(ahead) - exact)
    if apart <= CLOCKS_APART:
        return ok(area, f"{whose} clock and this machine's are within {CLOCKS_APART:g} s")
    side = "ahead of" if ahead > 0 else "behind"
    return fail(
        area,
        f"{whose} clock is {apart:.0f} s {side} this machine's",
        "Let both follow a time server: approvals expire and leases end by these clocks.",
    )
