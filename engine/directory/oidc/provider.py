"""One identity provider: bearer tokens in, claims out; and a sign-in by authorisation code."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from yarl import URL

from engine.directory.oidc.fetching import Fetcher
from engine.directory.oidc.published import Published
from engine.directory.oidc.tokens import Header, moment, optional, payload, text
from engine.domain.identity import Claims
from engine.errors import Unidentified
from engine.ports import Clock

BEARERS = frozenset({"jwt", "at+jwt"})
# What tokens for other uses say of themselves (`typ` is Keycloak's), or carry.
OTHER_USES = frozenset({"id", "refresh", "offline", "logout"})
OTHERS_CARRY = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events", "cnf"})
LOGOUTS = frozenset({"jwt", "logout+jwt"})
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
MOST_LISTED = 500
MOST_AUDIENCES = 50


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to count here; names of claims may be paths (`realm_access.roles`)."""

    issuer: str
    audience: str
    client_id: str
    leeway: timedelta = timedelta(seconds=30)
    subject_claim: str = "sub"
    email_claim: str = "email"
    groups_claim: str = "groups"


@dataclass(frozen=True, slots=True)
class Provider:
    """The `IdentityProvider` port."""

    expected: Expected
    published: Published
    fetcher: Fetcher
    clock: Clock
    redirect_uri: str = ""
    client_secret: str = ""
    acr: str = ""

    @property
    def issuer(self) -> str:
        return self.expected.issuer

    async def bearer(self, token: str) -> Claims:
        """Who holds this access token. Raises `Unidentified`."""
        header, given = await self._verified(token)
        kind = given.get("typ", "")
        other = isinstance(kind, str) and kind.lower() in OTHER_USES
        if header.kind not in BEARERS or other or OTHERS_CARRY.intersection(given):
            raise Unidentified("This token was made for another use than asking an API.")
        return self._claims(given, self.expected.audience)

    async def logout(self, token: str) -> Claims:
        """Who has signed out there (OpenID Connect back-channel logout 1.0). `Unidentified`."""
        header, given = await self._verified(token)
        events = given.get("events")
        told = isinstance(events, dict) and isinstance(events.get(LOGOUT), dict)
        if header.kind not in LOGOUTS or not told or "nonce" in given:
            raise Unidentified("This token does not say that somebody signed out.")
        return self._claims(given, self.expected.client_id)

    async def authorise_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where the person signs in anew (RFC 7636; OpenID Connect core 3.1.2). `Unavailable`."""
        document = await self.published.document()
        asked = {
            "response_type": "code",
            "client_id": self.expected.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            "prompt": "login",
            "max_age": "0",
        }
        if self.acr:
            asked["acr_values"] = self.acr
        return str(URL(document.authorization_endpoint).update_query(asked))

    async def redeem(self, code: str, *, nonce: str, verifier: str) -> Claims:
        """Who signed in. Raises `Unidentified`, and `Unavailable` when nobody answers."""
        document = await self.published.document()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.expected.client_id,
            "code_verifier": verifier,
        }
        if self.client_secret:
            form["client_secret"] = self.client_secret
        answer = await self.fetcher.post(document.token_endpoint, form)
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise Unidentified("The identity provider did not say who signed in.")
        _, given = await self._verified(token)
        claims = self._claims(given, self.expected.client_id)
        if given.get("azp", self.expected.client_id) != self.expected.client_id:
            raise Unidentified("The sign-in was made for another client.")
        if not hmac.compare_digest(claims.nonce.encode(), nonce.encode()):
            raise Unidentified("The sign-in belongs to another request.")
        if self.acr and claims.acr != self.acr:
            raise Unidentified("The sign-in was not as strong as it must be here.")
        return claims

    async def close(self) -> None:
        """Stop asking the issuer."""
        await self.published.close()

    async def _verified(self, token: str) -> tuple[Header, dict[str, Any]]:
        header = Header(token)
        key = await self.published.key(header.key_id)
        return header, payload(token, header, key)

    def _claims(self, given: dict[str, Any], audience: str) -> Claims:
        """Check issuer, audience and times; all of them must be there (RFC 7519, RFC 9068)."""
        expected, now = self.expected, self.clock()
        issued, ends = moment(given, "iat"), moment(given, "exp")
        if text(given, "iss") != expected.issuer:
            raise Unidentified("The token comes from another issuer.")
        if audience not in audiences(given):
            raise Unidentified("The token was made for somebody else (`aud`).")
        if now >= ends + expected.leeway:
            raise Unidentified("The token has expired.")
        begins = moment(given, "nbf") if "nbf" in given else issued
        if now < max(issued, begins) - expected.leeway:
            raise Unidentified("The token is not valid yet.")
        return Claims(
            issuer=expected.issuer,
            subject=named(given, expected.subject_claim),
            token_id=optional(given, "jti"),
            issued_at=issued,
            expires_at=ends,
            email=email(at(given, expected.email_claim)),
            groups=listed(at(given, expected.groups_claim)),
            nonce=optional(given, "nonce"),
            signed_in_at=moment(given, "auth_time") if "auth_time" in given else None,
            acr=optional(given, "acr"),
        )


def challenge(verifier: str) -> str:
    """PKCE's S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def audiences(given: Mapping[str, Any]) -> list[str]:
    """`aud` as a list. Raises `Unidentified`."""
    found = given.get("aud")
    several = found if isinstance(found, list) else [found]
    if len(several) > MOST_AUDIENCES or not all(isinstance(one, str) and one for one in several):
        raise Unidentified("The token's `aud` is missing, or can't be read.")
    return [str(one) for one in several]


def named(given: dict[str, Any], claim: str) -> str:
    """The subject. `sub` itself must be there whatever claim is used. Raises `Unidentified`."""
    text(given, "sub")
    return text({claim: at(given, claim)}, claim)


def at(given: Mapping[str, Any], claim: str) -> object:
    """A claim by its name, or by a path of names."""
    if claim in given:
        return given[claim]
    found: object = given
    for part in claim.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def email(found: object) -> str:
    """For showing alone."""
    return found if isinstance(found, str) and len(found) <= 320 and found.isprintable() else ""


def listed(found: object) -> tuple[str, ...]:
    """Groups; what is no list of names is none."""
    several = [found] if isinstance(found, str) else found
    if not isinstance(several, list) or len(several) > MOST_LISTED:
        return ()
    return tuple(one for one in several if isinstance(one, str) and 0 < len(one) <= 255)
