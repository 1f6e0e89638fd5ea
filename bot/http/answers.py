"""JSON out."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
from aiohttp import web

from engine.domain.model import Json

TOKEN = re.compile(r"\{@(slack|group|time|when):([^{}\s]{1,80})\}")


def answer(body: Mapping[str, Json], *, status: int = 200) -> web.Response:
    """A JSON answer; nobody between us and the caller may keep it."""
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def in_words(text: str) -> str:
    """A sentence of ours for programs: tokens that chat turns into mentions become plain words."""
    return TOKEN.sub(plain, text)


def plain(match: re.Match[str]) -> str:
    """`@U0ANN`, a group's name, a time in RFC 3339."""
    kind, value = match[1], match[2]
    if kind == "slack":
        return f"@{value.rpartition(':')[2]}"
    if kind in ("time", "when") and value.isdigit() and len(value) <= 11:
        return datetime.fromtimestamp(int(value), UTC).isoformat()
    return value
