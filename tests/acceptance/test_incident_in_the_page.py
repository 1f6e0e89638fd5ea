"""The incident as somebody at the page lives it, with mouse and keyboard, on everything real.

The pictures of its moments are kept below pytest's `--basetemp`, in `incident-in-the-page*`.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, async_playwright, expect

from tests.acceptance.desk import DONE, DRAFTED, PHONE, Desk, open_desk
from tests.acceptance.page.conftest import FLAGS
from tests.acceptance.rig import Additions, Rig, open_rig

pytestmark = pytest.mark.asyncio(loop_scope="session")
REQUEST = "@carapulse checkout is failing since the last config change, roll it back"
ALERT = "CheckoutErrorRateHigh"
# Incidents follow each other within seconds here; Slack counts calls by the minute.
HASTE = Additions(env={"CARAPULSE_SLACK__BUDGET_SCALE": "3"})
DANA, ANN, BO = "U0DANA", "U0ANN", "U0BO"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A Carapulse of its own, with nothing in its channels; none without a browser."""
    async with open_rig(tmp_path_factory.mktemp("page"), HASTE) as rig:
        yield rig


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        await launched.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("incident-in-the-page")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(whole: Rig, browser: Browser, pictures: Path) -> AsyncIterator[Desk]:
    """Dana, in #incidents, with checkout healthy."""
    await whole.mended()
    async with open_desk(browser, whole.slack_url, DANA, pictures) as opened:
        yield opened


async def test_an_alert_has_its_own_thread_and_buttons_that_work(
    whole: Rig, desk: Desk, browser: Browser
) -> None:
    await desk.picture("01-empty")
    await whole.broken()
    alert = desk.page.locator(".conversation .message").filter(has_text=ALERT).last
    await expect(alert).to_contain_text("firing since", timeout=DRAFTED)
    await desk.picture("30-alert")
    await alert.get_by_role("button", name="Acknowledge").click()
    await expect(alert).to_contain_text("Dana Reyes looks after it")
    await desk.open_thread(alert)
    await expect(desk.card).to_contain_text("Waiting for approval", timeout=DRAFTED)
    await desk.picture("31-alert-thread")
    await desk.become("Bo Lindqvist")
    await reject(desk, "The customer deploys at 18:00. Wait for it.")
    await expect(desk.card).to_contain_text("Rejected by Bo Lindqvist")
    await alert.get_by_role("button", name="Draft a fix").click()
    await expect(desk.card).to_contain_text("Waiting for approval", timeout=DRAFTED)
    await desk.picture("31b-drafted-again")
    async with open_desk(browser, whole.slack_url, ANN, desk.pictures, dark=True) as dark:
        await dark.page.goto(desk.page.url.replace(BO, ANN))
        await dark.card.scroll_into_view_if_needed()
        await dark.picture("32-dark")
        await dark.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        await expect(dark.card.get_by_role("button", name="Approve", exact=True)).to_be_visible()
        await dark.card.scroll_into_view_if_needed()
        await dark.picture("33-dark-phone")
        wide = await dark.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"]

        await dark.press("Approve")
        await dark.picture("34-phone-confirm")
        await dark.page.get_by_role("button", name="Run it").click()
        await expect(dark.card).to_contain_text("Done in", timeout=DONE)
        await dark.picture("35-phone-done")
    await expect(alert).to_contain_text("resolved", timeout=DONE)
    await expect(alert.get_by_role("button", name="Draft a fix")).to_have_count(0)
    await desk.picture("36-resolved")


