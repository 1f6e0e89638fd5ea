"""Who takes part in the tests of the page: browser tabs of people, and a bare bot."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, Page
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

Json = dict[str, Any]
INCIDENTS, ANN, BO, CY = "C0INC", "U0ANN", "U0BO", "U0CY"
WITHIN = 8_000


@dataclass
class Bot:
    """A bare client of the Web API and the socket, which answers as the test says."""

    web: AsyncWebClient
    socket: SocketModeClient
    heard: list[Json] = field(default_factory=list)
    answer: Callable[[Json], Json | None] = lambda _payload: {}

    async def hear(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Note every envelope; acknowledge unless the answer is None."""
        self.heard.append(request.payload)
        payload = self.answer(request.payload)
        if payload is not None:
            await client.send_socket_mode_response(
                SocketModeResponse(request.envelope_id, payload or None)
            )

    def presses(self, action_id: str) -> list[Json]:
        """The actions of this id that arrived."""
        actions = [one for payload in self.heard for one in payload.get("actions", ())]
        return [one for one in actions if one["action_id"] == action_id]

    def events(self, kind: str) -> list[Json]:
        """The events of this type that arrived."""
        events = [payload.get("event", {}) for payload in self.heard]
        return [one for one in events if one.get("type") == kind]

    async def post(self, *blocks: Json, text: str = "from the bot", **more: Any) -> str:
        """Post to #incidents; returns the message's ts."""
        more = {**more, "blocks": list(blocks) or None}
        posted = await self.web.chat_postMessage(channel=INCIDENTS, text=text, **more)
        return str(posted["ts"])


@dataclass
class Tabs:
    """Opens the page as somebody, and remembers what the console said."""

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, user: str, channel: str = INCIDENTS) -> Page:
        """A tab that shows the channel, loaded."""
        page = await self.context.new_page()
        page.set_default_timeout(WITHIN)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.note(line.type, line.text))
        await page.goto(f"{self.url}/?as={user}&channel={channel}")
        await page.wait_for_selector(".conversation-head h2")
        return page

    def note(self, kind: str, text: str) -> None:
        """Errors and warnings count; so does a breach of the page's policy."""
        if kind in ("error", "warning"):
            self.complaints.append(text)


async def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait until something outside the browser has happened."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
