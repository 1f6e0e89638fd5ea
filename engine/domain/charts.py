"""Numbers over time and lists of things, as evidence holds them: what a chart or a table shows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from engine.domain.draft import Evidence
from engine.domain.expectation import RATIO
from engine.domain.model import Model

# Points that are nearer to each other would have one name on the axis.
SAME = timedelta(seconds=1)
FEWEST = 3
PERCENT = "%"
COMMITS = ("git", "log")
COLUMNS = ("Commit", "What", "Who", "When")


class Point(Model):
    """A value at a moment."""

    at: datetime
    value: Decimal


class Chart(Model):
    """How a number went. A share is told in per cent; `number` is the evidence that holds it."""

    number: int
    title: str
    unit: str
    points: tuple[Point, ...]

    @property
    def lowest(self) -> Decimal:
        return min(point.value for point in self.points)

    @property
    def highest(self) -> Decimal:
        return max(point.value for point in self.points)

    @property
    def last(self) -> Decimal:
        return self.points[-1].value

    def thinned(self, most: int) -> tuple[Point, ...]:
        """At most so many points; of those that fall together the highest stands for all."""
        size = -(-len(self.points) // most)
        groups = [self.points[at : at + size] for at in range(0, len(self.points), size)]
        return tuple(max(group, key=lambda point: point.value) for group in groups)


class Table(Model):
    """Rows under a header; `number` is the evidence that they come from, 0 when from none."""

    number: int
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def chart(evidence: Evidence) -> Chart | None:
    """The course that a read tells in times and values; None when it tells none."""
    if not evidence.ok:
        return None
    times, values = evidence.facts.get("times", ""), evidence.facts.get("values", "")
    # What is too long for a fact loses its oldest ones, so both are read from their end.
    pairs = zip(reversed(times.split()), reversed(values.split()), strict=False)
    share = evidence.unit == RATIO
    points = [found for when, value in pairs if (found := _point(when, value, share=share))]
    if not points:
        return None
    unit = PERCENT if share else evidence.unit
    return Chart(
        number=evidence.number,
        title=evidence.title,
        unit=unit,
        points=tuple(sorted(points, key=lambda point: point.at)),
    )


def table(evidence: Evidence) -> Table | None:
    """The table of a read that tells one; commits are known, newest first."""
    if not evidence.ok or (evidence.tool, evidence.action) != COMMITS:
        return None
    rows = [found for line in evidence.body.splitlines() if (found := _commit(line))]
    if len(rows) < 2:
        return None
    return Table(
        number=evidence.number, caption=evidence.title, header=COLUMNS, rows=tuple(rows[:10])
    )


def charts(evidence: Sequence[Evidence]) -> tuple[Chart, ...]:
    """Every course that is worth drawing: one that never moves is told in words.

    Its last point may be a step old, so the value that was read beside it is put at its end.
    """
    found = [_ended(one, each, evidence) for each in evidence if (one := chart(each))]
    return tuple(one for one in found if len(one.points) >= FEWEST and one.lowest != one.highest)


def _ended(course: Chart, read: Evidence, beside: Sequence[Evidence]) -> Chart:
    """The course up to the newest value that was read by the same query."""
    query, unit = str(read.input.get("query", "")), RATIO if course.unit == PERCENT else course.unit
    last = course.points[-1].at
    later = [
        point
        for one in beside
        if one.ok and one.unit == unit and _same(str(one.input.get("query", "")), query)
        if (point := _value(one)) and point.at - last >= SAME
    ]
    newest = sorted(later, key=lambda point: point.at)[-1:]
    return course.model_copy(update={"points": (*course.points, *newest)})


def _same(single: str, course: str) -> bool:
    """Whether a query is that of a course, which may round it."""
    return bool(single) and (course == single or course.startswith(f"round({single},"))


def _value(evidence: Evidence) -> Point | None:
    value = evidence.facts.get("value", "")
    return _point(str(evidence.at.timestamp()), value, share=evidence.unit == RATIO)


def shown(value: Decimal, unit: str) -> str:
    """`37 %`, `0.4 %`, `12 ms`: three digits are enough for people."""
    text = f"{value:.0f}" if abs(value) >= 100 else f"{float(value):.2g}"
    return f"{text} {unit}".strip()


def course(chart: Chart) -> str:
    """`between 0.2 % and 37 %, 37 % at its end`."""
    unit = chart.unit
    if chart.lowest == chart.highest:
        return shown(chart.last, unit) + (" all the time" if len(chart.points) > 1 else "")
    low, high, last = (shown(one, unit) for one in (chart.lowest, chart.highest, chart.last))
    return f"between {low} and {high}, {last} at its end"


def _point(when: str, value: str, *, share: bool) -> Point | None:
    try:
        at, number = float(when), Decimal(value)
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, InvalidOperation, OverflowError, OSError):
        return None
    if not number.is_finite():
        return None
    return Point(at=moment, value=number * 100 if share else number)


def _commit(line: str) -> tuple[str, ...] | None:
    """`HASH<tab>author<tab>time<tab>subject`, as the log's format says."""
    parts = line.split("\t", 3)
    if len(parts) != 4 or not all(each in "0123456789abcdef" for each in parts[0]):
        return None
    commit, author, at, subject = parts
    return commit[:7], subject[:120], author[:60], at[:16].replace("T", " ")
