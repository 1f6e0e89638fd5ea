"""One-time links to sign in anew: each is one person's, for one purpose, for some minutes.

The link's secret and the browser's are only known to whoever holds them; the database has hashes.
State, nonce and PKCE verifier are made from the browser's secret, so a sign-in that was begun in
one browser can't be ended in another.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from time import monotonic

from engine.domain.actor import Actor
from engine.domain.identity import Claims, Purpose, SignIn
from engine.domain.ids import PlanId, Tenant
from engine.domain.model import Json
from engine.domain.turnstile import Turnstile
from engine.errors import Conflict, NotAllowed, NotFound, TooMany, Unidentified
from engine.ports import Clock, Store
from engine.ports.identity import IdentityProvider

NO_LINK = "This link is none of ours, or it is too old. Press the button again to get a new one."
USED = "This link was used already. Press the button again to get a new one."
EXPIRED = "This link has expired. Press the button again to get a new one."
ELSEWHERE = "This sign-in was begun in another browser. Open the link again, in this one."
NOT_FRESH = (
    "The identity provider did not ask you to sign in again, so this does not count. Nothing was "
    "recorded. Sign out there, and try again."
)
KEPT = timedelta(days=1)
OFTEN = "You have had many links to sign in just now. Use the last one, or ask again in {} min."
LINKS, IN_SECONDS = 10, 600.0


def usual() -> Turnstile:
    """As many links as somebody may get, in this process."""
    return Turnstile(LINKS, IN_SECONDS, monotonic)


@dataclass(frozen=True, slots=True)
class SignIns:
    """Makes links, leads to the identity provider, and takes what comes back, once."""

    store: Store
    provider: IdentityProvider
    clock: Clock
    tenant: Tenant
    base_url: str
    lasts: timedelta
    leeway: timedelta
    turnstile: Turnstile = field(default_factory=usual)

    async def invite(
        self,
        actor: Actor,
        purpose: Purpose,
        *,
        plan_id: PlanId | None = None,
        version: int = 0,
        digest: str = "",
        asked: Mapping[str, Json] | None = None,
    ) -> str:
        """A link for this person alone. Raises `TooMany` when they have had many just now."""
        if wait := self.turnstile.wait(actor.id):
            raise TooMany(OFTEN.format(-(-wait // 60)), wait)
        self.turnstile.charge(actor.id)
        secret, now = secrets.token_urlsafe(32), self.clock()
        async with self.store.begin() as unit:
            await unit.identities.tidy(now - KEPT)
            await unit.identities.invite(
                SignIn(
                    ticket=hashed(secret),
                    tenant=self.tenant,
                    person=actor.id,
                    purpose=purpose,
                    plan_id=plan_id,
                    version=version,
                    digest=digest,
                    asked=dict(asked or {}),
                    made_at=now,
                    expires_at=now + self.lasts,
                )
            )
        return f"{self.base_url}/{secret}"

    async def look(self, secret: str) -> SignIn:
        """What a link is for. Raises `NotFound`, and `Conflict` when it is over."""
        async with self.store.begin() as unit:
            return self._open(await unit.identities.by_ticket(hashed(secret)))

    async def start(self, secret: str, browser: str) -> str:
        """Where to sign in. Raises like `look`, and `Unavailable`."""
        ticket = (await self.look(secret)).ticket
        state = derived(browser, "state")
        url = await self.provider.authorise_url(
            state, derived(browser, "nonce"), derived(browser, "verifier")
        )
        async with self.store.begin() as unit:
            if not await unit.identities.begin(ticket, hashed(state), self.clock()):
                raise Conflict(EXPIRED)
        return url

    async def finish(self, browser: str, state: str, code: str) -> tuple[SignIn, Claims]:
        """What was signed in for, and who did; the link is not used up yet.

        Raises:
            Unidentified: it was not begun in this browser, or is no new sign-in.
            NotFound, Conflict: the link is over.
            Unavailable: the identity provider does not answer.
        """
        sign_in = await self.begun(browser, state)
        claims = await self.provider.redeem(
            code, nonce=derived(browser, "nonce"), verifier=derived(browser, "verifier")
        )
        began, signed_in = sign_in.started_at, claims.signed_in_at
        if began is None or signed_in is None or signed_in < began - self.leeway:
            raise Unidentified(NOT_FRESH)
        return sign_in, claims

    async def begun(self, browser: str, state: str) -> SignIn:
        """The sign-in that this browser has begun. Raises like `finish`."""
        mine = derived(browser, "state")
        if not browser or not hmac.compare_digest(mine.encode(), state.encode("utf-8", "replace")):
            raise Unidentified(ELSEWHERE)
        async with self.store.begin() as unit:
            return self._open(await unit.identities.by_state(hashed(state)))

    async def use_up(self, sign_in: SignIn) -> None:
        """From here on nobody can use it again. Raises `Conflict` when somebody has."""
        async with self.store.begin() as unit:
            if not await unit.identities.end(sign_in.ticket, self.clock()):
                raise Conflict(USED)

    def _open(self, sign_in: SignIn | None) -> SignIn:
        if sign_in is None:
            raise NotFound(NO_LINK)
        if sign_in.ended_at is not None:
            raise Conflict(USED)
        if self.clock() >= sign_in.expires_at:
            raise Conflict(EXPIRED)
        return sign_in


def refuse_other(sign_in: SignIn, actor: Actor) -> None:
    """Raises `NotAllowed` when somebody else than the one who was asked has signed in."""
    if actor.id != sign_in.person:
        raise NotAllowed(
            f"You signed in as {actor.name}, and this link is somebody else's. Nothing was "
            "recorded."
        )


def hashed(secret: str) -> str:
    """What is stored; a plain hash is enough for what chance made."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def derived(browser: str, purpose: str) -> str:
    """One of the values that belong to a browser's secret (43 characters, as RFC 7636 wants)."""
    made = hmac.new(browser.encode("utf-8", "replace"), purpose.encode(), sha256).digest()
    return urlsafe_b64encode(made).rstrip(b"=").decode()
