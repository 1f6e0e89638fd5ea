"""The one way out: budgets, forms that fit, and what each failure means."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.parts import actions, button, section
from bot.slack.budgets import Budgets
from bot.slack.writer import Limited, Refused, Vanished, Writer
from engine.errors import Unavailable

MESSAGE = {
    "text": "sentence",
    "blocks": [section("long story"), *actions([button("Go", "plan.approve", "p:1")])],
}


class Slack:
    """Answers as told, one answer per call, and writes down what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[int, dict[str, Any], dict[str, str]]] = []

    def will(self, status: int = 200, headers: dict[str, str] | None = None, **body: Any) -> None:
        self.answers.append((status, body, headers or {}))

    def refuse(self, error: str) -> None:
        self.will(ok=False, error=error)

    async def reply(self, request: web.Request) -> web.Response:
        kind = request.content_type
        body = await request.json() if kind == "application/json" else dict(await request.post())
        self.calls.append((request.match_info["method"], {**dict(request.query), **body}))
        default: tuple[int, dict[str, Any], dict[str, str]] = (200, {"ok": True, "ts": "5.5"}, {})
        status, said, headers = self.answers.pop(0) if self.answers else default
        return web.json_response(said, status=status, headers=headers)


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def writer(slack: Slack) -> AsyncIterator[Writer]:
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.reply)
    async with TestServer(app) as server:
        url = str(server.make_url("/api/"))
        yield Writer(AsyncWebClient(token="xoxb-x", base_url=url, retry_handlers=[]))


async def test_a_post_is_quiet_and_can_be_found_again(writer: Writer, slack: Slack) -> None:
    shown = await writer.post("C1", "1.1", MESSAGE, "post-1")

    method, body = slack.calls[0]
    assert method == "chat.postMessage"
    assert shown.ts == "5.5"
    assert body["metadata"]["event_type"] == "carapulse_post"
    assert body["metadata"]["event_payload"] == {"id": "post-1"}
    assert not body["unfurl_links"]
    assert not body["unfurl_media"]


async def test_a_reply_shows_in_the_channel_when_it_is_to_notify(
    writer: Writer, slack: Slack
) -> None:
    await writer.post("C1", "1.1", MESSAGE, "post-1", broadcast=True)
    await writer.post("C1", "1.1", MESSAGE, "post-2")
    await writer.post("C1", "", MESSAGE, "post-3", broadcast=True)

    assert [each.get("reply_broadcast") for _, each in slack.calls] == [True, None, None]


async def test_refused_blocks_go_plain_and_keep_their_buttons(writer: Writer, slack: Slack) -> None:
    slack.refuse("invalid_blocks")

    await writer.post("C1", "", MESSAGE, "p")

    kinds = [block["type"] for block in slack.calls[1][1]["blocks"]]
    assert kinds == ["section", "actions"]
    assert slack.calls[1][1]["blocks"][0]["text"]["text"] == "long story"


async def test_the_sentence_alone_goes_when_nothing_else_does(writer: Writer, slack: Slack) -> None:
    for _ in range(3):
        slack.refuse("invalid_blocks")

    await writer.update("C1", "5.5", MESSAGE)

    assert slack.calls[2][1]["blocks"][0]["text"]["text"] == "sentence"
    assert slack.calls[3][1]["blocks"] == []
    assert slack.calls[3][1]["text"] == "sentence"


async def test_a_rate_limit_is_kept_and_nothing_was_done(writer: Writer, slack: Slack) -> None:
    slack.will(429, {"Retry-After": "7"}, ok=False, error="ratelimited")

    with pytest.raises(Limited) as caught:
        await writer.update("C1", "5.5", MESSAGE)

    assert caught.value.seconds == 7
    assert writer.budgets.take("chat.update", urgent=True) > 6
    assert writer.budgets.take("reactions.add") == 0


async def test_an_outage_leaves_the_outcome_unknown(writer: Writer, slack: Slack) -> None:
    slack.will(503, ok=False, error="service_unavailable")

    with pytest.raises(Unavailable):
        await writer.post("C1", "", MESSAGE, "p")


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message"])
async def test_a_message_that_is_gone_is_told_apart(
    writer: Writer, slack: Slack, error: str
) -> None:
    slack.refuse(error)

    with pytest.raises(Vanished):
        await writer.update("C1", "5.5", MESSAGE)


