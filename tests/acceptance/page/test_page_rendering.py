"""How the local Slack's page draws what the bot sends, in a real browser."""

import pytest
from playwright.async_api import expect

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Message
from tests.acceptance.page.blocks import EVERY_BLOCK, PLAN, mrkdwn, task
from tests.acceptance.page.people import ANN, BO, CY, INCIDENTS, Bot, Tabs

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_new_messages_do_not_move_what_is_being_read(
    slack: LocalSlack, tabs: Tabs, bot: Bot
) -> None:
    for number in range(60):
        said = Message(channel=INCIDENTS, ts=slack.workspace.new_ts(), user=BO, text=f"n{number}")
        slack.workspace.put(said)
    page = await tabs.open(ANN)
    place = "document.querySelector('.message-list').scrollTop"
    await expect(page.get_by_text("n59", exact=True)).to_be_in_viewport()
    await page.evaluate(f"{place} = 300")
    await expect(page.get_by_text("n59", exact=True)).not_to_be_in_viewport()

    await bot.post(text="something new")

    await expect(page.get_by_text("something new", exact=True)).to_have_count(1)
    assert await page.evaluate(place) == 300
    await page.get_by_role("button", name="New messages").click()
    await expect(page.get_by_text("something new", exact=True)).to_be_in_viewport()


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
