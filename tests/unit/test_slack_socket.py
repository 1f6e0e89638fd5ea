"""Socket Mode connections: one ticket, one life, and an answer to what was asked on it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.origins import Body
from bot.slack.socket import Connection, Facts, ticket
from bot.slack.sockets import Sockets, pause
from engine.errors import ConfigurationError, Unavailable


class Slack:
    """Hands out tickets and sends what a test tells it to."""

    def __init__(self) -> None:
        self.links: list[web.WebSocketResponse] = []
        self.acks: asyncio.Queue[tuple[int, dict[str, Any]]] = asyncio.Queue()
        self.opened = 0
        self.error = ""
        self.closed = asyncio.Event()

    async def open(self, request: web.Request) -> web.Response:
        self.opened += 1
        if self.error:
            return web.json_response({"ok": False, "error": self.error})
        url = request.url.with_scheme("ws").with_path("/link")
        return web.json_response({"ok": True, "url": str(url)})

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.links.append(socket)
        number = len(self.links)
        await socket.send_json({"type": "hello", "num_connections": number})
        async for frame in socket:
            self.acks.put_nowait((number, frame.json()))
        self.closed.set()
        return socket

    async def send(self, number: int, **message: Any) -> None:
        await self.links[number - 1].send_json(message)


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def client(slack: Slack) -> AsyncIterator[AsyncWebClient]:
    app = web.Application()
    app.router.add_route("*", "/api/apps.connections.open", slack.open)
    app.router.add_get("/link", slack.link)
    async with TestServer(app) as server:
        base_url = str(server.make_url("/api/"))
        yield AsyncWebClient(token="xoxb-x", base_url=base_url, retry_handlers=[])


async def agree(body: Body) -> BoltResponse:
    return BoltResponse(status=int(body.get("status", 200)), body=body.get("say", ""))


async def until(fact: Any) -> None:
    async with asyncio.timeout(5):
        while not fact():  # noqa: ASYNC110 - facts of several objects, with a deadline
            await asyncio.sleep(0.01)


async def test_an_envelope_is_acknowledged_with_its_answer(
    slack: Slack, client: AsyncWebClient
) -> None:
    sockets = Sockets(client, "xapp-x", agree, count=1)

    async with sockets.connected():
        await until(lambda: slack.links)
        await slack.send(1, envelope_id="e1", type="interactive", payload={"say": '{"a": 1}'})
        number, ack = await asyncio.wait_for(slack.acks.get(), 5)

    assert (number, ack) == (1, {"envelope_id": "e1", "payload": {"a": 1}})


async def test_what_was_not_stored_is_not_acknowledged(
    slack: Slack, client: AsyncWebClient
) -> None:
    sockets = Sockets(client, "xapp-x", agree, count=1)

    async with sockets.connected():
        await until(lambda: slack.links)
        await slack.send(1, envelope_id="e1", payload={"status": 503})
        await slack.send(1, envelope_id="e2", payload={})
        _, ack = await asyncio.wait_for(slack.acks.get(), 5)

    assert ack == {"envelope_id": "e2"}
    assert slack.acks.empty()


async def test_the_next_connection_is_up_before_the_last_one_goes(
    slack: Slack, client: AsyncWebClient
) -> None:
    sockets = Sockets(client, "xapp-x", agree, count=1)

    async with sockets.connected():
        await until(lambda: slack.links)
        await slack.send(1, type="disconnect", reason="refresh_requested")
        await until(lambda: len(slack.links) == 2)
        await asyncio.wait_for(slack.closed.wait(), 5)
        assert not slack.links[1].closed

    assert sockets.facts.last_reason == "refresh_requested"
    assert slack.opened == 2


async def test_what_is_under_way_is_acknowledged_before_the_end(
    slack: Slack, client: AsyncWebClient
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_: Body) -> BoltResponse:
        begun.set()
        await go_on.wait()
        return BoltResponse(status=200, body="")

    sockets = Sockets(client, "xapp-x", slowly, count=1)
    async with sockets.connected():
        await until(lambda: slack.links)
        await slack.send(1, envelope_id="e1", payload={})
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)

    assert slack.acks.get_nowait()[1] == {"envelope_id": "e1"}


async def test_facts_tell_how_many_are_connected(slack: Slack, client: AsyncWebClient) -> None:
    sockets = Sockets(client, "xapp-x", agree, count=2)

    async with sockets.connected() as facts:
        await until(lambda: facts.connected == 2)
        assert facts.reported == 2
        assert facts.envelope_age < 5

    assert facts.connected == 0


async def test_a_connection_without_a_hello_is_a_failure(slack: Slack) -> None:
    async with aiohttp.ClientSession() as session:
        connection = Connection(session, agree, Facts())

        with pytest.raises(Unavailable):
            await connection.run("ws://127.0.0.1:1/link")


@pytest.mark.parametrize(
    ("error", "kind"), [("invalid_auth", ConfigurationError), ("internal_error", Unavailable)]
)
async def test_a_refused_token_is_told_apart_from_an_outage(
    slack: Slack, client: AsyncWebClient, error: str, kind: type[Exception]
) -> None:
    slack.error = error

    with pytest.raises(kind):
        await ticket(client, "xapp-x")


def test_refreshes_go_on_at_once_and_crowding_waits() -> None:
    assert pause("refresh_requested", 1) == 0
    assert pause("", 0) == 0
    assert 30 <= pause("too_many_websockets", 1) <= 120
    assert pause("link_disabled", 1) == 60
    assert 0.5 <= pause("", 1) <= 1
    assert pause("", 50) <= 30
