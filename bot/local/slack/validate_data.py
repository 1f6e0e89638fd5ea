"""Rules for tables and charts."""

from typing import Any

from bot.local.slack.checks import (
    Check,
    Report,
    boolean,
    both,
    by_type,
    integer,
    items,
    number,
    objects,
    one_of,
    string,
    thing,
    unique,
)
from bot.local.slack.model import Json
from bot.local.slack.validate_text import ANY_LENGTH, RICH_TEXT, TYPE

BLOCK_ID = string(255)
PLAIN_CELLS: dict[str, Check] = {
    "raw_text": thing({"type": TYPE, "text": string(ANY_LENGTH, least=0)}),
    "raw_number": thing({"type": TYPE, "value": number}, {"text": string(ANY_LENGTH)}),
}
CELL = by_type({**PLAIN_CELLS, "rich_text": RICH_TEXT})
HEADER_CELL = by_type(PLAIN_CELLS)


def text_in_rows(rows: Any) -> int:
    """How many characters the cells of a table hold."""
    if isinstance(rows, dict):
        own = rows.get("text")
        inner = sum(text_in_rows(value) for key, value in rows.items() if key != "text")
        return inner + (len(own) if isinstance(own, str) else 0)
    return sum(text_in_rows(each) for each in rows) if isinstance(rows, list) else 0


def at_most(most: int) -> Check:
    """A limit on the characters of all cells."""

    def check(value: Any, at: str, report: Report) -> None:
        if text_in_rows(value) > most:
            report.add(at, f"must be less than {most + 1} characters in all cells", "too_long")

    return check


def header_without_rich_text(value: Any, at: str, report: Report) -> None:
    """The first row of a data table is its header: raw cells only."""
    first = value[0] if isinstance(value, list) and value else []
    for index, cell in enumerate(first if isinstance(first, list) else []):
        HEADER_CELL(cell, f"{at}/0/{index}", report)


def even_rows(value: Any, at: str, report: Report) -> None:
    """Every row is as long as the header."""
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        return
    for index, row in enumerate(value):
        if len(row) != len(value[0]):
            report.add(f"{at}/{index}", "every row must have the same length", "uneven_rows")


TABLE = thing(
    {"type": TYPE, "rows": both(items(items(CELL, 20), 100), at_most(10_000))},
    {
        "block_id": BLOCK_ID,
        "column_settings": items(
            thing({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}), 20
        ),
    },
)
DATA_TABLE = thing(
    {
        "type": TYPE,
        "caption": string(ANY_LENGTH),
        "rows": both(
            items(items(CELL, 20), 101, least=2),
            header_without_rich_text,
            even_rows,
            at_most(20_000),
        ),
    },
    {
        "block_id": BLOCK_ID,
        "page_size": integer(1, 100),
        "row_header_column_index": integer(0, 19),
    },
)

LABEL = string(20)
POINT = thing({"label": LABEL, "value": number})
SERIES = both(items(thing({"name": LABEL, "data": items(POINT, 20)}), 12), unique("name"))
AXES = thing({"categories": items(LABEL, 20)}, {"x_label": string(50), "y_label": string(50)})


def positive(value: Any, at: str, report: Report) -> None:
    """A slice of nothing cannot be drawn."""
    for index, segment in enumerate(objects(value)):
        size = segment.get("value")
        if isinstance(size, int | float) and size <= 0:
            report.add(f"{at}/{index}/value", "must be more than 0", "out_of_range")


def labels_match(value: Any, at: str, report: Report) -> None:
    """Each series has exactly the points that the axis names."""
    if not isinstance(value, dict) or not isinstance(value.get("axis_config"), dict):
        return
    wanted = value["axis_config"].get("categories")
    for index, series in enumerate(objects(value.get("series"))):
        if labels_of(series) != wanted:
            report.add(f"{at}/series/{index}/data", "labels must match categories", "mismatch")


def labels_of(series: Json) -> list[Any]:
    """The labels of a series, in order."""
    return [point.get("label") for point in objects(series.get("data"))]


DRAWN = both(thing({"type": TYPE, "series": SERIES, "axis_config": AXES}), labels_match)
CHART = by_type(
    {
        "pie": thing({"type": TYPE, "segments": both(items(POINT, 12), positive)}),
        "bar": DRAWN,
        "line": DRAWN,
        "area": DRAWN,
    }
)
DATA_VISUALIZATION = thing(
    {"type": TYPE, "title": string(50), "chart": CHART}, {"block_id": BLOCK_ID}
)
