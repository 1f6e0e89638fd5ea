"""Questions, help and App Home as somebody at the page meets them, in light and in dark.

The pictures are kept below pytest's `--basetemp`, in `answers-in-the-page*`.
"""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from bot.local.slack.person import Person, buttons, plain
from tests.acceptance.desk import DRAFTED, Desk, open_desk
from tests.acceptance.page.conftest import FLAGS
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Message, Thread, ask

pytestmark = pytest.mark.asyncio(loop_scope="session")
GENERAL = "C0GEN"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        await launched.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("answers-in-the-page")


@pytest_asyncio.fixture(loop_scope="session", params=["light", "dark"])
async def desk(
    request: pytest.FixtureRequest, rig: Rig, browser: Browser, pictures: Path
) -> AsyncIterator[Desk]:
    """Dana in a quiet channel."""
    folder = pictures / request.param
    folder.mkdir(exist_ok=True)
    dark = request.param == "dark"
    async with open_desk(browser, rig.slack_url, "U0DANA", folder, dark=dark) as opened:
        await opened.page.locator(".channel", has_text="general").click()
        yield opened


async def test_a_question_is_answered_with_what_shows_it(rig: Rig, desk: Desk) -> None:
    asked = await desk.ask("@carapulse how is checkout?")
    await desk.open_thread(asked)

    answer = desk.said("checkout looks healthy", "What I looked at")
    await expect(answer).to_be_visible(timeout=DRAFTED)
    await expect(answer).to_contain_text("traces: Tempo is not configured")
    await answer.scroll_into_view_if_needed()
    await desk.picture("question")
    await answer.get_by_role("button", name="Show result 1").click()
    modal = desk.page.locator("dialog.modal")
    await expect(modal).to_contain_text("Result [1]")
    await desk.picture("result")
    await modal.get_by_role("button", name="Close").last.click()
    await answer.get_by_role("button", name="This was helpful", exact=True).click()
    await expect(desk.whispered("Noted, it helped")).to_be_visible()


async def test_an_unclear_order_is_asked_about_with_buttons(rig: Rig, desk: Desk) -> None:
    await rig.changed()
    asked = await desk.ask("@carapulse roll back the last change")
    await desk.open_thread(asked)
    question = desk.said("Which service?")
    await expect(question).to_be_visible(timeout=DRAFTED)
    await desk.picture("unclear")

    await question.get_by_role("button", name="checkout").click()

    await expect(question).to_contain_text("Dana Reyes chose checkout")
    await expect(question.get_by_role("button", name="checkout")).to_have_count(0)
    await expect(desk.card).to_contain_text("but checkout looks healthy", timeout=DRAFTED)


async def test_what_depends_on_a_service_is_drawn(desk: Desk) -> None:
    asked = await desk.ask("@carapulse show me what depends on payments")
    await desk.open_thread(asked)

    await expect(desk.thread.locator("img, .file").last).to_be_visible(timeout=DRAFTED)
    await desk.picture("graph")


async def test_home_and_help_tell_a_newcomer_what_to_say(desk: Desk) -> None:
    await desk.page.locator(".conversation .composer-text").click()
    await desk.page.keyboard.type("/carapulse help")
    await desk.page.keyboard.press("Enter")
    told = desk.page.locator(".conversation .message.ephemeral").last
    await expect(told).to_contain_text("is checkout healthy?")
    await desk.picture("help")

    await desk.page.locator(".channel", has_text="carapulse").click()
    await desk.page.get_by_role("tab", name="Home").click()
    home = desk.page.locator(".home")
    await expect(home).to_contain_text("is checkout healthy?")
    await desk.picture("home")


async def test_each_example_of_the_help_works(rig: Rig) -> None:
    await rig.changed()
    await rig.dana.slash("/carapulse", "help", GENERAL)
    told = plain(await heard(rig.dana, "Ask in words"))
    lines = [line for line in told.splitlines() if line[:2] in ("1.", "2.")]
    examples = [each for line in lines for each in line.split("`") if each.startswith("@carapulse")]
    assert len(examples) == 4

    for example in examples:
        thread = await ask(rig.dana, example.removeprefix("@carapulse "), GENERAL)
        message = await thread.seen(partial(finished, thread), 40, example)
        assert not any("?" in each for each in buttons(message)), plain(message)
        assert ":speech_balloon:" not in plain(message)
        assert ":no_entry_sign:" not in plain(message)


def finished(thread: Thread, message: Message) -> bool:
    """An answer, which can be rated, or a card, which can be decided."""
    ours = thread.inside(message) and bool(message["bot_id"])
    return ours and bool({"Helpful", "Approve"} & set(buttons(message)))


async def heard(person: Person, *words: str) -> Message:
    """What only this person is told in the channel."""

    def fits(message: Message) -> bool:
        mine = message["ephemeral_to"] == person.user_id
        return mine and all(word in plain(message) for word in words)

    return await person.wait_for(fits, timeout=10, what=f"a whisper that says {words}")


async def test_a_plan_asked_for_by_command_is_decided_by_reference(rig: Rig) -> None:
    await rig.broken()
    await rig.dana.slash("/carapulse", "plan roll back the last config change of checkout", GENERAL)
    root = await rig.dana.wait_for(lambda m: "asks: “roll back the last" in m["text"], timeout=10)
    thread = Thread(rig.dana, GENERAL, root["ts"])
    card = await thread.card("Waiting for approval")
    reference = next(word for word in plain(card).split() if word.startswith("P-"))

    await rig.dana.slash("/carapulse", f"status {reference.lower()}", GENERAL)
    await heard(rig.dana, "Waiting for approval", reference)
    await rig.dana.slash("/carapulse", f"approve {reference}", GENERAL)
    await heard(rig.dana, "someone else")
    await rig.ann.slash("/carapulse", f"reject {reference} not before six", GENERAL)
    rejected = await thread.card("Rejected by Ann", "not before six")
    await rig.ann.slash("/carapulse", f"audit {reference}", GENERAL)
    audit = await heard(rig.ann, reference, "Ann Okafor")

    assert "Approve" not in buttons(rejected)
    assert "Ann Okafor rejected it v1" in plain(audit)


async def test_a_number_over_time_is_drawn_under_the_answer(rig: Rig, desk: Desk) -> None:
    await rig.broken()
    asked = await desk.ask("@carapulse why is checkout failing?")
    await desk.open_thread(asked)

    answer = desk.said("Most likely: commit", "What I looked at")
    await expect(answer).to_be_visible(timeout=DRAFTED)
    await expect(answer.locator(".b-data_visualization")).to_contain_text("error rate of checkout")
    await desk.picture("chart")
