"""One browser tab as a person at a desk uses it: words typed, buttons pressed, pictures kept."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Error, Locator, Page, expect

from tests.acceptance.page.people import INCIDENTS, Tabs

SOON, DRAFTED, DONE = 10_000, 40_000, 60_000
DESK = {"width": 1440, "height": 1000}
LOG = re.compile(r"^Log of X-")
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True, slots=True)
class Desk:
    """A page, and the folder its pictures go to."""

    page: Page
    pictures: Path

    @property
    def thread(self) -> Locator:
        """The pane at the right."""
        return self.page.locator("aside.thread")

    @property
    def cards(self) -> Locator:
        """The plan cards of the open thread."""
        return self.thread.locator(".message", has=self.page.locator(".b-plan"))

    @property
    def card(self) -> Locator:
        """The newest plan card of the open thread."""
        return self.cards.last

    @property
    def log(self) -> Locator:
        """The rolling log of the open thread."""
        return self.thread.locator(".message", has=self.page.get_by_text(LOG))

    def said(self, *words: str) -> Locator:
        """The last message of the open thread, beside card and log, that says all of this."""
        found = self.thread.locator(".message").filter(has_not=self.page.locator(".b-plan"))
        for each in words:
            found = found.filter(has_text=each)
        return found.last

    def whispered(self, *words: str) -> Locator:
        """What only this person is told."""
        found = self.thread.locator(".message.ephemeral")
        for each in words:
            found = found.filter(has_text=each)
        return found.last

    async def ask(self, text: str) -> Locator:
        """Type it into the channel, letter by letter, and send it; the message."""
        here = self.page.locator(".conversation .message").filter(has_text=text[-40:])
        before = await here.count()
        await self.page.locator(".conversation .composer-text").click()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")
        await expect(here).to_have_count(before + 1)
        ts = await here.last.get_attribute("data-ts")
        return self.page.locator(f'.conversation .message[data-ts="{ts}"]')

    async def open_thread(self, root: Locator) -> None:
        """Press "1 reply" below a message, as soon as there is one.

        A message that changes in the very moment of the press swallows it; a person presses again.
        """
        await root.locator(".reply-bar").click(timeout=DRAFTED)
        try:
            await self.thread.wait_for(state="visible", timeout=3000)
        except Error:
            await root.locator(".reply-bar").click()
        await expect(self.thread).to_be_visible()

    async def reply(self, text: str) -> None:
        """Type it into the thread and send it."""
        await self.thread.locator(".composer-text").click()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def become(self, name: str) -> None:
        """Switch to another person with the avatars at the left; the place stays."""
        person = self.page.get_by_role("radio", name=f"Act as {name}")
        await person.click()
        await expect(person).to_be_checked()

    async def press(self, label: str) -> None:
        """Press a button of the card."""
        await self.card.get_by_role("button", name=label, exact=True).click()

    async def react(self, message: Locator, name: str) -> None:
        """Put an emoji under a message with the picker."""
        await message.hover()
        bar = message.get_by_role("toolbar")
        await bar.get_by_role("button", name="Add a reaction").click()
        await self.page.get_by_label("Search emoji").fill(name)
        await self.page.locator(f'[data-emoji="{name}"]').click()

    async def picture(self, name: str) -> None:
        """Keep what is on the screen."""
        await self.page.mouse.move(0, 0)
        await self.page.screenshot(path=self.pictures / f"{name}.png")


@asynccontextmanager
async def open_desk(
    browser: Browser, url: str, user: str, pictures: Path, *, dark: bool = False
) -> AsyncIterator[Desk]:
    """A tab in #incidents; at the end its console must have stayed silent."""
    expect.set_options(timeout=SOON)
    context = await browser.new_context(
        viewport={"width": DESK["width"], "height": DESK["height"]},
        locale="en-GB",
        reduced_motion="reduce",
        color_scheme="dark" if dark else "light",
    )
    tabs = Tabs(context, url)
    try:
        yield Desk(await tabs.open(user, INCIDENTS), pictures)
    finally:
        await context.close()
    assert tabs.complaints == []
