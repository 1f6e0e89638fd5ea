"""Clients for the tests of the local Slack: real ones of the SDK, and a bare websocket."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.slack.local_slack import LocalSlack

Json = dict[str, Any]


BOT = "xoxb-local"


def web_client(slack: LocalSlack, token: str = BOT) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=slack.api_url)


def bolt_app(slack: LocalSlack) -> AsyncApp:
    return AsyncApp(client=web_client(slack))


@asynccontextmanager
async def listening(slack: LocalSlack, app: AsyncApp) -> AsyncIterator[None]:
    """The app connected over Socket Mode until the block ends."""
    before = len(slack.connections)
    handler = AsyncSocketModeHandler(app, "xapp-local", web_client=web_client(slack, "xapp-local"))
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await eventually(lambda: len(slack.connections) > before)
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


class Link:
    """One bare Socket Mode connection that acknowledges only when told to."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, hello: Json) -> None:
        self.socket = socket
        self.hello = hello

    async def next(self, timeout: float = 5.0) -> Json:
        frame: Json = await self.socket.receive_json(timeout=timeout)
        return frame

    async def silent_for(self, seconds: float) -> bool:
        try:
            await self.socket.receive(timeout=seconds)
        except TimeoutError:
            return True
        return False

    async def ack(self, frame: Json, payload: Json | None = None) -> None:
        answer = {"envelope_id": frame["envelope_id"]}
        await self.socket.send_json(answer | ({"payload": payload} if payload else {}))


@asynccontextmanager
async def open_link(slack: LocalSlack) -> AsyncIterator[Link]:
    url = (await web_client(slack, "xapp-local").apps_connections_open(app_token="xapp-local"))[
        "url"
    ]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield Link(socket, await socket.receive_json(timeout=5))


async def eventually(fact: Callable[[], object], timeout: float = 5.0) -> None:
    """Wait until the fact holds; fail the test if it does not."""
    deadline = time.monotonic() + timeout
    while not fact():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.005)


def error_of(response: Any) -> str:
    return str(response["error"])
