"""When changes may not start: freezes that people set, and windows of the settings."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints, field_validator, model_validator

from engine.domain.context import ContextRef
from engine.domain.ids import FreezeId, PersonId, Tenant
from engine.domain.model import Model
from engine.domain.text import storable

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Scope = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,62})?$")]
WEEK = 8


class HoldKind(StrEnum):
    """What holds a change."""

    FREEZE = "freeze"
    WINDOW = "window"


class Hold(Model):
    """One reason why a change must wait, as a sentence; without an `until` a person ends it."""

    kind: HoldKind
    text: str
    until: datetime | None = None


class FreezeWords(Model):
    """What somebody says who sets a freeze; an empty environment or service is all of them."""

    environment: Scope = ""
    service: Scope = ""
    reason: Reason
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _aware(cls, given: datetime | None) -> datetime | None:
        if given is not None and given.tzinfo is None:
            raise ValueError("needs a time zone, as in 2026-11-22T18:00:00Z")
        return given


class Freeze(Model):
    """Nobody's changes to this start while it is in force; times are UTC."""

    id: FreezeId
    tenant: Tenant
    environment: str = ""
    service: str = ""
    reason: str
    set_by: PersonId
    set_by_name: str
    starts_at: datetime
    ends_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by_name: str = ""

    def covers(self, context: ContextRef) -> bool:
        """Whether a change there is held by it."""
        here = self.environment in ("", context.environment)
        return here and self.service in ("", context.service)

    def in_force(self, now: datetime) -> bool:
        """Whether it holds changes now."""
        ended = self.ends_at is not None and self.ends_at <= now
        return self.lifted_at is None and self.starts_at <= now and not ended

    def over(self, now: datetime) -> bool:
        """Whether it will never hold anything again."""
        return self.lifted_at is not None or (self.ends_at is not None and self.ends_at <= now)

    @property
    def what(self) -> str:
        """`Changes to checkout in prod`, or all of them."""
        service = f" to {self.service}" if self.service else ""
        place = f" {'in' if service else 'to'} {self.environment}" if self.environment else ""
        return f"Changes{service}{place}" if service or place else "All changes"

    @property
    def hold(self) -> Hold:
        """As a sentence: `Changes to prod are frozen until 18:00, by Ann: release day`."""
        until = when(self.ends_at) if self.ends_at else "somebody lifts the freeze"
        who, why = inert(self.set_by_name, 80), inert(self.reason, 300).rstrip(".")
        text = f"{self.what} are frozen until {until}, by {who}: {why}."
        return Hold(kind=HoldKind.FREEZE, text=text, until=self.ends_at)

    @property
    def coming(self) -> str:
        """The same before it has begun."""
        return f"From {when(self.starts_at)} on: {self.hold.text}"


class Day(StrEnum):
    """Days of the week, in the order of Python's."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


DAYS = tuple(Day)


class Window(Model):
    """Hours in which changes may start; where several cover a change, one that is open is enough.

    `hours` such as `09:00-17:00`; an end at or before the start is on the next day. Empty
    `environments` or `services` are all of them; an empty `timezone` is that of the settings.
    """

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    hours: Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d-\d\d:\d\d$")]
    timezone: str = ""
    environments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            _ = self.begins, self.ends
            ZoneInfo(self.timezone or "UTC")
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise ValueError(f"is no window: {error}") from None
        return self

    @property
    def begins(self) -> time:
        """When it opens, in its own time zone."""
        return time.fromisoformat(self.hours[:5])

    @property
    def ends(self) -> time:
        """When it closes."""
        return time.fromisoformat(self.hours[6:])

    def covers(self, context: ContextRef) -> bool:
        """Whether a change there has to wait for it."""
        here = not self.environments or context.environment in self.environments
        return here and (not self.services or context.service in self.services)

    def spans(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """Its next openings, oldest first; the first may be open now."""
        zone = ZoneInfo(self.timezone or "UTC")
        today = now.astimezone(zone).date()
        found = [self._span(today + timedelta(days=n), zone) for n in range(-1, WEEK)]
        return [span for span in found if span is not None and span[1] > now]

    def turned(self, since: datetime, now: datetime) -> bool:
        """Whether it has opened or closed in the meantime."""
        return any(since < edge <= now for span in self.spans(since) for edge in span)

    def _span(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        if DAYS[day.weekday()] not in self.days:
            return None
        last = day if self.ends > self.begins else day + timedelta(days=1)
        first = datetime.combine(day, self.begins, zone).astimezone(UTC)
        return first, datetime.combine(last, self.ends, zone).astimezone(UTC)

    @property
    def told(self) -> str:
        """`mon, tue 09:00-17:00 (Europe/Berlin)`."""
        days = "" if len(set(self.days)) == len(DAYS) else ", ".join(self.days) + " "
        return f"{days}{self.hours} ({self.timezone or 'UTC'})"

    @property
    def rule(self) -> str:
        """`Changes to checkout in prod start only 09:00-17:00 (UTC).`, for lists."""
        services, places = ", ".join(self.services), ", ".join(self.environments)
        to, where = f" to {services}" if services else "", f" in {places}" if places else ""
        return f"Changes{to}{where} start only {self.told}."


def closed(windows: Sequence[Window], context: ContextRef, now: datetime) -> Hold | None:
    """What says that no window is open for a change there; None where it may start."""
    mine = [window for window in windows if window.covers(context)]
    nexts = [span for window in mine for span in window.spans(now)[:1]]
    if not nexts or any(first <= now for first, _ in nexts):
        return None
    opens = min(first for first, _ in nexts)
    where = " in ".join(filter(None, (context.service, context.environment)))
    hours = " or ".join(window.told for window in mine[:3])
    text = f"Changes to {where} start only {hours}; next at {when(opens)}."
    return Hold(kind=HoldKind.WINDOW, text=text, until=opens)


def when(moment: datetime) -> str:
    """A token: the chat surface shows day and time in the reader's zone."""
    return f"{{@when:{int(moment.timestamp())}}}"


def inert(text: str, limit: int) -> str:
    """Somebody's words inside a sentence of ours: on one line, without our tokens."""
    return " ".join(storable(text).split())[:limit].replace("{@", "{ @")
