"""Ends of a time as people write them: `18:00`, `2026-12-24`, `2026-12-24 18:00`, `2h`, `3d`."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?=\s|$)")
DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}))?(?=\s|$)")
SPAN = re.compile(r"(\d{1,4})\s*(min|m|h|d)(?=\s|$)", re.IGNORECASE)
UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


def until(text: str, now: datetime, timezone: str) -> tuple[datetime, str]:
    """The end that the text begins with, in UTC, and what follows it.

    A time of day is the next one, a date alone lasts to the end of its day; both are in `timezone`.
    Raises `ValueError` for what is none.
    """
    zone = ZoneInfo(timezone)
    if found := CLOCK.match(text):
        here = now.astimezone(zone)
        at = here.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        end = at if at > here else at + timedelta(days=1)
    elif found := DATE.match(text):
        day = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}").replace(tzinfo=zone)
        end = day if found[2] else day + timedelta(days=1)
    elif found := SPAN.match(text):
        end = now + timedelta(**{UNITS[found[2].lower()]: int(found[1])})
    else:
        raise ValueError("no time")
    return end.astimezone(UTC), text[found.end() :].strip()
