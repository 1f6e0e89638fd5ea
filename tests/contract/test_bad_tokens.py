"""Nobody gets in with a token that is wrong in any way, or whose keys can't be had."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from bot.http.app import Sidecar, open_sidecar
from bot.http.guesses import MOST, SECONDS
from bot.local.issuer.keys import new_key
from engine.directory.oidc.fetching import Fetcher
from engine.directory.oidc.provider import Expected, Provider
from engine.directory.oidc.published import Published
from engine.domain.actor import Actor
from engine.domain.identity import Caller
from engine.domain.ids import PersonId
from engine.domain.turnstile import Turnstile
from engine.errors import Unavailable
from engine.ports import Arrivals, Store
from engine.telemetry.metrics import Metrics
from tests.contract.bad_tokens import AUDIENCE, BAD, CLIENT, Mint

HERE = "127.0.0.1"
KEYS = new_key(), new_key()
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Publisher:
    """An issuer's web server whose answers a test can replace."""

    url: str = ""
    asked: int = 0
    keys: dict[str, Any] = field(default_factory=lambda: {"keys": [KEYS[0].published()]})
    answer: Answer | None = None

    async def discover(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        )

    async def publish(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        return await self.answer(request) if self.answer else web.json_response(self.keys)


@dataclass
class Door:
    """The sidecar, and what its callers are known by."""

    publisher: Publisher
    mint: Mint
    url: str
    now: list[float]

    async def ask(self, token: str) -> tuple[int, dict[str, Any], str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"{self.url}/v1/plans/P-1", headers={"Authorization": f"Bearer {token}"}
            ) as response,
        ):
            told = await response.json(content_type="application/problem+json")
            return response.status, told, response.headers.get("WWW-Authenticate", "")


@dataclass(frozen=True)
class Alone:
    """Everybody with a good token is Ann, who may do nothing: 403 tells that she got in."""

    provider: Provider

    async def caller(self, token: str) -> Caller:
        claims = await self.provider.bearer(token)
        return Caller(actor=Actor(id=PersonId(claims.subject), name="Ann"))


