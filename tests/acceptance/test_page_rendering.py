"""What a person sees and does on the local Slack's page: real browser, real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Message
from bot.local.slack.server import open_local_slack
from tests.acceptance.page_blocks import (
    EVERY_BLOCK,
    PLAN,
    button,
    mrkdwn,
    plain,
    task,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
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


async def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait until something outside the browser has happened."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", EVERY_BLOCK)
async def test_every_block_type_is_drawn(tabs: Tabs, bot: Bot, kind: str) -> None:
    blocks, visible = EVERY_BLOCK[kind]
    page = await tabs.open(ANN)

    await bot.post(*blocks)

    message = page.locator(".message", has=page.locator(f".b-{kind}"))
    for text in visible:
        await expect(message).to_contain_text(text)
    await expect(message.locator(".unsupported")).to_have_count(0)


async def test_a_block_type_nobody_knows_stays_visible(slack: LocalSlack, tabs: Tabs) -> None:
    page = await tabs.open(ANN)

    slack.timeline.post(
        Message(channel=INCIDENTS, ts=slack.workspace.new_ts(), blocks=[{"type": "hologram"}])
    )

    await expect(page.locator(".message")).to_contain_text("unsupported block: hologram")


async def test_a_confirmed_press_reaches_the_app_once(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post(*PLAN)

    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("dialog.confirm")).to_contain_text("Run 2 steps on prod/eu-1?")
    await page.get_by_role("button", name="Run it").click()

    await until(lambda: bot.presses("plan.approve"))
    await expect(page.locator("dialog.confirm")).to_have_count(0)
    assert [one["value"] for one in bot.presses("plan.approve")] == ["P-1"]


async def test_a_press_that_was_not_confirmed_is_not_sent(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post(*PLAN, {"type": "actions", "elements": [button("Explain", "plan.explain")]})

    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("button", name="Not yet").click()
    await page.get_by_role("button", name="Approve").click()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Explain").click()

    await until(lambda: bot.presses("plan.explain"))
    assert bot.presses("plan.approve") == []


async def test_a_press_the_app_did_not_acknowledge_shows_a_warning(tabs: Tabs, bot: Bot) -> None:
    bot.answer = lambda payload: None if payload.get("type") == "block_actions" else {}
    page = await tabs.open(ANN)
    await bot.post({"type": "actions", "elements": [button("Retry", "step.retry")]})

    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator(".button.busy")).to_be_visible()

    await expect(page.get_by_role("img", name="did not acknowledge")).to_be_visible()
    await expect(page.locator(".button.busy")).to_have_count(0)


async def test_a_modal_shows_field_errors_and_closes_when_accepted(tabs: Tabs, bot: Bot) -> None:
    def answer(payload: Json) -> Json:
        if payload.get("type") != "view_submission":
            return {}
        value = payload["view"]["state"]["values"]["pool"]["size"]["value"]
        if value == "20":
            return {}
        return {"response_action": "errors", "errors": {"pool": "Must be between 1 and 100."}}

    bot.answer = answer
    page = await tabs.open(ANN)
    await bot.post({"type": "actions", "elements": [button("Edit", "plan.edit")]})
    await page.get_by_role("button", name="Edit", exact=True).click()
    await until(lambda: bot.presses("plan.edit"))
    await bot.web.views_open(trigger_id=bot.heard[-1]["trigger_id"], view=EDIT)

    modal = page.locator("dialog.modal")
    await modal.get_by_label("Pool size").fill("900")
    await modal.get_by_role("button", name="Save").click()
    await expect(modal.locator(".field-error").first).to_have_text("Must be between 1 and 100.")
    await expect(modal.get_by_label("Pool size")).to_have_value("900")
    await modal.get_by_label("Pool size").fill("20")
    await modal.get_by_role("button", name="Save").click()

    await expect(modal).to_have_count(0)


async def test_modals_stack_and_escape_goes_back_one(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post({"type": "actions", "elements": [button("Edit", "plan.edit")]})
    await page.get_by_role("button", name="Edit", exact=True).click()
    await until(lambda: bot.presses("plan.edit"))
    await bot.web.views_open(trigger_id=bot.heard[-1]["trigger_id"], view=EDIT)
    modal = page.locator("dialog.modal")
    await modal.get_by_role("button", name="Pick a reason").click()
    await until(lambda: bot.presses("reason.pick"))

    second = {"type": "modal", "title": plain("Second"), "blocks": [SAID]}
    await bot.web.views_push(trigger_id=bot.heard[-1]["trigger_id"], view=second)
    await expect(modal.get_by_role("heading", name="Second")).to_be_visible()
    await page.keyboard.press("Escape")

    await expect(modal.get_by_role("heading", name="Edit the plan")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(modal).to_have_count(0)


async def test_hostile_text_stays_text(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    bad_link = "<javascript:window.hacked=1|press me>"

    await bot.post(text=f"{hostile} {bad_link}")
    await bot.post({"type": "markdown", "text": f"{hostile} [md link](javascript:hacked=1)"})
    await bot.post({"type": "section", "text": mrkdwn(f"{hostile} {bad_link}")})
    await page.locator(".conversation .composer-text").fill(hostile)
    await page.keyboard.press("Enter")

    await expect(page.locator(".message")).to_have_count(4)
    await expect(page.locator(".message").last).to_contain_text("<script>window.hacked=1</script>")
    await page.get_by_text("press me").first.click()
    await page.get_by_text("md link").click()
    assert await page.locator(".items script, .items img").count() == 0
    assert await page.locator(".items a[href^=javascript]").count() == 0
    assert await page.evaluate("window.hacked") is None


async def test_a_whisper_is_seen_by_one_person_only(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post(text="for everybody")

    await bot.web.chat_postEphemeral(channel=INCIDENTS, user=ANN, text="for Ann alone")
    await expect(page.locator(".message.ephemeral")).to_contain_text("Only visible to you")
    await page.get_by_role("radio", name="Act as Bo Lindqvist").click()

    await expect(page.get_by_role("radio", name="Act as Bo Lindqvist")).to_be_checked()
    await expect(page.get_by_text("for everybody")).to_be_visible()
    await expect(page.get_by_text("for Ann alone")).to_have_count(0)
    assert f"as={BO}" in page.url
    await page.get_by_role("radio", name="Act as Ann Okafor").click()
    await expect(page.get_by_text("for Ann alone")).to_be_visible()


async def test_a_reaction_is_shared_and_can_be_withdrawn(tabs: Tabs, bot: Bot) -> None:
    ann, bo = await tabs.open(ANN), await tabs.open(BO)
    ts = await bot.post(text="approve me")

    await ann.bring_to_front()
    await ann.locator(".message").hover()
    await ann.get_by_role("button", name="React with white_check_mark").click()
    await bo.bring_to_front()
    pill = bo.locator("[data-reaction=white_check_mark]")
    await expect(pill).to_have_text("1")
    await pill.click()
    await expect(ann.locator("[data-reaction=white_check_mark]")).to_have_text("2")
    await pill.click()

    await expect(ann.locator("[data-reaction=white_check_mark]")).to_have_text("1")
    kept = await bot.web.reactions_get(channel=INCIDENTS, timestamp=ts)
    message: Json = kept["message"]
    assert message["reactions"] == [{"name": "white_check_mark", "users": [ANN], "count": 1}]
    assert len(bot.events("reaction_removed")) == 1


async def test_the_picker_finds_an_emoji_by_name(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post(text="pick")
    await page.locator(".message").hover()

    await page.get_by_role("toolbar").get_by_role("button", name="Add a reaction").click()
    await page.get_by_label("Search emoji").fill("rotating")
    await page.keyboard.press("Enter")

    await expect(page.locator("[data-reaction=rotating_light]")).to_have_text("1")


async def test_an_update_keeps_what_was_opened(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    ts = await bot.post(*PLAN)
    await page.locator(".task summary").first.click()
    await expect(page.get_by_text("shop-config/prod.yaml")).to_be_visible()

    changed = [
        {**PLAN[0], "title": "2 steps", "tasks": [task("1", "complete"), task("2", "error")]}
    ]
    await bot.web.chat_update(channel=INCIDENTS, ts=ts, text="now", blocks=changed)

    await expect(page.get_by_role("img", name="Failed").first).to_be_visible()
    await expect(page.get_by_text("shop-config/prod.yaml")).to_be_visible()
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)


async def test_a_reply_in_the_thread_pane_reaches_the_app(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    ts = await bot.post(text="the alert")
    await bot.post(text="looking", thread_ts=ts)

    await page.get_by_role("button", name="1 reply").click()
    await expect(page.locator(".thread")).to_contain_text("looking")
    await page.locator(".thread .composer-text").fill("use *20* instead, @carapulse")
    await page.keyboard.press("Enter")

    await expect(page.locator(".thread .message")).to_have_count(3)
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    await until(lambda: bot.events("app_mention"))
    assert bot.events("app_mention")[0]["thread_ts"] == ts
    assert f"thread={ts}" in page.url


async def test_a_slash_command_is_completed_and_sent(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)

    await page.locator(".conversation .composer-text").press_sequentially("/cara")
    await expect(page.get_by_role("option")).to_contain_text("Ask for a plan")
    await page.keyboard.press("Tab")
    await page.keyboard.type("status")
    await page.keyboard.press("Enter")

    await until(lambda: [one for one in bot.heard if one.get("command")])
    command = next(one for one in bot.heard if one.get("command"))
    assert (command["command"], command["text"]) == ("/carapulse", "status")


async def test_an_at_sign_offers_people_and_groups(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)

    await page.locator(".conversation .composer-text").press_sequentially("ask @sr")
    await expect(page.get_by_role("option")).to_contain_text("Site reliability")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")

    await expect(page.locator(".message .mention")).to_have_text("@sre")
    await until(lambda: bot.events("message"))
    assert "<!subteam^S0SRE" in bot.events("message")[0]["text"]


async def test_a_button_inside_an_attachment_reaches_the_app(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    blocks = [{"type": "actions", "elements": [button("Draft a fix", "alert.draft")]}]
    await bot.post(attachments=[{"color": "#e01e5a", "blocks": blocks}])

    await page.get_by_role("button", name="Draft a fix").click()

    await until(lambda: bot.presses("alert.draft"))


async def test_a_choice_from_a_menu_reaches_the_app(tabs: Tabs, bot: Bot) -> None:
    options = [{"text": plain(name), "value": name} for name in ("prod/eu-1", "prod/us-1")]
    menu = {"type": "static_select", "action_id": "pick.place", "options": options}
    page = await tabs.open(ANN)
    await bot.post({"type": "section", "text": mrkdwn("Which checkout?"), "accessory": menu})

    await page.locator("[data-action='pick.place']").click()
    await page.get_by_label("Search options").fill("us")
    await page.get_by_role("option", name="prod/us-1").click()

    await until(lambda: bot.presses("pick.place"))
    assert bot.presses("pick.place")[0]["selected_option"] == options[1]
    await expect(page.locator("[data-action='pick.place']")).to_have_text("prod/us-1")


async def test_the_app_home_is_published_when_it_is_opened(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    view = {"type": "home", "blocks": [SAID, {"type": "actions", "elements": [button("Go", "go")]}]}

    await page.locator(".channel", has_text="carapulse").click()
    await page.get_by_role("tab", name="Home").click()
    await until(lambda: [one for one in bot.events("app_home_opened") if one["tab"] == "home"])
    await bot.web.views_publish(user_id=ANN, view=view)
    await page.get_by_role("button", name="Go").click()

    await expect(page.locator(".home")).to_contain_text("Nothing waits for you.")
    await until(lambda: bot.presses("go"))


async def test_the_page_says_whether_the_bot_is_connected(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await expect(page.locator(".bot-status")).to_have_text("1 bot connection")

    await bot.socket.close()  # type: ignore[no-untyped-call]

    await expect(page.locator(".bot-status")).to_have_text("The bot is offline")


async def test_a_channel_of_2000_messages_draws_only_its_end(slack: LocalSlack, tabs: Tabs) -> None:
    for number in range(2000):
        said = Message(channel=INCIDENTS, ts=slack.workspace.new_ts(), user=BO, text=f"n{number}")
        slack.workspace.put(said)

    page = await tabs.open(ANN)
    await expect(page.get_by_text("n1999", exact=True)).to_be_in_viewport()
    drawn = await page.locator(".message").count()
    await page.locator(".message-list").first.evaluate("list => { list.scrollTop = 0; }")

    assert drawn <= 100
    await expect(page.get_by_text("n1900", exact=True)).to_have_count(1)
    await expect(page.get_by_text("n1999", exact=True)).not_to_be_in_viewport()


async def test_times_are_in_the_viewers_zone(tabs: Tabs, bot: Bot) -> None:
    ann, cy = await tabs.open(ANN), await tabs.open(CY)

    await bot.post(text="expires <!date^1763784000^{time}|04:00 UTC>, <!date^x^{time}|soon>")

    await expect(ann.locator(".message-text")).to_contain_text("expires 05:00, soon")
    await expect(cy.locator(".message-text")).to_contain_text("expires 13:00, soon")


async def test_a_log_file_shows_its_first_lines_and_opens(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    log = "\n".join(f"line {number}" for number in range(60))

    await bot.web.files_upload_v2(
        content=log, filename="run.log", title="Full log", channel=INCIDENTS, snippet_type="shell"
    )

    snippet = page.locator(".snippet")
    await expect(snippet).to_contain_text("line 4")
    await expect(snippet).not_to_contain_text("line 59")
    await snippet.get_by_role("button", name="Show more").click()
    await expect(snippet).to_contain_text("line 59")


async def test_people_edit_and_delete_their_own_words_only(tabs: Tabs, bot: Bot) -> None:
    ann, bo = await tabs.open(ANN), await tabs.open(BO)
    await ann.locator(".conversation .composer-text").fill("first words")
    await ann.keyboard.press("Enter")

    await bo.locator(".message").hover()
    await bo.get_by_role("button", name="More actions").click()
    await expect(bo.get_by_role("menuitem", name="Draft a plan")).to_be_visible()
    await expect(bo.get_by_role("menuitem", name="Edit message")).to_have_count(0)
    await ann.bring_to_front()
    await ann.keyboard.press("ArrowUp")
    await ann.get_by_label("Edit message").fill("better words")
    await ann.keyboard.press("Enter")
    await expect(bo.locator(".items .message")).to_contain_text("better words")
    await ann.locator(".message").hover()
    await ann.get_by_role("button", name="More actions").click()
    await ann.get_by_role("menuitem", name="Delete message").click()
    await ann.get_by_role("button", name="Delete", exact=True).click()

    await expect(bo.locator(".items .message")).to_have_count(0)


async def test_a_message_shortcut_names_the_message(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    ts = await bot.post(text="disk is full")

    await page.locator(".message").hover()
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Draft a plan").click()

    await until(lambda: [one for one in bot.heard if one.get("type") == "message_action"])
    action = next(one for one in bot.heard if one.get("type") == "message_action")
    assert (action["callback_id"], action["message_ts"]) == ("plan_from_message", ts)


async def test_dark_and_light_follow_the_system_and_the_switch(tabs: Tabs) -> None:
    page = await tabs.open(ANN)
    background = "getComputedStyle(document.querySelector('.conversation')).backgroundColor"
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(background)

    await page.get_by_role("button", name="Appearance: system").click()
    light = await page.evaluate(background)

    assert (dark, light) == ("rgb(26, 29, 33)", "rgb(255, 255, 255)")


async def test_a_phone_shows_one_thing_at_a_time(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await page.set_viewport_size({"width": 390, "height": 844})
    await bot.post(*PLAN)
    await expect(page.get_by_role("button", name="Approve")).to_be_in_viewport()
    wide = await page.evaluate("document.documentElement.scrollWidth")

    await page.get_by_role("button", name="Channels").click()
    await expect(page.locator(".conversation")).to_be_hidden()
    await page.locator(".channel", has_text="general").click()

    await expect(page.get_by_role("heading", name="general").first).to_be_visible()
    assert wide <= 390


SAID: Json = {"type": "section", "text": mrkdwn("Nothing waits for you.")}
EDIT: Json = {
    "type": "modal",
    "title": plain("Edit the plan"),
    "submit": plain("Save"),
    "close": plain("Cancel"),
    "blocks": [
        {"type": "alert", "level": "warning", "text": plain("Approvals start over.")},
        {
            "type": "input",
            "block_id": "pool",
            "label": plain("Pool size"),
            "element": {"type": "plain_text_input", "action_id": "size"},
        },
        {"type": "actions", "elements": [button("Pick a reason", "reason.pick")]},
    ],
}
