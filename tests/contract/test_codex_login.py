"""Logging in to a Codex subscription: what the issuer sees, and what is kept on disk."""

import asyncio
import base64
import hashlib
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.cli.llm_login import by_browser
from engine.errors import ConfigurationError, Unavailable
from engine.llm.codex import Codex
from engine.llm.exchange import Asked, Message, ProviderSettings
from engine.llm.login import Challenge, Issuer, LoginRefused, code_of
from engine.llm.token_file import TokenFile, Tokens, from_answer, from_codex_cli
from tests.contract.model_endpoint import open_endpoint, says

QUESTION = Asked([Message("system", "rules"), Message("user", "hello")], {"type": "object"})


def token(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"h.{body}.s"


@dataclass
class FakeIssuer:
    """Gives tokens to whoever shows the code; remembers what it was sent."""

    url: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    pending: int = 0
    status: int = 200

    async def token(self, request: web.Request) -> web.Response:
        self.forms.append({key: str(value) for key, value in (await request.post()).items()})
        if self.status != 200:
            return web.json_response({"error": "secret-words"}, status=self.status)
        account = {"chatgpt_account_id": "acct-7"}
        answer = {
            "access_token": f"access-{len(self.forms)}",
            "refresh_token": f"refresh-{len(self.forms)}",
            "id_token": token(**{"https://api.openai.com/auth": account}),
            "expires_in": 3600,
        }
        return web.json_response(answer)

    async def usercode(self, request: web.Request) -> web.Response:
        return web.json_response({"device_auth_id": "d1", "user_code": "ABCD", "interval": "0"})

    async def device(self, request: web.Request) -> web.Response:
        self.pending -= 1
        if self.pending >= 0:
            return web.Response(status=403)
        return web.json_response({"authorization_code": "c1", "code_verifier": "v1"})


@asynccontextmanager
async def open_issuer() -> AsyncIterator[FakeIssuer]:
    issuer = FakeIssuer()
    app = web.Application()
    app.router.add_post("/oauth/token", issuer.token)
    app.router.add_post("/api/accounts/deviceauth/usercode", issuer.usercode)
    app.router.add_post("/api/accounts/deviceauth/token", issuer.device)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()


def kept(folder: Path, **other: Any) -> TokenFile:
    file = TokenFile(folder / "codex.json")
    given = {"access_token": "old", "refresh_token": "r0", "account_id": "acct-7", **other}
    file.write(Tokens.model_validate(given))
    return file


def test_the_address_carries_a_challenge_and_not_the_secret() -> None:
    challenge = Challenge()
    query = parse_qs(urlsplit(Issuer("https://issuer", "me").address(challenge)).query)

    hashed = base64.urlsafe_b64encode(hashlib.sha256(challenge.verifier.encode()).digest())
    assert query["code_challenge"] == [hashed.rstrip(b"=").decode()]
    assert query["code_challenge_method"] == ["S256"]
    assert challenge.verifier not in str(query)


def test_an_answer_to_another_login_is_refused() -> None:
    with pytest.raises(LoginRefused, match="state is another"):
        code_of("http://localhost:1455/auth/callback?code=c&state=forged", Challenge())


def test_a_login_that_was_declined_says_why() -> None:
    challenge = Challenge()

    with pytest.raises(LoginRefused, match="access_denied"):
        code_of(f"http://x/?error=access_denied&state={challenge.state}", challenge)


async def test_a_browser_that_comes_back_is_logged_in(
    capsys: pytest.CaptureFixture[str], unused_port: int
) -> None:
    async with open_issuer() as issuer:
        login = asyncio.create_task(by_browser(Issuer(issuer.url, "me"), 10, unused_port))
        state = ""
        async with asyncio.timeout(5):
            while not state:
                await asyncio.sleep(0.01)
                said = capsys.readouterr().out
                state = (
                    parse_qs(urlsplit(said.strip().splitlines()[-1]).query)["state"][0]
                    if said
                    else ""
                )
        async with aiohttp.ClientSession() as browser:
            url = f"http://localhost:{unused_port}/auth/callback?code=c1&state={state}"
            async with browser.get(url) as page:
                assert "logged in" in await page.text()
        tokens = await login

    assert tokens.account_id == "acct-7"
    assert issuer.forms[0]["grant_type"] == "authorization_code"
    assert issuer.forms[0]["code"] == "c1"
    assert len(issuer.forms[0]["code_verifier"]) >= 43


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


async def test_a_code_on_another_device_is_waited_for() -> None:
    async with open_issuer() as issuer:
        issuer.pending = 1
        ours = Issuer(issuer.url, "me")
        code = await ours.device()
        tokens = await ours.confirmed(code, 10)

    assert code.user_code == "ABCD"
    assert tokens.access_token.get_secret_value() == "access-1"
    assert issuer.forms[0]["code_verifier"] == "v1"


async def test_an_issuer_that_refuses_is_told_without_its_words() -> None:
    async with open_issuer() as issuer:
        issuer.status = 400
        with pytest.raises(LoginRefused) as caught:
            await Issuer(issuer.url, "me").redeem("c", "v")

    assert "secret-words" not in str(caught.value)
    assert "carapulse llm auth login" in str(caught.value)


def test_the_token_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    file = kept(tmp_path / "secrets")

    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [one.name for one in file.path.parent.iterdir()] == ["codex.json"]
    assert "old" not in repr(file.read())


def test_the_login_of_the_codex_cli_is_taken_over() -> None:
    ends = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
    text = json.dumps(
        {
            "OPENAI_API_KEY": None,
            "tokens": {
                "id_token": token(sub="x"),
                "access_token": token(exp=ends),
                "refresh_token": "r",
                "account_id": "acct-9",
            },
            "last_refresh": "2026-11-22T00:00:00Z",
        }
    )

    tokens = from_codex_cli(text)

    assert tokens.account_id == "acct-9"
    assert tokens.expires_at == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tokens": null}', '{"tokens": {"a": 1}}'])
def test_a_file_without_a_login_is_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"tokens|token"):
        from_codex_cli(text)


