"""The smallest Slack that a Socket Mode bot accepts; it stamps requests early and events late.

No rules and no limits are kept here: the local Slack does that, and would be the bottleneck.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import WSMsgType, web

from bot.slack.origins import Body
from tests.benchmarks.payloads import BOT, TEAM

OnCall = Callable[[str, Body, float], None]
HELLO = '{"type":"hello","num_connections":1,"connection_info":{"app_id":"A0BENCH"}}'


def ignored(_method: str, _call: Body, _at: float) -> None:
    """Nobody listens."""


class StampingSlack:
    """`on_call` is told each Web API call with the moment of its arrival."""

    def __init__(self) -> None:
        self.url = ""
        self.on_call: OnCall = ignored
        self.on_ack: Callable[[str, float], None] = lambda _envelope, _at: None
        self.connected = asyncio.Event()
        self._sockets: list[web.WebSocketResponse] = []
        self._clock = itertools.count(1)
        self._answers: dict[str, Callable[[Body], Body]] = {
            "auth.test": self._identity,
            "apps.connections.open": self._ticket,
            "users.info": self._user,
            "conversations.info": self._channel,
            "chat.postMessage": self._posted,
            "chat.update": self._posted,
            "chat.postEphemeral": lambda _: {"message_ts": self._ts()},
            "reactions.add": lambda _: {},
            "views.publish": lambda _: {},
        }

    async def send(self, envelope: Body) -> float:
        """Push one envelope; the moment just before it is written."""
        text = orjson.dumps(envelope).decode()
        socket = self._sockets[-1]
        sent = time.perf_counter()
        await socket.send_str(text)
        return sent

    async def api(self, request: web.Request) -> web.Response:
        """Any Web API method."""
        at = time.perf_counter()
        method = request.match_info["method"]
        call = arguments(request, await request.read())
        self.on_call(method, call, at)
        known = self._answers.get(method)
        said = {"ok": True, **known(call)} if known else {"ok": False, "error": "unknown_method"}
        return web.Response(body=orjson.dumps(said), content_type="application/json")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """One Socket Mode connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(HELLO)
        self._sockets.append(socket)
        self.connected.set()
        try:
            async for message in socket:
                at = time.perf_counter()
                if message.type is WSMsgType.TEXT:
                    self.on_ack(orjson.loads(message.data).get("envelope_id", ""), at)
        finally:
            self._sockets.remove(socket)
            if not self._sockets:
                self.connected.clear()
        return socket

    async def close(self) -> None:
        """Close what is still connected."""
        for socket in list(self._sockets):
            with suppress(ConnectionError):
                await socket.close()

    def _ts(self) -> str:
        return f"1770000000.{next(self._clock):06d}"

    def _identity(self, _: Body) -> Body:
        return {"team_id": TEAM, "team": "bench", "user_id": BOT, "bot_id": "B0BOT", "user": "bot"}

    def _ticket(self, _: Body) -> Body:
        return {"url": f"{self.url.replace('http', 'ws', 1)}/socket"}

    def _user(self, call: Body) -> Body:
        name = str(call["user"])
        return {"user": {"id": name, "team_id": TEAM, "real_name": name, "name": name.lower()}}

    def _channel(self, call: Body) -> Body:
        return {"channel": {"id": call["channel"], "is_channel": True}}

    def _posted(self, call: Body) -> Body:
        ts = str(call.get("ts") or self._ts())
        return {"channel": call["channel"], "ts": ts, "message": {"text": call.get("text", "")}}


def arguments(request: web.Request, body: bytes) -> Body:
    """What a call was given, in whichever of Slack's forms."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json" and body:
        given |= orjson.loads(body)
    elif body:
        given |= dict(parse_qsl(body.decode()))
    return given


@asynccontextmanager
async def open_slack() -> AsyncIterator[StampingSlack]:
    """Serve on a free loopback port for as long as the block lasts."""
    slack = StampingSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.api)
    app.router.add_get("/socket", slack.socket)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield slack
    finally:
        await slack.close()
        await runner.cleanup()
