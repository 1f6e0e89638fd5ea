"""The same claims about the issuer of `up` and about a real Keycloak.

Each bench serves the page of the second sign-in's end and the back channel as the sidecar does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from yarl import URL

from bot.local.issuer.issuer import Account, LocalIssuer
from bot.local.issuer.server import AUDIENCE, CLIENT, open_issuer
from bot.local.ports import LOOPBACK
from engine.directory.oidc.fetching import Fetcher
from engine.directory.oidc.provider import Expected, Provider
from engine.directory.oidc.published import Published
from engine.errors import Unavailable, Unidentified
from tests.contract import keycloak
from tests.contract.keycloak import PEOPLE, Keycloak, open_keycloak

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
STATE, NONCE, VERIFIER = "s" * 43, "n" * 43, "v" * 43
Person = Callable[[str], Awaitable[str]]


@dataclass
class Site:
    """An identity provider, as a test uses it."""

    issuer: str
    redirect_uri: str
    access_token: Person
    subject: Person
    choose: Callable[[str, str], Awaitable[str]]
    rotate: Callable[[], Awaitable[None]]
    log_out: Person
    told: "asyncio.Queue[str]"

    def provider(self, now: Callable[[], float] = monotonic) -> Provider:
        """Ours, knowing nothing yet."""
        fetcher = Fetcher(frozenset({LOOPBACK}))
        published = Published(
            self.issuer, fetcher, algorithms=("RS256", "PS256"), ttl=600, clock=now
        )
        expected = Expected(self.issuer, AUDIENCE, CLIENT)
        return Provider(expected, published, fetcher, lambda: datetime.now(UTC), self.redirect_uri)

    async def code(self, provider: Provider, person: str, verifier: str = VERIFIER) -> str:
        """What a person comes back with."""
        address = await provider.authorise_url(STATE, NONCE, verifier)
        back = URL(await self.choose(address, person))
        assert str(back).startswith(self.redirect_uri)
        assert back.query["state"] == STATE
        return back.query["code"]


@asynccontextmanager
async def back_channel() -> AsyncIterator[tuple[str, "asyncio.Queue[str]"]]:
    """Where a provider tells who has signed out."""
    told: asyncio.Queue[str] = asyncio.Queue()

    async def hear(request: web.Request) -> web.Response:
        told.put_nowait(str((await request.post())["logout_token"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/logout", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    try:
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}", told
    finally:
        await runner.cleanup()


def of_local(issuer: LocalIssuer, redirect_uri: str, told: "asyncio.Queue[str]") -> Site:
    async def access_token(person: str) -> str:
        return issuer.access_token(person)

    async def subject(person: str) -> str:
        return person

    async def choose(address: str, person: str) -> str:
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(
                address.replace("/authorize?", f"/authorize/{person}?"), allow_redirects=False
            ) as led,
        ):
            return str(led.headers["Location"])

    async def rotate() -> None:
        issuer.keys.rotate()

    async def log_out(person: str) -> str:
        told.put_nowait(issuer.logout_token(person))
        return ""

    return Site(issuer.url, redirect_uri, access_token, subject, choose, rotate, log_out, told)


def of_keycloak(server: Keycloak, redirect_uri: str, told: "asyncio.Queue[str]") -> Site:
    async def log_out(person: str) -> str:
        await server.log_out(person)
        return ""

    return Site(
        server.issuer,
        redirect_uri,
        server.access_token,
        server.subject,
        server.choose,
        server.rotate,
        log_out,
        told,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["local", "keycloak"])
async def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        url, told = await stack.enter_async_context(back_channel())
        redirect_uri = f"{url}/callback"
        if request.param == "local":
            people = {
                name: Account(name, name.capitalize(), f"{name}@acme.example", groups)
                for name, groups in PEOPLE.items()
            }
            issuer = await stack.enter_async_context(open_issuer(people, redirect_uri))
            yield of_local(issuer, redirect_uri, told)
            return
        if why := keycloak.missing():
            pytest.skip(why)
        log = Path(tmp_path_factory.mktemp("keycloak")) / "log"
        server = await stack.enter_async_context(open_keycloak(redirect_uri, f"{url}/logout", log))
        yield of_keycloak(server, redirect_uri, told)


async def test_an_access_token_says_who_it_is_and_in_which_groups(site: Site) -> None:
    claims = await site.provider().bearer(await site.access_token("bo"))

    assert (claims.subject, claims.issuer) == (await site.subject("bo"), site.issuer)
    assert set(claims.groups) == {"sre", "shop-owners"}
    assert claims.email == "bo@acme.example"
    assert claims.token_id


async def test_a_sign_in_is_new_and_belongs_to_its_request(site: Site) -> None:
    provider, began = site.provider(), datetime.now(UTC) - timedelta(seconds=2)
    code = await site.code(provider, "ann")

    claims = await provider.redeem(code, nonce=NONCE, verifier=VERIFIER)

    assert claims.subject == await site.subject("ann")
    assert claims.signed_in_at
    assert claims.signed_in_at >= began


@pytest.mark.parametrize(
    "wrong", [{"verifier": "w" * 43}, {"nonce": "m" * 43}], ids=["verifier", "nonce"]
)
async def test_a_code_is_worth_nothing_without_its_secrets(
    site: Site, wrong: dict[str, str]
) -> None:
    provider = site.provider()
    code = await site.code(provider, "ann")

    with pytest.raises((Unavailable, Unidentified)):
        await provider.redeem(code, **({"nonce": NONCE, "verifier": VERIFIER} | wrong))


async def test_a_code_is_taken_once(site: Site) -> None:
    provider = site.provider()
    code = await site.code(provider, "ann")
    await provider.redeem(code, nonce=NONCE, verifier=VERIFIER)

    with pytest.raises(Unavailable):
        await provider.redeem(code, nonce=NONCE, verifier=VERIFIER)


async def test_pkce_is_not_optional(site: Site) -> None:
    provider = site.provider()
    address = URL(await provider.authorise_url(STATE, NONCE, VERIFIER))
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(
            address.without_query_params("code_challenge", "code_challenge_method"),
            allow_redirects=False,
        ) as answer,
    ):
        refused = answer.status == 400 or "error" in URL(answer.headers["Location"]).query

    assert refused


async def test_tokens_are_not_mistaken_for_each_other(site: Site) -> None:
    provider = site.provider()
    seen: list[Any] = []

    class Watching(Fetcher):
        async def post(self, url: str, form: Any) -> object:
            seen.append(await Fetcher.post(self, url, form))
            return seen[-1]

    watching = Provider(
        provider.expected,
        provider.published,
        Watching(frozenset({LOOPBACK})),
        provider.clock,
        provider.redirect_uri,
    )
    await watching.redeem(await site.code(watching, "ann"), nonce=NONCE, verifier=VERIFIER)
    tokens = seen[0]

    await provider.bearer(tokens["access_token"])
    with pytest.raises(Unidentified):
        await provider.bearer(tokens["id_token"])
    if "refresh_token" in tokens:
        with pytest.raises(Unidentified):
            await provider.bearer(tokens["refresh_token"])


async def test_after_a_rotation_old_and_new_keys_count(site: Site) -> None:
    now = [monotonic()]
    provider = site.provider(lambda: now[0])
    old = await site.access_token("ann")
    await provider.bearer(old)

    await site.rotate()
    new = await site.access_token("ann")
    with pytest.raises(Unidentified, match="does not publish"):
        await provider.bearer(new)  # asked a moment ago
    now[0] += 31

    assert (await provider.bearer(new)).subject == (await provider.bearer(old)).subject


async def test_who_signs_out_there_is_told_to_us(site: Site) -> None:
    provider = site.provider()
    token = await site.access_token("dana")

    await site.log_out("dana")
    told = await asyncio.wait_for(site.told.get(), 10)
    claims = await provider.logout(told)

    assert claims.subject == (await provider.bearer(token)).subject
    with pytest.raises(Unidentified):
        await provider.bearer(told)
    with pytest.raises(Unidentified):
        await provider.logout(token)
