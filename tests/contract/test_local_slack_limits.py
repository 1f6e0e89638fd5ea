"""Limits and faults of the local Slack are those the SDK meets at Slack."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.person import Control, open_control
from bot.local.slack.server import open_local_slack
from tests.contract.local_slack_client import web_client


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with open_local_slack() as slack:
        yield slack


@pytest.fixture
async def control(slack: LocalSlack) -> AsyncIterator[Control]:
    async with open_control(slack.url) as control:
        yield control


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    client = web_client(slack)
    client.retry_handlers = []
    return client


async def test_the_sdk_waits_as_long_as_it_is_told(slack: LocalSlack, control: Control) -> None:
    patient = web_client(slack)
    patient.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await control.limit("chat.postMessage", count=1, retry_after=1)

    started = time.monotonic()
    posted = await patient.chat_postMessage(channel="C0GEN", text="a")

    assert posted["ok"]
    assert time.monotonic() - started >= 1.0
    stats = await control.stats()
    assert stats["limited"] == {"chat.postMessage": 1}
    assert stats["calls"]["chat.postMessage"] == 2


async def test_a_channel_takes_a_short_burst_and_then_a_post_a_second(
    client: AsyncWebClient, control: Control
) -> None:
    await control.budgets(on=True)

    for number in range(5):
        await client.chat_postMessage(channel="C0GEN", text=str(number))
    with pytest.raises(SlackApiError) as limited:
        await client.chat_postMessage(channel="C0GEN", text="too much")
    elsewhere = await client.chat_postMessage(channel="C0INC", text="fine")

    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["Retry-After"] == "1"
    assert elsewhere["ok"]


async def test_a_tier_three_method_has_fifty_calls_a_minute(
    client: AsyncWebClient, control: Control
) -> None:
    await control.budgets(on=True)
    ts = (await client.chat_postMessage(channel="C0GEN", text="a"))["ts"]

    for number in range(50):
        await client.chat_update(channel="C0GEN", ts=ts, text=str(number))
    with pytest.raises(SlackApiError) as limited:
        await client.chat_update(channel="C0GEN", ts=ts, text="too much")

    assert limited.value.response["error"] == "ratelimited"


async def test_a_lost_answer_has_taken_effect(
    slack: LocalSlack, client: AsyncWebClient, control: Control
) -> None:
    await control.lose_answers("chat.postMessage")

    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C0GEN", text="did it arrive?")

    history = await client.conversations_history(channel="C0GEN")
    assert [m["text"] for m in history["messages"]] == ["did it arrive?"]


async def test_an_outage_ends(client: AsyncWebClient, control: Control) -> None:
    await control.outage(on=True, status=503)
    with pytest.raises(SlackApiError) as down:
        await client.auth_test()
    await control.outage(on=False)

    assert down.value.response.status_code == 503
    assert (await client.auth_test())["ok"]


async def test_a_reset_forgets_faults_and_counts(client: AsyncWebClient, control: Control) -> None:
    await control.limit("auth.test", count=5)
    await control.reset()

    await client.auth_test()

    assert (await control.stats())["calls"] == {"auth.test": 1}


async def test_mistakes_are_listed_and_honest_races_are_not(
    client: AsyncWebClient, control: Control
) -> None:
    for channel, text in (("C0GEN", ""), ("C0NONE", "a")):
        body = {"channel": channel, "text": text}
        with pytest.raises(SlackApiError):
            await client.api_call("chat.postMessage", json=body)

    stats = await control.stats()
    assert [each["error"] for each in stats["invalid"]] == ["no_text"]
    assert stats["errors"]["chat.postMessage channel_not_found"] == 1