class NoStore:
    """Service tokens that nobody made."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        yield self

    @property
    def tokens(self) -> Any:
        return self

    async def scopes(self, digest: str) -> None:
        return None


@asynccontextmanager
async def serving(publisher: Publisher) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", publisher.discover)
    app.router.add_get("/jwks", publisher.publish)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HERE, 0).start()
    publisher.url = f"http://{HERE}:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_door(inside: tuple[str, ...] = (HERE,), seconds: float = 1) -> AsyncIterator[Door]:
    publisher, now = Publisher(), [monotonic()]
    async with serving(publisher):
        fetcher = Fetcher(frozenset(inside), seconds)
        published = Published(
            publisher.url, fetcher, algorithms=("RS256", "ES256"), ttl=600, clock=lambda: now[0]
        )
        expected = Expected(publisher.url, AUDIENCE, CLIENT)
        provider = Provider(expected, published, fetcher, lambda: datetime.now(UTC))
        sidecar = Sidecar(
            cast(Store, NoStore()),
            cast(Arrivals, None),
            Metrics(),
            callers=Alone(provider),
            turnstile=Turnstile(MOST, SECONDS, lambda: now[0]),
        )
        async with open_sidecar(sidecar, stop_seconds=1) as listening:
            yield Door(publisher, Mint(publisher.url, *KEYS), listening.url, now)
        await provider.close()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


async def test_a_good_token_gets_in(door: Door) -> None:
    status, told, _ = await door.ask(door.mint.token())

    assert (status, told["detail"]) == (403, "Ann lacks the scope plan.read.")


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_is_401_with_a_reason(door: Door, name: str) -> None:
    status, told, challenge = await door.ask(BAD[name](door.mint))

    assert (status, told["status"], challenge) == (401, 401, "Bearer")
    assert told["detail"].endswith(".")
    assert "U0ANN" not in str(told)


async def test_two_tokens_are_none(door: Door) -> None:
    headers = [("Authorization", f"Bearer {door.mint.token()}")] * 2
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{door.url}/v1/plans/P-1", headers=headers) as response,
    ):
        assert response.status == 401


def key(**changes: Any) -> dict[str, Any]:
    return {"keys": [{**KEYS[0].published(), **changes}]}


BAD_KEYS: dict[str, Any] = {
    "for encryption": key(use="enc"),
    "for encryption, by its operations": key(key_ops=["encrypt"]),
    "for another algorithm": key(alg="RS512"),
    "a shared secret": {"keys": [{"kty": "oct", "kid": KEYS[0].id, "k": "c2VjcmV0"}]},
    "with its private half": key(d="AQAB"),
    "broken": key(n="AQAB"),
    "without an id": key(kid=None),
    "twice under one id": {
        "keys": [KEYS[0].published(), {**KEYS[1].published(), "kid": KEYS[0].id}]
    },
    "one of 33": {
        "keys": [KEYS[0].published(), *({"kty": "oct", "kid": str(n)} for n in range(32))]
    },
    "none": {"keys": []},
    "no set": {"key": KEYS[0].published()},
    "a list": [KEYS[0].published()],
}


@pytest.mark.parametrize("name", BAD_KEYS)
async def test_a_key_that_is_unfit_opens_nothing(door: Door, name: str) -> None:
    door.publisher.keys = BAD_KEYS[name]

    status, told, _ = await door.ask(door.mint.token())

    assert (status, told["status"]) == (401, 401)


async def endless(request: web.Request) -> web.StreamResponse:
    """64 MB, if somebody reads that far."""
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(1024):
            await response.write(b" " * 65_536)
    except ConnectionError:
        pass
    return response


async def dripping(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.1)
    except ConnectionError:
        return response


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/.well-known/openid-configuration")


async def failing(request: web.Request) -> web.StreamResponse:
    return web.json_response({"keys": [KEYS[0].published()]}, status=500)


async def silent(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"")


BAD_ANSWERS: dict[str, Answer] = {
    "64 MB": endless,
    "a byte now and then": dripping,
    "a redirect": elsewhere,
    "500": failing,
    "nothing": silent,
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_without_keys_nobody_gets_in_and_the_wait_has_an_end(door: Door, name: str) -> None:
    door.publisher.answer = BAD_ANSWERS[name]

    status, told, _ = await door.ask(door.mint.token())

    assert (status, "can't be had" in told["detail"]) == (401, True)


async def test_an_issuer_inside_is_asked_only_where_the_settings_name_it() -> None:
    async with open_door(inside=()) as door:
        status, _, _ = await door.ask(door.mint.token())

        assert (status, door.publisher.asked) == (401, 0)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/x",
        "https://localhost/x",
        "http://id.example/x",
        "file:///etc/passwd",
        "https://user:pass@id.example/x",
        "https:///x",
        "nonsense",
    ],
)
async def test_keys_are_not_fetched_from_inside(url: str) -> None:
    with pytest.raises(Unavailable):
        await Fetcher(seconds=2).get(url)


async def test_metadata_addresses_are_never_asked_even_where_a_host_is_named() -> None:
    with pytest.raises(Unavailable, match="not public"):
        await Fetcher(frozenset({"169.254.169.254"})).get("http://169.254.169.254/")


async def test_made_up_keys_do_not_make_us_ask_again_and_again(door: Door) -> None:
    for number in range(20):
        await door.ask(door.mint.token({"kid": f"made-up-{number}"}))

    assert door.publisher.asked == 1


async def test_a_new_key_counts_once_it_is_published(door: Door) -> None:
    await door.ask(door.mint.token())
    door.publisher.keys = {"keys": [one.published() for one in KEYS]}
    newer = Mint(door.publisher.url, KEYS[1], KEYS[0])
    early, _, _ = await door.ask(newer.token())
    door.now[0] += 31

    later, _, _ = await door.ask(newer.token())

    assert (early, later) == (401, 403)


async def test_known_keys_outlive_an_outage_of_ten_minutes_and_no_longer(door: Door) -> None:
    await door.ask(door.mint.token())
    door.publisher.answer = failing
    door.now[0] += 599
    within, _, _ = await door.ask(door.mint.token())
    door.now[0] += 2

    after, told, _ = await door.ask(door.mint.token())

    assert (within, after) == (403, 401)
    assert "can't be had" in told["detail"]


async def test_a_provider_that_is_down_is_left_alone_for_a_while(door: Door) -> None:
    door.publisher.answer = failing
    for _ in range(10):
        await door.ask(door.mint.token())

    assert door.publisher.asked == 1
    door.publisher.answer = None
    door.now[0] += 1.1
    assert (await door.ask(door.mint.token()))[0] == 403


async def test_a_provider_that_says_it_is_another_one_is_none(door: Door) -> None:
    door.publisher.url = door.publisher.url.replace(HERE, "localhost")

    status, _, _ = await door.ask(door.mint.token())

    assert status == 401


async def test_a_source_of_many_unknown_tokens_waits_and_who_was_let_in_before_does_not(
    door: Door,
) -> None:
    good, bad = door.mint.token(), door.mint.token(aud="elsewhere")
    await door.ask(good)
    first = [(await door.ask(bad))[0] for _ in range(MOST)]

    status, told, _ = await door.ask(bad)
    again, _, _ = await door.ask(good)

    assert set(first) == {401}
    assert (status, again) == (429, 403)
    assert "Try again in 2 s." in told["detail"]
