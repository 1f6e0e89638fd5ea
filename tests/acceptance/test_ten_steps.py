"""Ten steps over three tools, the last check fails: undone in reverse, checked, and readable."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from bot.local.slack.person import buttons, plain
from tests.acceptance.desk import Desk, open_desk
from tests.acceptance.page.conftest import FLAGS
from tests.acceptance.rig import DRILL, Rig, open_rig
from tests.acceptance.thread import Thread, ask, press, reference
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
REQUEST = "grand drill on practice in staging"
CHANGED = (4, 6, 7)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A Carapulse of its own: what is broken here raises alerts, which others would see.

    Changes of staging wait here until somebody presses Run.
    """
    by_hand = replace(DRILL, env={"CARAPULSE_EXECUTION__START": '{"staging": "manual"}'})
    async with open_rig(tmp_path_factory.mktemp("ten"), by_hand) as opened:
        yield opened


async def carried_out(rig: Rig) -> Thread:
    """Asked, approved, started by hand, and then left alone until it is over."""
    thread = await ask(rig.dana, REQUEST)
    card = await thread.card("Waiting for approval", within=60)
    await press(rig.ann, card, "Approve")
    ready = await thread.card("starts when somebody presses Run", "Approved by Ann")
    assert list(buttons(ready)) == ["Run", "Cancel"]
    await press(rig.bo, ready, "Run")
    await thread.card(":warning:", "Step 10 failed", "Undoing steps 7, 6 and 4", within=90)
    await thread.card(":red_circle:", "Failed and rolled back", within=90)
    return thread


async def test_ten_steps_end_rolled_back_verified_and_readable(
    rig: Rig, chromium: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    thread = await carried_out(rig)
    card = await thread.card("Undone: steps 7, 6 and 4")
    execution = (await rig.executions(reference(card)))[0]
    steps = await rig.owner.fetch(
        "SELECT number, state, started_at, ended_at FROM steps WHERE execution_id = $1 "
        "ORDER BY number",
        execution["id"],
    )
    undone = await rig.owner.fetch(
        "SELECT step FROM tool_calls WHERE execution_id = $1 AND phase = 'rollback' "
        "ORDER BY started_at",
        execution["id"],
    )

    assert execution["state"] == "rolled_back"
    assert execution["started_by"] == "Bo Lindqvist"
    assert [one["number"] for one in steps if one["state"] == "rolled_back"] == list(CHANGED)
    assert [one["state"] for one in steps][9] == "failed"
    assert [one["step"] for one in undone] == [7, 6, 4]
    # The three reads of the group began before the first of them ended.
    assert max(one["started_at"] for one in steps[:3]) <= min(one["ended_at"] for one in steps[:3])
    assert re.search(r"Checked again: error rate [0-4](\.\d+)? % \(limit 5 %\)", plain(card))
    await until(rig.healthy, within=30, what="the shop to be what it was")
    await seen(rig, chromium, tmp_path_factory.mktemp("ten-steps"))


async def seen(rig: Rig, chromium: Path, pictures: Path) -> None:
    """A person reads it in the page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        async with open_desk(browser, rig.slack_url, "U0DANA", pictures) as desk:
            await read(desk)
        await browser.close()


async def read(desk: Desk) -> None:
    """The newest drill of the channel, opened."""
    root = desk.page.locator(".conversation .message").filter(has_text="grand drill").last
    await desk.open_thread(root)
    await expect(desk.card).to_contain_text("Failed and rolled back")
    for words in ("Step 10 failed", "Undone: steps 7, 6 and 4", "Checked again: error rate"):
        await expect(desk.card).to_contain_text(words)
    await desk.picture("ten-steps-log")
    await desk.card.scroll_into_view_if_needed()
    await desk.picture("ten-steps-card")
