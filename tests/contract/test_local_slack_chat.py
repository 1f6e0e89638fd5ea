"""chat.*, reactions.*, conversations.* and users.* answer as Slack does."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.person import Person, open_control, open_person
from bot.local.slack.server import open_local_slack
from tests.contract.local_slack_client import web_client

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with open_local_slack() as slack:
        yield slack


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return web_client(slack)


@pytest.fixture
async def dana(slack: LocalSlack) -> AsyncIterator[Person]:
    async with open_person(slack.url, "U0DANA") as dana:
        yield dana


async def refusal(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_the_token_decides_who_we_are(slack: LocalSlack, client: AsyncWebClient) -> None:
    me = await client.auth_test()

    assert (me["user_id"], me["bot_id"], me["team_id"]) == ("U0CARA", "B0CARA", "T0LOCAL")
    assert await refusal(web_client(slack, "xoxb-other").auth_test()) == "invalid_auth"
    assert await refusal(client.api_call("chat.shout")) == "unknown_method"


async def test_timestamps_rise_and_never_repeat(client: AsyncWebClient) -> None:
    posted = [await client.chat_postMessage(channel="C0GEN", text=str(n)) for n in range(20)]

    stamps = [each["ts"] for each in posted]
    assert stamps == sorted(set(stamps), key=float)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("no_text", {"channel": "C0GEN", "text": ""}),
    ("channel_not_found", {"channel": "C0NONE", "text": "x"}),
    ("msg_too_long", {"channel": "C0GEN", "text": "x" * 40_001}),
    ("invalid_thread_ts", {"channel": "C0GEN", "text": "x", "thread_ts": "1.000001"}),
    ("invalid_blocks_format", {"channel": "C0GEN", "text": "x", "blocks": "{nonsense"}),
    ("markdown_text_conflict", {"channel": "C0GEN", "text": "x", "markdown_text": "y"}),
    ("invalid_metadata_schema", {"channel": "C0GEN", "text": "x", "metadata": {"event_type": "a"}}),
    ("too_many_attachments", {"channel": "C0GEN", "text": "x", "attachments": [{}] * 101}),
]


@pytest.mark.parametrize(("code", "args"), REFUSED, ids=[code for code, _ in REFUSED])
@pytest.mark.filterwarnings("ignore:The top-level `text`:UserWarning")
async def test_what_slack_would_not_post_is_refused(
    client: AsyncWebClient, code: str, args: dict[str, Any]
) -> None:
    assert await refusal(client.api_call("chat.postMessage", json=args)) == code


async def test_a_reply_names_the_first_message_of_its_thread(client: AsyncWebClient) -> None:
    root = await client.chat_postMessage(channel="C0GEN", text="root")
    reply = await client.chat_postMessage(channel="C0GEN", text="1", thread_ts=root["ts"])

    nested = client.chat_postMessage(channel="C0GEN", text="2", thread_ts=reply["ts"])

    assert await refusal(nested) == "cannot_reply_to_message"
    thread = await client.conversations_replies(channel="C0GEN", ts=root["ts"])
    assert [m["text"] for m in thread["messages"]] == ["root", "1"]
    assert thread["messages"][0]["reply_count"] == 1


async def test_text_without_blocks_removes_the_blocks(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0GEN", text="card", blocks=[SECTION])

    with_blocks = await client.chat_update(
        channel="C0GEN", ts=posted["ts"], text="card", blocks=[SECTION]
    )
    without = await client.chat_update(channel="C0GEN", ts=posted["ts"], text="done")

    assert "edited" not in with_blocks["message"]
    assert "blocks" not in without["message"]
    assert without["message"]["edited"]["user"] == "U0CARA"


async def test_only_our_own_messages_can_be_changed(client: AsyncWebClient, dana: Person) -> None:
    theirs = await dana.say("C0GEN", "mine")

    assert await refusal(client.chat_update(channel="C0GEN", ts=theirs, text="yours")) == (
        "cant_update_message"
    )
    assert await refusal(client.chat_delete(channel="C0GEN", ts=theirs)) == "cant_delete_message"
    assert await refusal(client.chat_update(channel="C0GEN", ts="1.000001", text="x")) == (
        "message_not_found"
    )


async def test_an_update_longer_than_slack_allows_is_refused(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0GEN", text="short")

    code = await refusal(client.chat_update(channel="C0GEN", ts=posted["ts"], text="x" * 4001))

    assert code == "msg_too_long"


async def test_metadata_stays_until_it_is_removed(client: AsyncWebClient) -> None:
    metadata = {"event_type": "plan", "event_payload": {"id": "P-1"}}
    posted = await client.chat_postMessage(channel="C0GEN", text="a", metadata=metadata)
    ts = posted["ts"]

    kept = await client.chat_update(channel="C0GEN", ts=ts, text="b")
    read = await client.conversations_history(channel="C0GEN", include_all_metadata=True)
    hidden = await client.conversations_history(channel="C0GEN")
    gone = await client.chat_update(channel="C0GEN", ts=ts, text="c", metadata={})

    assert kept["message"]["metadata"] == metadata
    assert read["messages"][0]["metadata"] == metadata
    assert "metadata" not in hidden["messages"][0]
    assert "metadata" not in gone["message"]


async def test_a_whisper_reaches_one_member_and_no_reload(
    slack: LocalSlack, client: AsyncWebClient, dana: Person
) -> None:
    async with open_person(slack.url, "U0ANN") as ann:
        await client.chat_postEphemeral(channel="C0GEN", user="U0DANA", text="just you")
        await client.chat_postMessage(channel="C0GEN", text="everybody")
        await ann.wait_for(lambda m: m["text"] == "everybody")
        whisper = await dana.wait_for(lambda m: m["text"] == "just you")

        assert whisper["ephemeral_to"] == "U0DANA"
        assert ann.whispers() == []
    assert [m["text"] for m in await dana.messages("C0GEN")] == ["everybody"]
    outsider = client.chat_postEphemeral(channel="C0GEN", user="U0EVE", text="psst")
    assert await refusal(outsider) == "user_not_in_channel"


async def test_a_permalink_names_channel_and_message(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0GEN", text="a")

    link = await client.chat_getPermalink(channel="C0GEN", message_ts=posted["ts"])

    assert link["permalink"].endswith(f"/archives/C0GEN/p{posted['ts'].replace('.', '')}")


async def test_the_bot_reacts_once(client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0GEN", text="a"))["ts"]
    place = {"channel": "C0GEN", "timestamp": ts}

    await client.reactions_add(name="eyes", **place)
    again = await refusal(client.reactions_add(name="eyes", **place))
    unknown = await refusal(client.reactions_add(name="no_such_emoji", **place))
    shown = await client.reactions_get(**place)
    await client.reactions_remove(name="eyes", **place)
    gone = await refusal(client.reactions_remove(name="eyes", **place))

    assert (again, unknown, gone) == ("already_reacted", "invalid_name", "no_reaction")
    assert shown["message"]["reactions"] == [{"name": "eyes", "users": ["U0CARA"], "count": 1}]


async def test_an_incident_channel_is_made_and_filled(client: AsyncWebClient) -> None:
    made = await client.conversations_create(name="inc-1")
    channel = made["channel"]["id"]

    await client.conversations_invite(channel=channel, users="U0ANN,U0BO")
    members = await client.conversations_members(channel=channel)
    taken = await refusal(client.conversations_create(name="inc-1"))
    shouting = await refusal(client.conversations_create(name="INC 2"))

    assert members["members"] == ["U0CARA", "U0ANN", "U0BO"]
    assert (taken, shouting) == ("name_taken", "invalid_name_specials")


async def test_a_channel_without_the_bot_is_closed_to_it(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    async with open_control(slack.url) as control:
        await control.world(channels=[{"id": "C0OWN", "name": "own", "members": ["U0DANA"]}])

    write = await refusal(client.chat_postMessage(channel="C0OWN", text="hi"))
    read = await refusal(client.conversations_history(channel="C0OWN"))
    await client.conversations_join(channel="C0OWN")

    assert (write, read) == ("not_in_channel", "not_in_channel")
    assert (await client.chat_postMessage(channel="C0OWN", text="hi"))["ok"]


async def test_people_are_found_by_id_and_address(client: AsyncWebClient) -> None:
    eve = (await client.users_info(user="U0EVE"))["user"]
    gus = (await client.users_info(user="U0GUS", include_locale=True))["user"]
    ann = (await client.users_lookupByEmail(email="ann@acme.example"))["user"]
    sre = await client.usergroups_users_list(usergroup="S0SRE")

    assert (eve["team_id"], eve["is_stranger"]) == ("T0OTHER", True)
    assert "email" not in eve["profile"]
    assert (gus["is_restricted"], gus["locale"]) == (True, "en-US")
    assert ann["id"] == "U0ANN"
    assert sre["users"] == ["U0ANN", "U0BO"]
    unknown = client.users_lookupByEmail(email="eve@other.example")
    assert await refusal(unknown) == "users_not_found"


async def test_history_comes_in_pages(client: AsyncWebClient) -> None:
    for number in range(5):
        await client.chat_postMessage(channel="C0GEN", text=str(number))

    first = await client.conversations_history(channel="C0GEN", limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    rest = await client.conversations_history(channel="C0GEN", limit=3, cursor=cursor)

    assert [m["text"] for m in first["messages"]] == ["4", "3", "2"]
    assert first["has_more"]
    assert [m["text"] for m in rest["messages"]] == ["1", "0"]


async def test_pins_bookmarks_and_topic_stay(client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0INC", text="card"))["ts"]

    await client.pins_add(channel="C0INC", timestamp=ts)
    await client.bookmarks_add(
        channel_id="C0INC", title="Run", type="link", link="https://a.example"
    )
    await client.conversations_setTopic(channel="C0INC", topic="SEV2")

    pinned = await client.pins_list(channel="C0INC")
    kept = await client.bookmarks_list(channel_id="C0INC")
    info = await client.conversations_info(channel="C0INC")
    assert pinned["items"][0]["message"]["text"] == "card"
    assert kept["bookmarks"][0]["title"] == "Run"
    assert info["channel"]["topic"]["value"] == "SEV2"
