"""Buttons, modals, commands and response URLs work as in Slack."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.person import NotDone, Person, buttons, open_control, open_person
from bot.local.slack.server import open_local_slack
from tests.contract.local_slack_client import Json, bolt_app, listening, web_client


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with open_local_slack() as slack:
        yield slack


@pytest.fixture
async def dana(slack: LocalSlack) -> AsyncIterator[Person]:
    async with open_person(slack.url, "U0DANA") as dana:
        yield dana


@pytest.fixture
def app(slack: LocalSlack) -> AsyncApp:
    return bolt_app(slack)


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return web_client(slack)


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def card(version: str) -> list[Json]:
    approve = {"type": "button", "action_id": "approve", "text": words("Approve"), "value": version}
    more = {
        "type": "overflow",
        "action_id": "more",
        "options": [{"text": words("Explain"), "value": "explain"}],
    }
    return [{"type": "actions", "block_id": "card", "elements": [approve, more]}]


def modal(**more: Any) -> Json:
    why = {
        "type": "input",
        "block_id": "why",
        "label": words("Why"),
        "element": {"type": "plain_text_input", "action_id": "text"},
    }
    shell = {"type": "modal", "callback_id": "reason", "title": words("Why"), "submit": words("Go")}
    return {**shell, "blocks": [why], **more}


async def test_a_press_carries_who_where_and_what(
    slack: LocalSlack, app: AsyncApp, client: AsyncWebClient, dana: Person
) -> None:
    bodies: asyncio.Queue[Json] = asyncio.Queue()

    @app.action("approve")
    async def approve(ack: Any, body: Json) -> None:
        await ack()
        bodies.put_nowait(body)

    async with listening(slack, app):
        posted = await client.chat_postMessage(channel="C0INC", text="card", blocks=card("v1"))
        seen = await dana.wait_for(lambda m: m["ts"] == posted["ts"])
        action_id, block_id, value = buttons(seen)["Approve"]
        acked = await dana.press("C0INC", posted["ts"], action_id, value, block_id=block_id)
        body = await asyncio.wait_for(bodies.get(), 5)

    assert acked
    assert body["user"] == {
        "id": "U0DANA",
        "username": "dana",
        "name": "dana",
        "team_id": "T0LOCAL",
    }
    assert body["container"]["message_ts"] == posted["ts"]
    assert body["message"]["blocks"][0]["block_id"] == "card"
    assert body["actions"][0]["value"] == "v1"


async def test_a_button_that_has_gone_cannot_be_pressed(
    client: AsyncWebClient, dana: Person
) -> None:
    posted = await client.chat_postMessage(channel="C0INC", text="card", blocks=card("v1"))
    await client.chat_update(channel="C0INC", ts=posted["ts"], text="card", blocks=card("v2"))

    with pytest.raises(NotDone, match="stale"):
        await dana.press("C0INC", posted["ts"], "approve", "v1")
    with pytest.raises(NotDone, match="stale"):
        await dana.press("C0INC", posted["ts"], "reject")


@pytest.mark.parametrize(
    "values", ["text", 7, ["why"], {"card": "x"}, {"card": ["x"]}, {"card": {"approve": "x"}}]
)
async def test_wrongly_shaped_values_are_refused(
    slack: LocalSlack, client: AsyncWebClient, dana: Person, values: Any
) -> None:
    posted = await client.chat_postMessage(channel="C0INC", text="card", blocks=card("v1"))
    view = slack.views.open("U0DANA", modal())

    with pytest.raises(NotDone, match="invalid_values"):
        await dana.press("C0INC", posted["ts"], "approve", "v1", values=values)
    with pytest.raises(NotDone, match="invalid_values"):
        await dana.act("submit", view_id=view.id, values=values)


@pytest.mark.parametrize("selected", ["one", 7, {"value": "one"}, [["one"]], ["two"]])
async def test_what_is_no_list_of_its_options_cannot_be_chosen(
    client: AsyncWebClient, dana: Person, selected: Any
) -> None:
    boxes = {
        "type": "checkboxes",
        "action_id": "boxes",
        "options": [{"text": words("One"), "value": "one"}],
    }
    blocks = [{"type": "actions", "block_id": "card", "elements": [boxes]}]
    posted = await client.chat_postMessage(channel="C0INC", text="card", blocks=blocks)

    with pytest.raises(NotDone, match="stale"):
        await dana.press("C0INC", posted["ts"], "boxes", selected=selected)


async def test_an_answer_in_a_wrongly_shaped_thread_is_refused(dana: Person) -> None:
    with pytest.raises(NotDone, match="invalid_thread_ts"):
        await dana.act("post", channel="C0INC", text="hello", thread_ts={"ts": "1"})


async def test_a_choice_in_an_overflow_menu_arrives_as_an_option(
    slack: LocalSlack, app: AsyncApp, client: AsyncWebClient, dana: Person
) -> None:
    chosen: asyncio.Queue[Json] = asyncio.Queue()

    @app.action("more")
    async def more(ack: Any, action: Json) -> None:
        await ack()
        chosen.put_nowait(action)

    async with listening(slack, app):
        posted = await client.chat_postMessage(channel="C0INC", text="card", blocks=card("v1"))
        await dana.press("C0INC", posted["ts"], "more", selected="explain")
        action = await asyncio.wait_for(chosen.get(), 5)

    assert action["selected_option"] == {"text": words("Explain"), "value": "explain"}


async def test_a_modal_is_opened_checked_and_submitted(
    slack: LocalSlack, app: AsyncApp, client: AsyncWebClient, dana: Person
) -> None:
    @app.action("approve")
    async def approve(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("reason")
    async def reason(ack: Any, view: Json) -> None:
        text = view["state"]["values"]["why"]["text"]["value"]
        if text == "bad":
            await ack(response_action="errors", errors={"why": "Say more."})
        else:
            await ack()

    async with listening(slack, app):
        posted = await client.chat_postMessage(channel="C0INC", text="card", blocks=card("v1"))
        await dana.press("C0INC", posted["ts"], "approve")
        view = await dana.wait_for_view()
        empty = await dana.submit(view["id"], {})
        bad = await dana.submit(view["id"], {"why": {"text": {"value": "bad"}}})
        good = await dana.submit(view["id"], {"why": {"text": {"value": "because"}}})
        await dana.wait_for_event(lambda event: event["type"] == "view_closed")

    assert empty["errors"] == {"why": "Please complete this required field."}
    assert bad["errors"] == {"why": "Say more."}
    assert good["ok"]
    assert dana.views == []


async def test_a_trigger_opens_one_modal_and_not_after_three_seconds(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    used, late = slack.triggers.issue("U0DANA"), ""
    await client.views_open(trigger_id=used, view=modal())
    slack.faults.trigger_lifetime = -1
    late = slack.triggers.issue("U0DANA")

    codes = []
    for trigger in (used, late, "made.up"):
        with pytest.raises(SlackApiError) as refused:
            await client.views_open(trigger_id=trigger, view=modal())
        codes.append(refused.value.response["error"])

    assert codes == ["exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id"]


async def test_three_modals_stand_on_each_other_and_no_more(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    def trigger() -> str:
        return slack.triggers.issue("U0DANA")

    first = (await client.views_open(trigger_id=trigger(), view=modal()))["view"]
    second = (await client.views_push(trigger_id=trigger(), view=modal()))["view"]
    await client.views_push(trigger_id=trigger(), view=modal())
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=trigger(), view=modal())

    assert second["root_view_id"] == first["id"]
    assert second["previous_view_id"] == first["id"]


async def test_a_stale_hash_loses_the_race(slack: LocalSlack, client: AsyncWebClient) -> None:
    trigger = slack.triggers.issue("U0DANA")
    view = (await client.views_open(trigger_id=trigger, view=modal()))["view"]

    await client.views_update(view_id=view["id"], hash=view["hash"], view=modal())

    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view["id"], hash=view["hash"], view=modal())


async def test_an_app_home_is_published_for_one_person(
    slack: LocalSlack, app: AsyncApp, dana: Person
) -> None:
    @app.event("app_home_opened")
    async def opened(event: Json, client: AsyncWebClient) -> None:
        blocks = [{"type": "section", "text": words(f"tab {event['tab']}")}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    async with listening(slack, app):
        await dana.open_home()
        home = await dana.wait_for_home()

    assert home["blocks"][0]["text"]["text"] == "tab home"
    async with open_person(slack.url, "U0ANN") as ann:
        assert ann.home is None


async def test_a_command_is_answered_to_its_user_alone(
    slack: LocalSlack, app: AsyncApp, dana: Person
) -> None:
    @app.command("/carapulse")
    async def command(ack: Any, command: Json) -> None:
        await ack(f"heard {command['text']}")

    async with listening(slack, app):
        await dana.slash("/carapulse", "ask @ann in #general", "C0INC")
        whisper = await dana.wait_for(lambda m: m["text"].startswith("heard"))

    assert whisper["text"] == "heard ask <@U0ANN> in <#C0GEN|general>"
    assert whisper["ephemeral_to"] == "U0DANA"
    with pytest.raises(NotDone, match="not_supported_in_threads"):
        await dana.act("slash", command="/carapulse", text="", channel="C0INC", thread_ts="1.1")


async def test_a_command_nobody_takes_fails_visibly(dana: Person) -> None:
    with pytest.raises(NotDone, match="operation_timeout"):
        await dana.slash("/carapulse", "help", "C0INC")


async def test_a_response_url_is_good_five_times(slack: LocalSlack, dana: Person) -> None:
    posted = await web_client(slack).chat_postMessage(
        channel="C0INC", text="card", blocks=card("v1")
    )
    message = slack.workspace.message("C0INC", posted["ts"])
    url = slack.responses.issue("C0INC", "U0DANA", message)
    webhook = AsyncWebhookClient(url)

    statuses = [(await webhook.send(text=f"whisper {n}")).status_code for n in range(4)]
    replaced = await webhook.send(text="done", replace_original=True)
    sixth = await webhook.send(text="again")

    assert statuses == [200] * 4
    assert replaced.status_code == 200
    assert sixth.status_code == 404
    assert [m["text"] for m in await dana.messages("C0INC")] == ["done"]
    assert len(dana.whispers()) == 4


async def test_a_message_shortcut_brings_the_message(
    slack: LocalSlack, app: AsyncApp, dana: Person
) -> None:
    seen: asyncio.Queue[Json] = asyncio.Queue()

    @app.shortcut("plan_from_message")
    async def shortcut(ack: Any, body: Json) -> None:
        await ack()
        seen.put_nowait(body)

    async with listening(slack, app):
        ts = await dana.say("C0INC", "checkout is slow")
        await dana.shortcut("plan_from_message", "C0INC", ts)
        body = await asyncio.wait_for(seen.get(), 5)

    assert body["message"]["text"] == "checkout is slow"
    assert body["trigger_id"]


async def test_a_button_in_an_attachment_can_be_pressed(
    slack: LocalSlack, app: AsyncApp, client: AsyncWebClient, dana: Person
) -> None:
    @app.action("approve")
    async def approve(ack: Any) -> None:
        await ack()

    async with listening(slack, app):
        posted = await client.chat_postMessage(
            channel="C0INC", text="card", attachments=[{"color": "#a30200", "blocks": card("v1")}]
        )
        acked = await dana.press("C0INC", posted["ts"], "approve", "v1")

    assert acked


async def test_an_external_menu_shows_what_the_app_suggests(
    slack: LocalSlack, app: AsyncApp, client: AsyncWebClient, dana: Person
) -> None:
    @app.options("service")
    async def services(ack: Any, payload: Json) -> None:
        await ack(options=[{"text": words(f"{payload['value']}out"), "value": "checkout"}])

    menu = {"type": "external_select", "action_id": "service", "placeholder": words("Service")}
    async with listening(slack, app):
        posted = await client.chat_postMessage(
            channel="C0INC", text="which?", blocks=[{"type": "actions", "elements": [menu]}]
        )
        answer = await dana.act(
            "suggest", channel="C0INC", ts=posted["ts"], action_id="service", value="check"
        )

    assert answer["options"] == [{"text": words("checkout"), "value": "checkout"}]


async def test_an_answer_with_broken_blocks_is_a_mistake(
    slack: LocalSlack, app: AsyncApp, dana: Person
) -> None:
    @app.command("/carapulse")
    async def command(ack: Any) -> None:
        await ack(text="help", blocks=[{"type": "sparkles"}])

    async with listening(slack, app):
        with pytest.raises(NotDone, match="invalid_command_response"):
            await dana.slash("/carapulse", "help", "C0INC")

    assert slack.stats.invalid[-1]["method"] == "slash_commands"


async def test_a_click_can_be_swallowed_by_a_ghost(
    slack: LocalSlack, client: AsyncWebClient, dana: Person
) -> None:
    posted = await client.chat_postMessage(channel="C0INC", text="card", blocks=card("v1"))
    async with open_control(slack.url) as control:
        await control.ghosts(1)

    acked = await dana.press("C0INC", posted["ts"], "approve", "v1")

    assert not acked
