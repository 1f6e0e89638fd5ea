"""The local Slack as a web server, for a process of its own or inside a test."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from bot.local.slack.api import Api
from bot.local.slack.control import Control
from bot.local.slack.local_slack import LocalSlack, assemble
from bot.local.slack.page_api import PageApi
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.files import MOST_BYTES
from bot.local.slack.world import SHIPPED, World, load_world

SHUTDOWN = 1.0


@asynccontextmanager
async def open_local_slack(
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    state: Path | None = None,
    world: World | None = None,
    budgets: bool = False,
    url: str = "",
) -> AsyncIterator[LocalSlack]:
    """Serve a workspace until the block ends; `state` is read before and written after.

    `url` is where clients reach it, if not at the address it listens on. Rate limits are
    enforced if `budgets` is set, or later through /control/budgets.
    """
    known = world if world is not None else await asyncio.to_thread(load_world, SHIPPED)
    listening = socket.create_server((host, port))
    address = url.rstrip("/") or f"http://{host}:{listening.getsockname()[1]}"
    slack = assemble(known, address, budgets=budgets)
    if state is not None and state.exists():
        await asyncio.to_thread(slack.workspace.load, state)
    runner = web.AppRunner(application(slack), shutdown_timeout=SHUTDOWN, handle_signals=False)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        yield slack
    finally:
        slack.feed.close()
        slack.statuses.close()
        await slack.connections.close()
        await slack.deliveries.close()
        await runner.cleanup()
        if state is not None:
            await asyncio.to_thread(slack.workspace.save, state)


def application(slack: LocalSlack) -> web.Application:
    """All routes on one port."""
    app = web.Application(client_max_size=MOST_BYTES)
    doors = Doors(slack)
    control = Control(slack)
    app.add_routes(
        [
            web.post("/files/upload/{id}", doors.upload),
            *PageApi(slack).routes(),
            web.route("*", "/api/{method}", Api(slack).handle),
            web.get("/link", doors.link),
            web.get("/link/", doors.link),
            web.post("/response/{key}", doors.response),
            web.get("/control/stats", control.stats),
            web.post("/control/{verb}", control.handle),
        ]
    )
    return app


class Doors:
    """The URLs that Slack hands out: websockets, uploads and response URLs."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack

    async def link(self, request: web.Request) -> web.StreamResponse:
        """A websocket, for a ticket that was not used before."""
        slack = self._slack
        good = slack.tickets.redeem(request.query.get("ticket", ""))
        if slack.faults.is_out() or slack.faults.refuses_link() or not good:
            return web.Response(status=403, text="invalid ticket")
        return await slack.connections.serve(request, slack.deliveries.acknowledge)

    async def upload(self, request: web.Request) -> web.Response:
        """The bytes of a file, as they are or as a form."""
        file = self._slack.workspace.files.get(request.match_info["id"])
        if file is None or file.content is not None:
            return web.Response(status=404, text="no such upload")
        content = await uploaded_bytes(request)
        if len(content) != file.length:
            detail = f"{len(content)} bytes instead of {file.length}"
            self._slack.stats.complain("upload", "wrong_length", detail)
            return web.Response(status=400, text="wrong length")
        self._slack.workspace.files[file.id] = replace(file, content=content)
        return web.Response(text=f"OK - {len(content)}")

    async def response(self, request: web.Request) -> web.Response:
        """An answer to an interaction or a command."""
        try:
            body = await request.json()
        except json.JSONDecodeError:
            return web.Response(status=400, text="invalid_payload")
        try:
            self._slack.responses.use(request.match_info["key"], body)
        except Refused as refusal:
            self._slack.stats.refused("response_url", refusal)
            gone = refusal.code in ("expired_url", "used_url")
            return web.json_response(refusal.body(), status=404 if gone else 400)
        return web.Response(text="ok")


async def uploaded_bytes(request: web.Request) -> bytes:
    """The content of an upload."""
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    form = await request.post()
    for part in form.values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""
