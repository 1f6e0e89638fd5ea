"""People at the identity provider of `up`: they follow their link and choose their name."""

import re
from typing import Any

import aiohttp

from bot.blocks.actions import SIGN_IN
from bot.local.slack.person import Person
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Thread

GO = re.compile(r'class="go" href="([^"]+)"')


async def access_token(rig: Rig, person: str) -> str:
    """A token for the API, in somebody's name."""
    issuer = rig.up.env["CARAPULSE_OIDC__ISSUER"]
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"{issuer}/access-token/U0{person.upper()}")
        return await answer.text()


async def link_in(thread: Thread, person: Person, *, after: str = "") -> str:
    """Where the button leads that only this person sees here; `after` is the link before it."""

    def fits(message: dict[str, Any]) -> bool:
        mine = message["ephemeral_to"] == person.user_id and thread.inside(message)
        return mine and leads(message) not in ("", after)

    found = await person.wait_for(fits, timeout=10, what="a link to sign in")
    return leads(found)


def leads(message: dict[str, Any]) -> str:
    """The address behind the button to sign in."""
    elements = [one for block in message["blocks"] for one in block.get("elements", [])]
    return next((str(one["url"]) for one in elements if one.get("action_id") == SIGN_IN), "")


async def sign_in(link: str, person: str) -> str:
    """Follow a link, choose a name, come back; what the last page says."""
    jar = aiohttp.CookieJar(unsafe=True)  # the sidecar's host is an address
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        shown = await (await session.get(link)).text()
        found = GO.search(shown)
        assert found, shown
        origin = link.split("/v1/")[0]
        led = await session.get(f"{origin}{found[1]}", allow_redirects=False)
        chosen = led.headers["Location"].replace("/authorize?", f"/authorize/U0{person.upper()}?")
        return await (await session.get(chosen)).text()


async def confirms(thread: Thread, person: Person, name: str, *, after: str = "") -> None:
    """The person follows the link that the thread has whispered, and comes back approved."""
    page = await sign_in(await link_in(thread, person, after=after), name)
    assert "your approval counts" in page, page