async def test_a_reaction_that_is_there_is_as_good(writer: Writer, slack: Slack) -> None:
    slack.refuse("already_reacted")

    await writer.react("C1", "5.5", "eyes")

    assert slack.calls[0][1]["name"] == "eyes"


async def test_another_refusal_of_a_reaction_is_told(writer: Writer, slack: Slack) -> None:
    slack.refuse("message_not_found")

    with pytest.raises(Refused, match="message_not_found"):
        await writer.react("C1", "5.5", "eyes")


async def test_a_whisper_where_we_are_not_goes_to_the_person(writer: Writer, slack: Slack) -> None:
    slack.refuse("user_not_in_channel")

    await writer.whisper("C1", "1.1", "U0ANN", MESSAGE)

    assert [method for method, _ in slack.calls] == ["chat.postEphemeral", "chat.postMessage"]
    assert slack.calls[1][1]["channel"] == "U0ANN"


async def test_a_post_is_found_by_its_id_across_pages(writer: Writer, slack: Slack) -> None:
    other = {"ts": "1.2", "metadata": {"event_payload": {"id": "other"}}}
    ours = {"ts": "1.3", "metadata": {"event_payload": {"id": "p"}}}
    slack.will(ok=True, messages=[other], response_metadata={"next_cursor": "c"})
    slack.will(ok=True, messages=[ours])

    assert await writer.find("C1", "1.1", "p") == "1.3"
    assert slack.calls[1][1]["cursor"] == "c"


async def test_an_edit_tells_slacks_time_and_not_ours(writer: Writer, slack: Slack) -> None:
    slack.will(headers={"Date": "Sun, 22 Nov 2026 14:09:31 GMT"}, ok=True, ts="5.5")

    shown = await writer.update("C1", "5.5", MESSAGE)

    assert shown.at == "1795356572"


async def test_calls_are_counted_by_what_became_of_them(slack: Slack, writer: Writer) -> None:
    seen: list[tuple[str, str]] = []
    writer.count = lambda method, outcome: seen.append((method, outcome))
    slack.refuse("message_not_found")

    with pytest.raises(Refused):
        await writer.react("C1", "1", "eyes")
    await writer.react("C1", "1", "eyes")

    assert seen == [("reactions.add", "refused"), ("reactions.add", "ok")]


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def spent(budgets: Budgets, time: Time, seconds: float, method: str, channel: str) -> int:
    """How many calls get through when asked all the time."""
    count, end = 0, time.now + seconds
    while time.now < end:
        wait = budgets.take(method, channel, urgent=True)
        count += wait == 0
        time.now += max(wait, 0.0) + 1e-6
    return count


@pytest.mark.parametrize(
    ("method", "allowed"), [("chat.update", 50), ("reactions.add", 50), ("chat.postEphemeral", 100)]
)
def test_no_minute_sees_more_calls_than_slack_allows(method: str, allowed: int) -> None:
    time = Time()
    budgets = Budgets(clock=time)
    time.now = 1000.0

    assert 0.6 * allowed < spent(budgets, time, 60, method, "C1") <= allowed


def test_a_channel_gets_less_than_one_post_a_second() -> None:
    time = Time()
    budgets = Budgets(clock=time)

    assert spent(budgets, time, 60, "chat.postMessage", "C1") <= 50
    assert budgets.take("chat.postMessage", "C2") == 0


def test_what_needs_a_person_finds_room_when_edits_have_used_theirs() -> None:
    budgets = Budgets(clock=Time())
    while budgets.take("chat.update") == 0:
        pass

    assert budgets.take("chat.update", urgent=True) == 0


def test_budgets_can_be_widened() -> None:
    wide, time = Budgets(scale=10, clock=Time()), Time()

    assert sum(wide.take("chat.update", urgent=True) == 0 for _ in range(200)) > 100
    assert time.now == 0
