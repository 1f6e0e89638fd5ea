"""What the browser page and the test's people speak: state, events and acts."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import orjson
from aiohttp import web

from bot.local.slack.deeds import Deeds
from bot.local.slack.feed import LAST
from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.page_state import snapshot
from bot.local.slack.refusal import Refused

FILES = Path(__file__).with_name("page")
HEARTBEAT = 15.0
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


class PageApi:
    """Routes under /, /page and /files."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self._deeds = Deeds(slack)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/static/{path:.+}", self.static),
            web.get("/page/state", self.state),
            web.get("/page/events", self.events),
            web.post("/page/act", self.act),
            web.get("/files/{id}/{name}", self.download),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """The page."""
        return page_file("index.html")

    async def static(self, request: web.Request) -> web.Response:
        """Its scripts and styles."""
        return page_file(request.match_info["path"])

    async def state(self, request: web.Request) -> web.Response:
        """Everything one person sees."""
        try:
            return answer(snapshot(self._slack, request.query.get("as", "")))
        except Refused as refusal:
            return answer(refusal.body(), status=404)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Everything that changes for one person, as server-sent events."""
        user_id = request.query.get("as", "")
        if user_id not in self._slack.workspace.users:
            return answer(Refused("user_not_found").body(), status=404)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **HEADERS})
        with self._slack.feed.subscribed(user_id) as waiting:
            await response.prepare(request)
            with suppress(ConnectionError):  # the page was closed
                await response.write(event_line({"type": "ready"}))
                line = b""
                while line != GOODBYE:
                    line = await next_line(waiting)
                    await response.write(line)
        return response

    async def act(self, request: web.Request) -> web.Response:
        """Do something as a person. Refusals are answers, not HTTP errors."""
        if request.content_type != "application/json":  # other sites can only send forms
            return answer({"ok": False, "error": "json_only"}, status=415)
        try:
            body = await request.json()
        except json.JSONDecodeError:
            return answer({"ok": False, "error": "invalid_json"}, status=400)
        if not isinstance(body, dict):
            return answer({"ok": False, "error": "invalid_json"}, status=400)
        try:
            return answer(await self._deeds.act(str(body.get("as")), body))
        except Refused as refusal:
            return answer(refusal.body())

    async def download(self, request: web.Request) -> web.Response:
        """A file that was shared. Only pictures are shown in place."""
        file = self._slack.workspace.files.get(request.match_info["id"])
        if file is None or file.content is None:
            return web.Response(status=404, text="no such file")
        shown = file.mimetype in SHOWN_INLINE
        kind = file.mimetype if shown else "application/octet-stream"
        where = "inline" if shown else "attachment"
        headers = {**HEADERS, "Content-Type": kind, "Content-Disposition": where}
        return web.Response(body=file.content, headers=headers)


async def next_line(waiting: asyncio.Queue[Json]) -> bytes:
    """The next event, or a comment that keeps the connection open."""
    try:
        async with asyncio.timeout(HEARTBEAT):
            return event_line(await waiting.get())
    except TimeoutError:
        return b": still here\n\n"


def event_line(event: Json) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(event) + b"\n\n"


GOODBYE = event_line(LAST)


def answer(body: Json, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=HEADERS
    )


def page_file(path: str) -> web.Response:
    """A file of the page, and nothing outside its folder."""
    file = (FILES / path).resolve()
    if not file.is_relative_to(FILES) or not file.is_file() or file.suffix not in KINDS:
        return web.Response(status=404, text="no such page", headers=HEADERS)
    return web.Response(
        body=file.read_bytes(), content_type=KINDS[file.suffix], charset="utf-8", headers=HEADERS
    )
