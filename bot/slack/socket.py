"""Socket Mode: one connection, from its ticket to its last acknowledgement.

Not the SDK's client: that one dials a refused address for ever, closes before it opens, ignores why
Slack disconnects, and may acknowledge on another connection than the one that asked.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import structlog
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.failures import error_of, reaching, retry_after
from bot.slack.origins import Body
from engine.errors import ConfigurationError, Unavailable

Receive = Callable[[Body], Awaitable[BoltResponse]]

HELLO_WITHIN = 10.0
PING_EVERY = 10.0
FATAL = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked"})
FATAL |= {"not_allowed_token_type", "missing_scope", "token_expired"}
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Facts:
    """What /readyz and the metrics tell about the connections."""

    connected: int = 0
    reported: int = 0
    last_envelope: float = field(default_factory=time.monotonic)
    reconnects: int = 0
    last_reason: str = ""
    switched_off: bool = False

    @property
    def envelope_age(self) -> float:
        """Seconds since Slack last sent us anything."""
        return time.monotonic() - self.last_envelope


class Connection:
    """One web socket. `run` ends when it is closed; its `reason` tells why."""

    def __init__(self, session: aiohttp.ClientSession, receive: Receive, facts: Facts) -> None:
        self._session = session
        self._receive = receive
        self._facts = facts
        self._work: set[asyncio.Task[None]] = set()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.ready = asyncio.Event()
        self.leaving = asyncio.Event()
        self.reason = ""

    async def run(self, url: str) -> None:
        """Read until Slack or we close. Raises `Unavailable` when it never said hello."""
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                self._socket = await self._session.ws_connect(url, heartbeat=PING_EVERY)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable("slack", "Slack refused the connection.") from error
        self._facts.connected += 1
        try:
            await self._read(self._socket)
        finally:
            self._facts.connected -= 1
            self.leaving.set()
            await self._socket.close()
        if not self.ready.is_set():
            raise Unavailable("slack", "Slack closed the connection before it began.")

    async def stop(self, within: float) -> None:
        """Let what is under way be acknowledged, then close."""
        if self._work:
            await asyncio.wait(self._work, timeout=within)
        if self._socket is not None:
            await self._socket.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                self._take(socket, frame.data)

    def _take(self, socket: aiohttp.ClientWebSocketResponse, data: str) -> None:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError:
            log.warning("not JSON", action="slack.not_json")
            return
        self._facts.last_envelope = time.monotonic()
        kind = message.get("type")
        if kind == "hello":
            self._facts.reported = int(message.get("num_connections") or 0)
            self.ready.set()
        elif kind == "disconnect":
            self.reason = str(message.get("reason") or "unknown")
            self.leaving.set()
        elif "envelope_id" in message:
            task = asyncio.create_task(self._answer(socket, message))
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, envelope: Any) -> None:
        """Receive one envelope; acknowledge it on this socket, if it may be."""
        response = await self._receive(envelope.get("payload") or {})
        if response.status != 200:
            log.warning("not acknowledged", action="slack.unacked", status=response.status)
            return
        answer: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
        if response.body:
            answer["payload"] = orjson.loads(response.body)
        try:
            await socket.send_str(orjson.dumps(answer).decode())
        except (ConnectionError, aiohttp.ClientError):
            # Events come again and count once; a click is stored already.
            log.warning("acknowledgement lost", action="slack.ack_lost")


async def ticket(client: AsyncWebClient, app_token: str) -> str:
    """A fresh address; it works once. Raises `Unavailable`, or `ConfigurationError` for good."""
    try:
        async with reaching():
            said = await client.apps_connections_open(app_token=app_token)
    except SlackApiError as error:
        if error_of(error) in FATAL:
            raise ConfigurationError(
                f"Slack refuses the app token ({error_of(error)}). Set CARAPULSE_SLACK__APP_TOKEN."
            ) from None
        wait = retry_after(error)
        raise Unavailable("slack", f"Slack gives no connection ({wait or ''}).") from error
    return str(said["url"])
