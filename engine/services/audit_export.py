"""The audit as a file: CSV, JSON or one JSON object per line, piece by piece."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Literal, get_args

from engine.domain.audit import AuditRow, told
from engine.domain.model import Json

Format = Literal["csv", "json", "jsonl"]
FORMATS: tuple[str, ...] = get_args(Format)
CONTENT_TYPES = {
    "csv": "text/csv",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
}
COLUMNS = (
    "id",
    "at",
    "actor",
    "actor_name",
    "actor_kind",
    "action",
    "subject",
    "decision",
    "reason",
    "policy_decision",
    "policy_input_digest",
    "detail",
)
# A spreadsheet would take a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
AT_ONCE = 500


async def exported(rows: AsyncIterator[AuditRow], form: Format) -> AsyncIterator[bytes]:
    """The rows in that form, some hundred at a time."""
    yield {"csv": ",".join(COLUMNS) + "\r\n", "json": "[", "jsonl": ""}[form].encode()
    pieces: list[str] = []
    first = True
    async for row in rows:
        pieces.append(_csv(row) if form == "csv" else _json(row, form, first=first))
        first = False
        if len(pieces) == AT_ONCE:
            yield "".join(pieces).encode()
            pieces.clear()
    yield ("".join(pieces) + ("\n]\n" if form == "json" else "")).encode()


def _json(row: AuditRow, form: Format, *, first: bool) -> str:
    text = json.dumps(told(row), ensure_ascii=False, separators=(",", ":"))
    if form == "jsonl":
        return text + "\n"
    return ("\n" if first else ",\n") + text


def _csv(row: AuditRow) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_cell(value) for value in told(row).values()])
    return out.getvalue()


def _cell(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "'" + text if text.startswith(FORMULA) else text
