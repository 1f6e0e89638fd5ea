"""Talking on the page: who sees what, threads, commands, reactions, connections."""

import pytest
from playwright.async_api import Browser, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.local.slack.server import open_local_slack
from tests.acceptance.page.people import ANN, BO, INCIDENTS, Bot, Json, Tabs, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_a_stranger_sees_the_shared_channel_only(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open("U0EVE", "C0EXT")

    await expect(page.locator(".channel")).to_have_text(["partners"])
    await expect(page.get_by_text("SHARED", exact=True)).to_be_visible()


async def test_the_page_recovers_when_the_server_comes_back(browser: Browser) -> None:
    context = await browser.new_context(reduced_motion="reduce")
    async with open_local_slack(0) as first:
        page = await Tabs(context, first.url).open(ANN)
        port = int(first.url.rpartition(":")[2])

    await expect(page.get_by_text("connection to local Slack is lost")).to_be_visible()
    async with open_local_slack(port) as second:
        web = AsyncWebClient(token="xoxb-local", base_url=second.api_url)
        await web.chat_postMessage(channel=INCIDENTS, text="I am back")
        await expect(page.locator(".message")).to_contain_text("I am back", timeout=15_000)
        await expect(page.get_by_text("connection to local Slack is lost")).to_be_hidden()
        await context.close()


async def test_the_page_says_whether_the_bot_is_connected(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await expect(page.locator(".bot-status")).to_have_text("1 bot connection")

    await bot.socket.close()  # type: ignore[no-untyped-call]

    await expect(page.locator(".bot-status")).to_have_text("The bot is offline")


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
