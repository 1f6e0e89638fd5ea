"""The websockets of Socket Mode."""

import asyncio
import random
import time
from collections.abc import Callable

import orjson
from aiohttp import WSMsgType, web

from bot.local.slack.model import Json
from bot.local.slack.stats import Stats

MOST = 10
HEARTBEAT = 10.0
SEND_TIMEOUT = 5.0
GRACE = 5.0
CLOSE_TIMEOUT = 2.0

OnAck = Callable[[str, Json], None]


class Connections:
    """The open connections; a payload goes to any one of them."""

    def __init__(self, app_id: str, stats: Stats, changed: Callable[[int], None]) -> None:
        self._app_id = app_id
        self._stats = stats
        self._changed = changed
        self.ghosts = 0
        self._open: list[web.WebSocketResponse] = []
        self._cutters: dict[web.WebSocketResponse, Callable[[], None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def serve(self, request: web.Request, on_ack: OnAck) -> web.WebSocketResponse:
        """Speak with one client until it or we close."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, timeout=CLOSE_TIMEOUT)
        await socket.prepare(request)
        if len(self._open) >= MOST:
            await self._say(socket, disconnect_frame("too_many_websockets"))
            await socket.close()
            return socket
        transport = request.transport
        self._cutters[socket] = transport.abort if transport else lambda: None
        self._open.append(socket)
        try:
            self._changed(len(self._open))
            await self._say(socket, self._hello())
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._read(frame.data, on_ack)
        finally:
            self._forget(socket)
        return socket

    async def send(self, envelope: Json) -> bool:
        """Hand an envelope to one connection at random; false if there is none.

        A ghost is a connection that is gone without Slack knowing: it swallows its share.
        """
        if random.random() * (len(self._open) + self.ghosts) < self.ghosts:  # noqa: S311
            return True
        if not self._open:
            return False
        return await self._say(random.choice(self._open), envelope)  # noqa: S311 - not a secret

    async def disconnect(self, reason: str, *, everyone: bool) -> None:
        """Ask clients to leave. After a `warning` payloads still come; later the link is cut."""
        leaving = list(self._open) if everyone else random.sample(self._open, min(1, len(self)))
        for socket in leaving:
            await self._say(socket, disconnect_frame(reason))
            if reason != "warning" and socket in self._cutters:
                asyncio.get_running_loop().call_later(GRACE, self._cutters[socket])
                self._forget(socket)

    def cut(self) -> None:
        """Break every TCP connection without a goodbye."""
        for socket in list(self._open):
            self._cutters[socket]()

    async def close(self) -> None:
        """Close politely, for our own end."""
        for socket in list(self._open):
            await socket.close()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "connection_info": {"app_id": self._app_id},
            "num_connections": len(self._open) + self.ghosts,
            "debug_info": {
                "host": "local-slack",
                "started": time.strftime("%Y-%m-%d %H:%M:%S"),
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
        }

    def _read(self, text: str, on_ack: OnAck) -> None:
        """Clients only ever acknowledge."""
        try:
            ack = orjson.loads(text)
        except orjson.JSONDecodeError:
            ack = None
        if isinstance(ack, dict) and isinstance(ack.get("envelope_id"), str):
            on_ack(ack["envelope_id"], ack.get("payload") or {})
        else:
            self._stats.complain("socket", "bad_frame", text[:200])

    async def _say(self, socket: web.WebSocketResponse, frame: Json) -> bool:
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await socket.send_str(orjson.dumps(frame).decode())
        except (ConnectionError, RuntimeError, TimeoutError):
            return False
        return True

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._open:
            self._open.remove(socket)
            del self._cutters[socket]
            self._changed(len(self._open))


def disconnect_frame(reason: str) -> Json:
    """Slack's way to say that this connection ends."""
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "local-slack"}}
