"""A real browser and a bare bot on a real local Slack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.server import open_local_slack
from tests.acceptance.page.people import WITHIN, Bot, Tabs

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


@pytest_asyncio.fixture(loop_scope="module")
async def slack() -> AsyncIterator[LocalSlack]:
    async with open_local_slack(0) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def bot(slack: LocalSlack) -> AsyncIterator[Bot]:
    web = AsyncWebClient(token="xoxb-local", base_url=slack.api_url)
    app = AsyncWebClient(token="xapp-local", base_url=slack.api_url)
    socket = SocketModeClient(app_token="xapp-local", web_client=app)
    client = Bot(web, socket)
    socket.socket_mode_request_listeners.append(client.hear)
    await socket.connect()  # type: ignore[no-untyped-call]
    yield client
    await socket.close()  # type: ignore[no-untyped-call]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(browser: Browser, slack: LocalSlack) -> AsyncIterator[Tabs]:
    expect.set_options(timeout=WITHIN)
    context = await browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce"
    )
    opened = Tabs(context, slack.url)
    yield opened
    await context.close()
    assert opened.complaints == []
