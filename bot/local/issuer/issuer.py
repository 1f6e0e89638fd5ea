"""An OpenID provider for one machine: the local Slack's people sign in by choosing their name."""

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from bot.local.issuer.keys import Keys

CODE_SECONDS, TOKEN_SECONDS = 60.0, 300


class Wrong(Exception):
    """A request that is refused; `code` is OAuth's word for why (RFC 6749 section 5.2)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in."""

    subject: str
    name: str
    email: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """Who may let people sign in, and where they come back to."""

    id: str
    audience: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One authorisation request, checked."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Code:
    """What a code can be changed into, once and soon."""

    asked: Asked
    account: Account
    signed_in_at: float
    good_until: float


@dataclass(slots=True)
class LocalIssuer:
    """What the routes share."""

    url: str
    client: Client
    accounts: Mapping[str, Account]
    keys: Keys
    clock: Callable[[], float] = time.time
    codes: dict[str, Code] = field(default_factory=dict)

    def discovery(self) -> dict[str, Any]:
        """OpenID Connect discovery 1.0, section 3."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }

    def asked(self, query: Mapping[str, str]) -> Asked:
        """Check an authorisation request. Raises `Wrong`."""
        if query.get("client_id") != self.client.id:
            raise Wrong("invalid_client", "This client is not known here.")
        if query.get("redirect_uri") != self.client.redirect_uri:
            raise Wrong("invalid_request", "This is not where the client's people go back to.")
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            raise Wrong("invalid_request", "Only a code for `openid` can be asked for.")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise Wrong("invalid_request", "PKCE with S256 is needed.")
        return Asked(
            redirect_uri=query["redirect_uri"],
            state=query.get("state", ""),
            nonce=query.get("nonce", ""),
            challenge=query["code_challenge"],
        )

    def code(self, asked: Asked, subject: str) -> str:
        """A code for whoever chose this name. Raises `Wrong`."""
        account = self.accounts.get(subject)
        if account is None:
            raise Wrong("access_denied", "Nobody of that name can sign in here.")
        made, now = secrets.token_urlsafe(24), self.clock()
        self.codes = {name: one for name, one in self.codes.items() if one.good_until > now}
        self.codes[made] = Code(asked, account, now, now + CODE_SECONDS)
        return made

    def redeem(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code. Raises `Wrong`."""
        if form.get("grant_type") != "authorization_code":
            raise Wrong("unsupported_grant_type", "Only codes are taken.")
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or self.clock() >= code.good_until:
            raise Wrong("invalid_grant", "This code is unknown, used, or too old.")
        asked = code.asked
        if (form.get("client_id"), form.get("redirect_uri")) != (
            self.client.id,
            asked.redirect_uri,
        ):
            raise Wrong("invalid_grant", "This code was made for somebody else.")
        if not compare_digest(challenge(form.get("code_verifier", "")), asked.challenge):
            raise Wrong("invalid_grant", "The code verifier does not fit.")
        access = self.access_token(code.account.subject)
        return {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "access_token": access,
            "id_token": self.keys.sign(
                {
                    **self._claims(code.account),
                    "aud": self.client.id,
                    "auth_time": int(code.signed_in_at),
                    "nonce": asked.nonce,
                    "at_hash": half(access),
                }
            ),
        }

    def access_token(self, subject: str, **more: Any) -> str:
        """A token for the API, in the name of an account; `more` replaces claims."""
        claims = {
            **self._claims(self.accounts[subject]),
            "aud": self.client.audience,
            "jti": secrets.token_hex(16),
            "client_id": self.client.id,
            **more,
        }
        return self.keys.sign(claims, "at+jwt")

    def logout_token(self, subject: str, **more: Any) -> str:
        """What clients are told over the back channel when somebody has signed out."""
        now = int(self.clock())
        claims = {
            "iss": self.url,
            "sub": subject,
            "aud": self.client.id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": secrets.token_hex(16),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            **more,
        }
        return self.keys.sign(claims, "logout+jwt")

    def _claims(self, account: Account) -> dict[str, Any]:
        now = int(self.clock())
        return {
            "iss": self.url,
            "sub": account.subject,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "name": account.name,
            "email": account.email,
            "groups": list(account.groups),
        }


def challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    return encoded(sha256(verifier.encode("utf-8", "replace")).digest())


def half(token: str) -> str:
    """`at_hash` of OpenID Connect core 3.1.3.6."""
    return encoded(sha256(token.encode()).digest()[:16])


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