def test_a_refresh_that_brings_no_new_secret_keeps_the_old_one() -> None:
    before = Tokens(access_token=SecretStr("a"), refresh_token=SecretStr("r"), account_id="acct")

    after = from_answer({"access_token": "b"}, before)

    assert after.refresh_token.get_secret_value() == "r"
    assert after.account_id == "acct"


async def test_tokens_are_refreshed_once_before_they_end(tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    file = kept(tmp_path, expires_at=soon)
    async with open_issuer() as issuer, open_endpoint(says('{"kind": "remark"}')) as endpoint:
        settings = ProviderSettings("codex", "m", endpoint.url, retries=0)
        codex = Codex(settings, file, Issuer(issuer.url, "me"))
        replies = await asyncio.gather(codex.ask(QUESTION), codex.ask(QUESTION))

        sent = endpoint.requests[0]
    assert [one.text for one in replies] == ['{"kind": "remark"}'] * 2
    assert [one["grant_type"] for one in issuer.forms] == ["refresh_token"]
    assert issuer.forms[0]["refresh_token"] == "r0"
    assert file.read().access_token.get_secret_value() == "access-1"
    assert (sent["instructions"], sent["store"], sent["stream"]) == ("rules", False, True)


async def test_a_login_that_ended_makes_the_model_unavailable(tmp_path: Path) -> None:
    file = kept(tmp_path, expires_at=datetime.now(UTC))
    async with open_issuer() as issuer:
        issuer.status = 400
        settings = ProviderSettings("codex", "m", "http://127.0.0.1:1", retries=0)
        with pytest.raises(Unavailable, match="carapulse llm auth login"):
            await Codex(settings, file, Issuer(issuer.url, "me")).ask(QUESTION)


async def test_without_a_token_file_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    settings = ProviderSettings("codex", "m", "http://127.0.0.1:1", retries=0)

    with pytest.raises(Unavailable, match="carapulse llm auth login"):
        await Codex(settings, TokenFile(tmp_path / "no"), Issuer("http://x", "me")).ask(QUESTION)
