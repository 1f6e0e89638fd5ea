"""Uploads and streams of the local Slack work with the SDK's own calls."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.person import Person, open_person, plain
from bot.local.slack.server import open_local_slack
from tests.contract.local_slack_client import web_client


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with open_local_slack() as slack:
        yield slack


@pytest.fixture
async def dana(slack: LocalSlack) -> AsyncIterator[Person]:
    async with open_person(slack.url, "U0DANA") as dana:
        yield dana


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return web_client(slack)


async def test_a_log_is_uploaded_into_a_thread(
    slack: LocalSlack, client: AsyncWebClient, dana: Person
) -> None:
    root = await client.chat_postMessage(channel="C0INC", text="run")

    await client.files_upload_v2(
        content="line 1\nline 2",
        filename="run.log",
        title="Full log",
        snippet_type="shell",
        channel="C0INC",
        thread_ts=root["ts"],
        initial_comment="Here",
    )

    reply = await dana.wait_for(lambda m: bool(m["files"]))
    file = reply["files"][0]
    async with aiohttp.ClientSession() as session, session.get(slack.url + file["url"]) as got:
        content = await got.text()
    info = await client.files_info(file=file["id"])
    assert (reply["subtype"], reply["thread_ts"]) == ("file_share", root["ts"])
    assert file["preview"] == content == "line 1\nline 2"
    assert plain(reply) == "Here\n[file] Full log"
    assert info["file"]["shares"]["public"]["C0INC"][0]["ts"] == reply["ts"]


async def test_an_upload_of_the_wrong_length_is_refused(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    wanted = await client.files_getUploadURLExternal(filename="a.txt", length=5)

    async with (
        aiohttp.ClientSession() as session,
        session.post(wanted["upload_url"], data=b"too long") as sent,
    ):
        status = sent.status
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[{"id": wanted["file_id"], "title": "a"}])

    assert status == 400
    assert slack.stats.invalid[-1]["error"] == "wrong_length"


async def test_a_stream_grows_and_ends(client: AsyncWebClient, dana: Person) -> None:
    root = await dana.say("C0INC", "what is running?")
    stream = await client.chat_stream(
        channel="C0INC",
        thread_ts=root,
        recipient_team_id="T0LOCAL",
        recipient_user_id="U0DANA",
        buffer_size=1,
    )

    await stream.append(markdown_text="Two ")
    growing = await dana.wait_for(lambda m: m["text"] == "Two ")
    await stream.append(markdown_text="runs.")
    await stream.stop()
    ended = await dana.wait_for(lambda m: m["text"] == "Two runs." and not m["streaming"])

    assert growing["streaming"]
    assert ended["ts"] == stream.ts
    assert plain(ended) == "Two runs."


async def test_a_stream_shows_tasks_as_a_plan(client: AsyncWebClient, dana: Person) -> None:
    root = await dana.say("C0INC", "go")
    task = {"type": "task_update", "id": "1", "title": "Step 1", "status": "in_progress"}
    started = await client.chat_startStream(
        channel="C0INC",
        thread_ts=root,
        recipient_team_id="T0LOCAL",
        recipient_user_id="U0DANA",
        task_display_mode="plan",
        chunks=[{"type": "plan_update", "title": "Three steps"}, task],
    )

    await client.chat_appendStream(
        channel="C0INC", ts=started["ts"], chunks=[{**task, "status": "complete"}]
    )

    message = await dana.wait_for(lambda m: "(x)" in plain(m))
    assert plain(message) == "Three steps\n(x) Step 1"


async def test_a_stream_dies_of_age(
    slack: LocalSlack, client: AsyncWebClient, dana: Person
) -> None:
    root = await dana.say("C0INC", "go")
    where: dict[str, Any] = {"channel": "C0INC", "thread_ts": root}
    for_dana: dict[str, Any] = {"recipient_team_id": "T0LOCAL", "recipient_user_id": "U0DANA"}
    with pytest.raises(SlackApiError, match="missing_recipient_team_id"):
        await client.chat_startStream(**where)
    alive = await client.chat_startStream(markdown_text="a", **where, **for_dana)
    with pytest.raises(SlackApiError, match="streaming_state_conflict"):
        await client.chat_update(channel="C0INC", ts=alive["ts"], text="b")
    slack.faults.stream_lifetime = -1
    dead = await client.chat_startStream(markdown_text="a", **where, **for_dana)

    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        await client.chat_appendStream(channel="C0INC", ts=dead["ts"], markdown_text="b")

    assert (await client.chat_update(channel="C0INC", ts=dead["ts"], text="b"))["ok"]
