"""JSON out."""

from collections.abc import Mapping

import orjson
from aiohttp import web

from engine.domain.model import Json


def answer(body: Mapping[str, Json], *, status: int = 200) -> web.Response:
    """A JSON answer; nobody between us and the caller may keep it."""
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
