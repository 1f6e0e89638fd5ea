"""Logging in to an OpenID issuer: authorization code with PKCE, a device code, and refreshing."""

import asyncio
import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from engine.errors import ConfigurationError, Unavailable
from engine.llm.exchange import COMPONENT
from engine.llm.token_file import Tokens, from_answer

SCOPE = "openid profile email offline_access"
REDIRECT = "http://localhost:1455/auth/callback"
TIMEOUT = aiohttp.ClientTimeout(total=20)
ANSWER_AT_MOST = 64_000
PENDING = frozenset({403, 404})


class LoginRefused(ConfigurationError):
    """The issuer does not accept what was shown to it; logging in again helps."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One attempt (PKCE): a state that the answer repeats, and a secret that only we know."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64))

    @property
    def hashed(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person types at `address`, and how often to ask whether they did."""

    id: str
    user_code: str
    address: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer and the client that we are to it. The addresses are those of the Codex login."""

    url: str
    client_id: str

    def address(self, challenge: Challenge) -> str:
        """Where a person logs in with a browser."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": SCOPE,
            "code_challenge": challenge.hashed,
            "code_challenge_method": "S256",
            "id_token_add_organizations": "true",
            "codex_cli_simplified_flow": "true",
            "state": challenge.state,
        }
        return f"{self.url.rstrip('/')}/oauth/authorize?{urlencode(asked)}"

    async def redeem(self, code: str, verifier: str, redirect: str = REDIRECT) -> Tokens:
        """Exchange a code for tokens. Raises `LoginRefused` or `Unavailable`."""
        return from_answer(
            await self._token(
                {
                    "grant_type": "authorization_code",
                    "client_id": self.client_id,
                    "code": code,
                    "code_verifier": verifier,
                    "redirect_uri": redirect,
                }
            )
        )

    async def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens for old. Raises `LoginRefused` or `Unavailable`."""
        answer = await self._token(
            {
                "grant_type": "refresh_token",
                "client_id": self.client_id,
                "refresh_token": tokens.refresh_token.get_secret_value(),
                "scope": SCOPE,
            }
        )
        return from_answer(answer, tokens)

    async def device(self) -> DeviceCode:
        """Begin a login on another device. Raises `LoginRefused` or `Unavailable`."""
        status, content = await self._post("usercode", {"client_id": self.client_id})
        try:
            if status != 200:
                raise LoginRefused(f"{self.url} offers no login by code (HTTP {status}).")
            return DeviceCode(
                str(content["device_auth_id"]),
                str(content["user_code"]),
                f"{self.url.rstrip('/')}/codex/device",
                max(float(content.get("interval", 5)), 1),
            )
        except (LookupError, TypeError, ValueError):
            raise Unavailable(COMPONENT, f"{self.url} answers with no code.") from None

    async def confirmed(self, device: DeviceCode, within: float) -> Tokens:
        """Wait until the person has typed the code. Raises `LoginRefused` or `Unavailable`."""
        try:
            async with asyncio.timeout(within):
                while True:
                    shown = {"device_auth_id": device.id, "user_code": device.user_code}
                    status, content = await self._post("token", shown)
                    if status == 200:
                        break
                    if status not in PENDING:
                        raise LoginRefused(f"{self.url} refuses the login (HTTP {status}).")
                    await asyncio.sleep(device.seconds)
        except TimeoutError:
            raise LoginRefused(f"Nobody logged in within {within:g} s.") from None
        code, verifier = content.get("authorization_code"), content.get("code_verifier")
        redirect = f"{self.url.rstrip('/')}/deviceauth/callback"
        return await self.redeem(str(code), str(verifier), redirect)

    async def _post(self, name: str, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
        url = f"{self.url.rstrip('/')}/api/accounts/deviceauth/{name}"
        return await self._sent(url, {"json": body})

    async def _token(self, form: dict[str, str]) -> dict[str, Any]:
        url = f"{self.url.rstrip('/')}/oauth/token"
        status, content = await self._sent(url, {"data": form})
        if status >= 500 or status == 429:
            raise Unavailable(COMPONENT, f"{self.url} does not answer (HTTP {status}).")
        if status != 200:
            raise LoginRefused(
                f"{self.url} refuses the login (HTTP {status}). Run `carapulse llm auth login`."
            )
        return content

    async def _sent(self, url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The issuer's words may hold tokens, so no error passes them on."""
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.post(url, allow_redirects=False, **body) as response,
            ):
                raw = await response.content.read(ANSWER_AT_MOST)
                return response.status, _json(raw)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Unavailable(COMPONENT, f"{self.url} can't be reached.") from None


def code_of(redirected: str, challenge: Challenge) -> str:
    """The code in the address to which the browser was sent. Raises `LoginRefused`."""
    query = parse_qs(urlsplit(redirected).query)
    if not secrets.compare_digest(query.get("state", [""])[0], challenge.state):
        raise LoginRefused("This is not the answer to this login: its state is another.")
    code = query.get("code", [""])[0]
    if not code:
        reason = query.get("error", ["no code came"])[0]
        raise LoginRefused(f"The login did not succeed: {reason[:100]}.")
    return code


def _json(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