async def test_an_incident_is_carried_to_its_verified_end_with_a_mouse(
    whole: Rig, desk: Desk
) -> None:
    bad = await whole.broken()
    asked = await desk.ask(REQUEST)
    await expect(asked.locator("[data-reaction=eyes]")).to_be_visible()
    await desk.open_thread(asked)
    await expect(desk.card).to_contain_text("Waiting for approval", timeout=DRAFTED)
    await expect(desk.card).to_contain_text(bad[:7])
    await expect(desk.card).to_contain_text("not Dana Reyes")
    await desk.picture("02-card")
    await desk.card.locator(".task summary").first.click()
    await desk.picture("03-card-open")

    await desk.press("Approve")
    await expect(desk.page.locator("dialog.confirm")).to_contain_text("Medium risk")
    await desk.picture("04-confirm")
    await desk.page.get_by_role("button", name="Run it").click()
    await expect(desk.whispered("someone else", "@Ann Okafor")).to_be_visible()
    await desk.picture("05-refused")
    assert await whole.head() == bad

    await desk.become("Ann Okafor")
    await expect(desk.thread.locator(".message.ephemeral")).to_have_count(0)
    await desk.press("Approve")
    await desk.page.get_by_role("button", name="Run it").click()
    await expect(desk.card).to_contain_text("Approved by Ann Okafor")
    await expect(desk.card).to_contain_text("Running step")
    await expect(desk.card.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    await expect(desk.log).to_contain_text("[1]")
    await desk.picture("06-running")
    await expect(desk.card).to_contain_text("Done in", timeout=DONE)
    await expect(desk.card.locator(".plan-count")).to_have_text("3 of 3")
    await expect(desk.card).to_contain_text("approved by Ann Okafor")
    await expect(desk.card).to_contain_text(f"{bad[:7]} -> {(await whole.head())[:7]}")
    await expect(desk.said("Done in")).to_be_visible()
    await expect(desk.log).to_contain_text("[3]")
    assert await whole.healthy()

    file = desk.thread.locator(".file").last
    await expect(file).to_contain_text("Full log of X-")
    await desk.picture("07-done")
    assert re.search(r"Z \[3\] ", await downloaded(desk, file))
    await desk.card.scroll_into_view_if_needed()
    await desk.picture("08-done-card")


async def test_an_emoji_from_the_picker_approves_and_the_home_lists_what_waits(
    whole: Rig, desk: Desk
) -> None:
    await whole.broken()
    asked = await desk.ask(REQUEST)
    await desk.open_thread(asked)
    await expect(desk.card).to_contain_text("Waiting for approval", timeout=DRAFTED)
    await desk.react(desk.card, "white_check_mark")
    await expect(desk.whispered("someone else")).to_be_visible()
    found = re.search(r"P-\d+", await desk.card.inner_text())
    assert found

    await desk.become("Ann Okafor")
    await desk.page.locator(".channel", has_text="carapulse").click()
    await desk.page.get_by_role("tab", name="Home").click()
    home = desk.page.locator(".home")
    await expect(home).to_contain_text("Undo")
    await expect(home).to_contain_text("Waiting for approval")
    await desk.picture("10-home")
    row = home.locator(".block", has_text=f"({found[0]} v1)")
    await row.get_by_role("link", name="Undo").click()
    await desk.page.wait_for_url("**thread=*")
    await expect(desk.card).to_contain_text(found[0])
    await expect(desk.card.get_by_role("link", name="[3]").first).to_be_visible()
    await desk.react(desk.card, "white_check_mark")
    await expect(desk.said("@Ann Okafor approved v1 by emoji")).to_be_visible()
    await desk.picture("11-emoji")

    await expect(desk.card).to_contain_text("Done in", timeout=DONE)
    await expect(desk.card).to_contain_text("approved by Ann Okafor")
    assert await whole.healthy()


async def test_a_correction_makes_version_2_on_the_same_card_and_a_reason_rejects_it(
    whole: Rig, desk: Desk
) -> None:
    bad = await whole.broken()
    good = (await whole.commits())[1]
    asked = await desk.ask(REQUEST)
    await desk.open_thread(asked)
    await expect(desk.card).to_contain_text("v1", timeout=DRAFTED)

    await desk.reply(f"use revision {good[:12]} instead")
    await expect(desk.card).to_contain_text("Changed from v1", timeout=DRAFTED)
    await expect(desk.card).to_contain_text("v2")
    await expect(desk.card).to_contain_text(good[:7])
    await expect(desk.cards).to_have_count(1)
    await desk.card.scroll_into_view_if_needed()
    await desk.picture("20-v2")

    await desk.become("Bo Lindqvist")
    await reject(desk, "The customer deploys at 18:00. Wait for it.")
    await expect(desk.card).to_contain_text("Rejected by Bo Lindqvist")
    await expect(desk.card).to_contain_text("The customer deploys at 18:00.")
    await expect(desk.card.locator(".b-actions")).to_have_text("Draft again")
    await desk.picture("22-rejected")
    assert await whole.head() == bad


async def downloaded(desk: Desk, file: Locator) -> str:
    """What is in a file of the thread, through its button."""
    async with desk.page.expect_download() as pending:
        await file.get_by_role("link", name="Download").click()
    return (await (await pending.value).path()).read_text()


async def reject(desk: Desk, reason: str) -> None:
    """Press Reject and say why."""
    await desk.press("Reject")
    modal = desk.page.locator("dialog.modal")
    await modal.get_by_role("textbox").fill(reason)
    await desk.picture("21-reject")
    await modal.get_by_role("button", name="Reject").click()
    await expect(modal).to_have_count(0)
