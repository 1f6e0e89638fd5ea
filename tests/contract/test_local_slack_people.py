"""What people say, who sees it, and what survives a restart."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.person import NotDone, Person, open_control, open_person
from bot.local.slack.server import open_local_slack
from tests.contract.local_slack_client import Json, Link, open_link, web_client


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with open_local_slack() as slack:
        yield slack


@pytest.fixture
async def dana(slack: LocalSlack) -> AsyncIterator[Person]:
    async with open_person(slack.url, "U0DANA") as dana:
        yield dana


async def payload(link: Link) -> Json:
    frame = await link.next()
    await link.ack(frame)
    body: Json = frame["payload"]
    return body


async def test_a_mention_makes_two_events_with_two_ids(slack: LocalSlack, dana: Person) -> None:
    async with open_link(slack) as link:
        ts = await dana.say("C0INC", "@carapulse restart api")
        both = [await payload(link), await payload(link)]

    events = {each["event"]["type"]: each["event"] for each in both}
    assert set(events) == {"message", "app_mention"}
    assert both[0]["event_id"] != both[1]["event_id"]
    assert events["message"]["ts"] == events["app_mention"]["ts"] == ts
    assert events["message"]["channel_type"] == "channel"
    assert both[0]["authorizations"][0]["user_id"] == "U0CARA"


async def test_typed_text_gets_slacks_wire_form(slack: LocalSlack, dana: Person) -> None:
    await dana.say("C0INC", "@ann and @sre: see #general, <b> & https://a.example/x?y=1. :tada:")

    message = (await dana.messages("C0INC"))[-1]
    assert message["text"] == (
        "<@U0ANN> and <!subteam^S0SRE>: see <#C0GEN|general>, &lt;b&gt; &amp; "
        "<https://a.example/x?y=1>. :tada:"
    )
    kinds = [each["type"] for each in message["blocks"][0]["elements"][0]["elements"]]
    assert kinds[:3] == ["user", "text", "usergroup"]
    assert {"channel", "link", "emoji"} <= set(kinds)


async def test_a_direct_message_is_no_mention(slack: LocalSlack, dana: Person) -> None:
    async with open_link(slack) as link:
        await dana.say("D0DANA", "@carapulse hello")
        event = (await payload(link))["event"]
        silent = await link.silent_for(0.2)

    assert (event["type"], event["channel_type"]) == ("message", "im")
    assert silent


async def test_a_stranger_is_marked_and_sees_the_shared_channel_only(slack: LocalSlack) -> None:
    async with open_link(slack) as link, open_person(slack.url, "U0EVE") as eve:
        await eve.say("C0EXT", "hi")
        body = await payload(link)
        state = await eve.state()
        with pytest.raises(NotDone, match="not_in_channel"):
            await eve.say("C0INC", "hi")

    assert body["is_ext_shared_channel"] is True
    assert body["event"]["user_team"] == "T0OTHER"
    assert [channel["id"] for channel in state["channels"]] == ["C0EXT"]


async def test_reactions_come_and_go_as_events(slack: LocalSlack, dana: Person) -> None:
    posted = await web_client(slack).chat_postMessage(channel="C0INC", text="card")
    slack.faults.redelivery_scale = 100

    async with open_link(slack) as link:
        await dana.react("C0INC", posted["ts"], "+1::skin-tone-3")
        added = (await payload(link))["event"]
        await dana.unreact("C0INC", posted["ts"], "+1::skin-tone-3")
        removed = (await payload(link))["event"]

    assert (added["type"], removed["type"]) == ("reaction_added", "reaction_removed")
    assert added["reaction"] == "+1::skin-tone-3"
    assert added["item_user"] == "U0CARA"
    assert added["item"] == {"type": "message", "channel": "C0INC", "ts": posted["ts"]}


async def test_edits_and_deletions_are_hidden_subtypes(slack: LocalSlack, dana: Person) -> None:
    async with open_link(slack) as link:
        ts = await dana.say("C0INC", "frist")
        await payload(link)
        await dana.edit("C0INC", ts, "first")
        edited = (await payload(link))["event"]
        await dana.delete("C0INC", ts)
        deleted = (await payload(link))["event"]

    assert (edited["subtype"], edited["message"]["text"]) == ("message_changed", "first")
    assert edited["message"]["edited"]["user"] == "U0DANA"
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


async def test_nothing_is_heard_from_a_channel_without_the_bot(
    slack: LocalSlack, dana: Person
) -> None:
    private = {"id": "C0OWN", "name": "own", "members": ["U0DANA"]}
    async with open_control(slack.url) as control:
        await control.world(channels=[private])

    async with open_link(slack) as link:
        await dana.say("C0OWN", "@carapulse are you here?")
        silent = await link.silent_for(0.2)

    assert silent


async def test_words_and_files_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "slack.json"
    async with open_local_slack(state=state) as slack:
        async with open_person(slack.url, "U0DANA") as dana:
            ts = await dana.say("C0INC", "remember")
            await dana.react("C0INC", ts, "eyes")
            await dana.upload("C0INC", "notes.txt", "kept")
        await web_client(slack).chat_postEphemeral(channel="C0INC", user="U0DANA", text="gone")

    async with open_local_slack(state=state) as again, open_person(again.url, "U0DANA") as dana:
        first, second = await dana.messages("C0INC")

    assert (first["text"], first["reactions"][0]["name"]) == ("remember", "eyes")
    assert second["files"][0]["preview"] == "kept"


async def test_a_person_comes_back_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "slack.json"
    async with open_local_slack(state=state) as slack:
        url, port = slack.url, int(slack.url.rpartition(":")[2])
        dana = await stay(url)

    async with open_local_slack(port, state=state) as again:
        posted = await web_client(again).chat_postMessage(channel="C0INC", text="back")
        seen = await dana[0].wait_for(lambda m: m["text"] == "back")
    await dana[1].aclose()

    assert seen["ts"] == posted["ts"]


async def stay(url: str) -> tuple[Person, AsyncExitStack]:
    stack = AsyncExitStack()
    return await stack.enter_async_context(open_person(url, "U0DANA")), stack


async def test_the_process_prints_its_address_and_saves_on_sigterm(tmp_path: Path) -> None:
    state = tmp_path / "slack.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.local.slack", "--state", str(state)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    async with open_person(url, "U0DANA") as dana:
        await dana.say("C0INC", "hello")

    process.send_signal(signal.SIGTERM)

    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert "hello" in state.read_text()


async def test_the_page_comes_with_its_policy_and_nothing_from_elsewhere(
    slack: LocalSlack,
) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{slack.url}/") as page:
            policy = page.headers["Content-Security-Policy"]
        async with session.get(f"{slack.url}/static/..%2fserver.py") as outside:
            status = outside.status

    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert status == 404


async def test_changes_of_people_and_groups_are_events(slack: LocalSlack) -> None:
    async with open_link(slack) as link, open_control(slack.url) as control:
        await control.world(
            users=[{"id": "U0NEW", "name": "new", "real_name": "New One"}],
            usergroups=[{"id": "S0SRE", "handle": "sre", "name": "SRE", "members": ["U0NEW"]}],
        )
        events = [(await payload(link))["event"], (await payload(link))["event"]]

    kinds = {event["type"]: event for event in events}
    assert kinds["team_join"]["user"]["id"] == "U0NEW"
    assert kinds["subteam_updated"]["subteam"]["users"] == ["U0NEW"]


async def test_another_site_cannot_act_for_a_person(slack: LocalSlack) -> None:
    body = '{"as": "U0DANA", "do": "post", "channel": "C0INC", "text": "x"}'

    async with aiohttp.ClientSession() as session:
        headers = {"Content-Type": "text/plain"}
        async with session.post(f"{slack.url}/page/act", data=body, headers=headers) as answer:
            status = answer.status

    assert status == 415
    assert slack.workspace.messages == {}
