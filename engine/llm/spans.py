"""How long: "for 2h", "for half an hour", "for the next 30 minutes"."""

import re

from engine.llm.amounts import COUNT
from engine.llm.grammar import Segment

UNIT = r"minutes?|mins?|min|m|hours?|hrs?|hr|h|days?|d|weeks?|w"
WORDS = "|".join(sorted(COUNT, key=len, reverse=True))
LASTS = re.compile(
    rf"(?<!\S)(?:(?P<some>half an|half a|a couple of|an|a|{WORDS})|(?P<count><num>|\d+[dw]))"
    rf"(?: (?P<unit>{UNIT}))?(?!\S)(?P<half> and a half)?"
)
GLUED = re.compile(r"(\d{1,4}(?:\.\d)?)([a-z]*)")
MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10080}
SOME = {"half an": 0.5, "half a": 0.5, "a couple of": 2.0, "an": 1.0, "a": 1.0}
MOST_MINUTES, MOST_HOURS, WEEK = 999, 99, 7 * 1440


def span(segment: Segment) -> str:
    """`30m`, `2h`, `1d`; empty where no time is told, or none that can be had."""
    for match in LASTS.finditer(segment.text):
        unit = (match["unit"] or "")[:1]
        if match["some"]:
            count = SOME.get(match["some"]) or float(COUNT.get(match["some"], 0))
        else:
            told = GLUED.fullmatch(segment.at(match, "count").casefold())
            count, unit = (float(told[1]), told[2][:1] or unit) if told else (0.0, "")
        if unit in MINUTES and count:
            return written((count + (0.5 if match["half"] else 0)) * MINUTES[unit])
    return ""


def written(minutes: float) -> str:
    """As Alertmanager takes it; empty for what is more than a week."""
    whole = round(minutes)
    if whole % 1440 == 0 and 0 < whole <= WEEK:
        return f"{whole // 1440}d"
    if whole % 60 == 0 and 0 < whole // 60 <= MOST_HOURS:
        return f"{whole // 60}h"
    return f"{whole}m" if 0 < whole <= MOST_MINUTES else ""
