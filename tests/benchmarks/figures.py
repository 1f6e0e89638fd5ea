"""What is measured: samples in pairs of floor and product, their ratio, and how it is printed."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

QUIET_SHARE = 0.2
"""Cores that others may use before a pair counts as disturbed."""
ENOUGH_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Samples:
    """What one side gave in one turn; `foreign` are the cores that others kept busy meanwhile."""

    values: Sequence[float]
    foreign: float = 0.0
    tail: float | None = None
    """The turn's own tail, where `values` are whole turns (a rate and the p99 behind it)."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def percentile(values: Iterable[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a ratio should be: at most for times, at least for rates.

    With `tail` it is the product's own p95 or p99, in its unit, that should be at most so much.
    """

    value: float
    at_least: bool = False
    tail: bool = False

    def met(self, ratio: float) -> bool:
        return ratio >= self.value if self.at_least else ratio <= self.value

    def __str__(self) -> str:
        unit = " tail" if self.tail else "x"
        return f"{'>=' if self.at_least else '<='} {self.value:g}{unit}"


@dataclass(slots=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    aim: Aim | None
    against: str
    pairs: list[tuple[Samples, Samples]] = field(default_factory=list)

    @property
    def counted(self) -> list[tuple[Samples, Samples]]:
        """Pairs that nobody disturbed, or all where there are too few of those."""
        quiet = [pair for pair in self.pairs if foreign_of(pair) <= QUIET_SHARE]
        return quiet if len(quiet) >= ENOUGH_PAIRS else self.pairs

    @property
    def disturbed(self) -> bool:
        return any(foreign_of(pair) > QUIET_SHARE for pair in self.counted)

    @property
    def foreign(self) -> float:
        return statistics.median(foreign_of(pair) for pair in self.counted)

    @property
    def ratio(self) -> float:
        return statistics.median(product.median / floor.median for floor, product in self.counted)

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return "-"
        measured = self.side(1)[1] if self.aim.tail else self.ratio
        return "ok" if self.aim.met(measured) else "missed"

    def side(self, index: int) -> tuple[float, float]:
        """Median and tail of one side over all counted pairs."""
        turns = [pair[index] for pair in self.counted]
        tails = [turn.tail for turn in turns if turn.tail is not None]
        values = [value for turn in turns for value in turn.values]
        if tails:
            return statistics.median(values), statistics.median(tails)
        bad = 0.05 if self.unit.endswith("/s") else 0.99 if len(values) >= 200 else 0.95
        return statistics.median(values), percentile(values, bad)


def foreign_of(pair: tuple[Samples, Samples]) -> float:
    return max(pair[0].foreign, pair[1].foreign)


HEADER = (
    "figure",
    "unit",
    "floor",
    "p95/99",
    "product",
    "p95/99",
    "ratio",
    "aim",
    "",
    "foreign",
    "pairs",
)


def cells(row: Row) -> tuple[str, ...]:
    """A row as text."""
    floor, product = row.side(0), row.side(1)
    mark = "*" if row.disturbed else ""
    return (
        row.name,
        row.unit,
        short(floor[0]),
        short(floor[1]),
        short(product[0]),
        short(product[1]),
        f"{row.ratio:.2f}x",
        str(row.aim or "-"),
        row.verdict,
        f"{row.foreign:.2f}{mark}",
        f"{len(row.counted)}/{len(row.pairs)}",
    )


def table(rows: Sequence[Row]) -> str:
    """All rows, aligned."""
    lines = [HEADER, *(cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEADER))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def short(value: float) -> str:
    """Three digits that matter."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def record(row: Row) -> dict[str, object]:
    """A row as the results file keeps it: every pair, also those that did not count."""
    floor, product = row.side(0), row.side(1)
    return {
        "name": row.name,
        "unit": row.unit,
        "against": row.against,
        "floor": {"median": floor[0], "tail": floor[1]},
        "product": {"median": product[0], "tail": product[1]},
        "ratio": row.ratio,
        "aim": str(row.aim or ""),
        "verdict": row.verdict,
        "disturbed": row.disturbed,
        "pairs": [
            {
                "floor": one[0].median,
                "product": one[1].median,
                "n": [len(one[0].values), len(one[1].values)],
                "foreign": round(foreign_of(one), 3),
            }
            for one in row.pairs
        ],
    }


def append(file: Path, record_: dict[str, object]) -> None:
    """Add one JSON line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        write(out, record_)


def write(out: TextIO, record_: dict[str, object]) -> None:
    """One JSON line."""
    out.write(json.dumps(record_) + "\n")
