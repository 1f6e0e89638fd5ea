"""Numbers over time and lists, as Slack draws them; and the same as words where it does not."""

from datetime import timedelta
from itertools import pairwise

from bot.blocks.parts import Block, rich, verbatim
from bot.blocks.text import line, one_line, shorten
from engine.domain.charts import Chart, Point, Table

POINTS = 20
TITLE = 50
LABEL = 20
CELL = 120
CHART, TABLE = "data_visualization", "data_table"
DRAWN = frozenset({CHART, TABLE})


def drawn(chart: Chart) -> Block:
    """A line with at most 20 points, which is Slack's limit; each is the highest of its time."""
    points = chart.thinned(POINTS)
    labels = named(points)
    data = [
        {"label": label, "value": round(float(point.value), 4)}
        for label, point in zip(labels, points, strict=True)
    ]
    series = {"name": shorten(chart.unit or "value", LABEL), "data": data}
    axes = {"categories": labels, "x_label": "Time (UTC)"}
    if chart.unit:
        axes["y_label"] = one_line(chart.unit, TITLE)
    title = one_line(f"[{chart.number}] {chart.title}", TITLE)
    inside = {"type": "line", "series": [series], "axis_config": axes}
    return {"type": CHART, "title": title, "chart": inside}


def named(points: tuple[Point, ...]) -> list[str]:
    """Times of the day; with seconds where minutes would name two points alike."""
    near = any(later.at - earlier.at < timedelta(minutes=1) for earlier, later in pairwise(points))
    form = "%H:%M:%S" if near else "%H:%M"
    return [point.at.strftime(form) for point in points]


def tabulated(table: Table) -> Block:
    """A table with its header."""
    rows = [cells(table.header), *(cells(row) for row in table.rows)]
    return {"type": TABLE, "caption": caption(table), "rows": rows, "page_size": 5}


def cells(row: tuple[str, ...]) -> list[Block]:
    """Plain words, which Slack does not parse."""
    return [{"type": "raw_text", "text": one_line(each, CELL) or " "} for each in row]


def caption(table: Table) -> str:
    """`[3] last changes in shop-config`."""
    number = f"[{table.number}] " if table.number else ""
    return one_line(f"{number}{table.caption}", CELL)


def in_words(block: Block) -> list[Block]:
    """What stands in for a table that Slack refuses; a chart is sent as a picture instead."""
    if block["type"] != TABLE:
        return []
    rows = [[str(cell["text"]) for cell in row] for row in block["rows"]]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [rich([{"type": "text", "text": block["caption"]}], verbatim("\n".join(lines)))]


def described(chart: Chart) -> str:
    """What a picture of it shows, for whoever can't see it."""
    first, last = chart.points[0].at, chart.points[-1].at
    return f"{line(chart.title, 200)}, {first:%H:%M} to {last:%H:%M} UTC"
