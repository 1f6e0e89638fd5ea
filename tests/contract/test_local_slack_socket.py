"""Socket Mode of the local Slack behaves like Slack's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.person import Person, open_person
from bot.local.slack.server import open_local_slack
from tests.contract.local_slack_client import (
    Json,
    Link,
    bolt_app,
    eventually,
    listening,
    open_link,
    web_client,
)


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with open_local_slack() as slack:
        yield slack


@pytest.fixture
async def dana(slack: LocalSlack) -> AsyncIterator[Person]:
    async with open_person(slack.url, "U0DANA") as dana:
        yield dana


async def collect(link: Link, into: list[Json]) -> None:
    while True:
        frame = await link.next()
        into.append(frame)
        await link.ack(frame)


async def test_each_event_reaches_one_of_two_connections(slack: LocalSlack, dana: Person) -> None:
    first: list[Json] = []
    second: list[Json] = []

    async with open_link(slack) as one, open_link(slack) as other:
        readers = [
            asyncio.create_task(collect(one, first)),
            asyncio.create_task(collect(other, second)),
        ]
        for number in range(24):
            await dana.say("C0GEN", f"message {number}")
        await eventually(lambda: len(first) + len(second) == 24)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    ids = {frame["payload"]["event_id"] for frame in first + second}
    assert len(ids) == 24
    assert first
    assert second
    assert [one.hello["num_connections"], other.hello["num_connections"]] == [1, 2]


async def test_an_event_comes_again_until_it_is_acknowledged(
    slack: LocalSlack, dana: Person
) -> None:
    slack.faults.redelivery_scale = 0.01

    async with open_link(slack) as link:
        await dana.say("C0GEN", "hello")
        first, second = await link.next(), await link.next()
        await link.ack(second)
        silent = await link.silent_for(1.0)

    assert (first["retry_attempt"], second["retry_attempt"]) == (0, 1)
    assert second["retry_reason"] == "timeout"
    assert first["payload"] == second["payload"]
    assert first["envelope_id"] != second["envelope_id"]
    assert silent


async def test_an_event_is_given_up_after_three_repetitions(
    slack: LocalSlack, dana: Person
) -> None:
    slack.faults.redelivery_scale = 0.001

    async with open_link(slack) as link:
        await dana.say("C0GEN", "hello")
        attempts = [(await link.next())["retry_attempt"] for _ in range(4)]
        await eventually(lambda: slack.stats.unacked == 1)

    assert attempts == [0, 1, 2, 3]


async def test_an_event_said_while_the_app_was_away_arrives_later(
    slack: LocalSlack, dana: Person
) -> None:
    slack.faults.redelivery_scale = 0.1

    await dana.say("C0GEN", "anybody there?")
    async with open_link(slack) as link:
        frame = await link.next()
        await link.ack(frame)

    assert frame["payload"]["event"]["text"] == "anybody there?"
    assert frame["retry_attempt"] == 1


async def test_a_click_is_never_delivered_twice(slack: LocalSlack, dana: Person) -> None:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}

    async with open_link(slack) as link:
        posted = await web_client(slack).chat_postMessage(
            channel="C0GEN", text="go?", blocks=[{"type": "actions", "elements": [button]}]
        )
        await link.ack(await link.next())
        slack.faults.redelivery_scale = 0.001
        acked = await dana.press("C0GEN", posted["ts"], "go")
        frames = [await link.next()]
        silent = await link.silent_for(0.3)

    assert not acked
    assert frames[0]["type"] == "interactive"
    assert "retry_attempt" not in frames[0]
    assert silent


async def test_a_ticket_opens_one_connection(slack: LocalSlack) -> None:
    opened = await web_client(slack, "xapp-local").apps_connections_open(app_token="xapp-local")

    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            hello = await socket.receive_json(timeout=5)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(opened["url"])

    assert hello["type"] == "hello"
    assert refused.value.status == 403


async def test_a_refused_link_needs_a_fresh_ticket(slack: LocalSlack) -> None:
    slack.faults.refused_links = 1

    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with open_link(slack):
            pass
    async with open_link(slack) as link:
        assert link.hello["type"] == "hello"


async def test_only_the_app_level_token_opens_connections(slack: LocalSlack) -> None:
    with pytest.raises(SlackApiError) as refused:
        await web_client(slack).apps_connections_open(app_token="xoxb-local")

    assert refused.value.response["error"] == "not_allowed_token_type"


async def test_the_eleventh_connection_is_turned_away(slack: LocalSlack) -> None:
    async with AsyncExitStack() as stack:
        links = [await stack.enter_async_context(open_link(slack)) for _ in range(11)]

        assert links[9].hello["num_connections"] == 10
        assert links[10].hello == {
            "type": "disconnect",
            "reason": "too_many_websockets",
            "debug_info": {"host": "local-slack"},
        }


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_the_sdk_comes_back_when_asked_to_reconnect(
    slack: LocalSlack, dana: Person, reason: str
) -> None:
    app, heard = bolt_app(slack), asyncio.Event()

    @app.event("message")
    async def message(event: Json) -> None:
        heard.set()

    async with listening(slack, app):
        await slack.connections.disconnect(reason, everyone=True)
        await eventually(lambda: slack.stats.calls["apps.connections.open"] == 2)
        await eventually(lambda: len(slack.connections) == 1)
        await dana.say("C0GEN", "still there?")
        async with asyncio.timeout(5):
            await heard.wait()


async def test_a_cut_connection_is_noticed(slack: LocalSlack) -> None:
    async with open_link(slack) as link:
        slack.connections.cut()
        frame = await link.socket.receive(timeout=5)
        await eventually(lambda: len(slack.connections) == 0)

    assert frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_events_can_be_doubled(slack: LocalSlack, dana: Person) -> None:
    slack.faults.event_copies = 2

    async with open_link(slack) as link:
        await dana.say("C0GEN", "once")
        frames = [await link.next(), await link.next()]
        for frame in frames:
            await link.ack(frame)

    assert frames[0]["payload"]["event_id"] == frames[1]["payload"]["event_id"]
    assert frames[0]["envelope_id"] != frames[1]["envelope_id"]


async def test_an_unknown_acknowledgement_is_remembered_as_a_mistake(slack: LocalSlack) -> None:
    async with open_link(slack) as link:
        await link.ack({"envelope_id": "made-up"})
        await eventually(lambda: len(slack.stats.invalid) == 1)

    assert slack.stats.invalid[0]["error"] == "unknown_envelope"
