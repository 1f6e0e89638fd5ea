"""Times in the reader's zone, and spans of time in words."""

from datetime import UTC, datetime, timedelta

AT_ONCE = "under 1 s"


def time(moment: datetime) -> str:
    """`14:09` for whoever reads it; UTC where the client can't convert."""
    return time_of(int(moment.timestamp()))


def time_of(unix: int) -> str:
    """The same from seconds since 1970."""
    return stamp(unix, "{time}", "%H:%M UTC")


def second(moment: datetime) -> str:
    """`14:09:31` for whoever reads it."""
    return stamp(int(moment.timestamp()), "{time_secs}", "%H:%M:%S UTC")


def day_and_time(moment: datetime) -> str:
    """`today at 18:05`, or the date where it is not near."""
    return when(int(moment.timestamp()))


def when(unix: int) -> str:
    """The same from seconds since 1970."""
    return stamp(unix, "{date_short_pretty} at {time}", "%Y-%m-%d at %H:%M UTC")


def stamp(unix: int, form: str, fallback: str) -> str:
    """Slack's date markup with its fallback."""
    return f"<!date^{unix}^{form}|{datetime.fromtimestamp(unix, UTC).strftime(fallback)}>"


def span(seconds: float) -> str:
    """`under 1 s`, `31 s`, `1 min 12 s`, `4 h`, `2 days`."""
    whole = max(0, round(seconds))
    if not whole:
        return AT_ONCE
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    if whole < 48 * 3600:
        hours, rest = divmod(whole // 60, 60)
        return f"{hours} h" + (f" {rest} min" if rest else "")
    return f"{whole // 86400} days"


def between(start: datetime | None, end: datetime | None) -> str:
    """The span between two moments; empty when one is unknown."""
    if start is None or end is None:
        return ""
    return span(max(end - start, timedelta()).total_seconds())
