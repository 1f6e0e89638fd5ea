"""`/v1/sign-in/...`: the pages around a second sign-in, and around linking an account."""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from aiohttp import web

from bot.http.answers import in_words
from bot.http.pages import Page, shown
from engine.domain.approval import Decided
from engine.domain.identity import Claims, Link, Purpose, SignIn
from engine.domain.ids import PersonId
from engine.domain.plan import PlanVersion
from engine.errors import (
    CarapulseError,
    Conflict,
    NotAllowed,
    NotFound,
    Tampered,
    Unavailable,
    Unidentified,
)
from engine.ports import Directory, Store
from engine.services.sign_ins import NO_LINK, SignIns

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATH = "/v1/sign-in"
COOKIE = "carapulse_sign_in"
SECRET = re.compile(r"[A-Za-z0-9_-]{20,100}")
LONGEST = 4096
MOST_STEPS = 20
MINUTES = 30 * 60
NOTHING = "Nothing was changed by this page. You can close it."
TITLES: tuple[tuple[type[CarapulseError], str, int], ...] = (
    (NotFound, "This link leads nowhere", 404),
    (Conflict, "This can't be decided this way any more", 409),
    (NotAllowed, "Not allowed", 403),
    (Tampered, "Something is wrong with this plan", 409),
    (Unidentified, "This sign-in does not count", 401),
    (Unavailable, "Try again in a minute", 503),
    (CarapulseError, "This did not work", 400),
)
log = structlog.get_logger(__name__)


class Gate(Protocol):
    """`engine.services.step_ups.StepUps`."""

    async def confirm(self, sign_in: SignIn, claims: Claims) -> Decided: ...


class Accounts(Protocol):
    """`engine.services.identities.Identities`."""

    async def bind(self, person: PersonId, claims: Claims) -> Link: ...


@dataclass(frozen=True, slots=True)
class SignInPages:
    """Every wrong turn has its own page, and changes nothing."""

    store: Store
    directory: Directory
    sign_ins: SignIns
    accounts: Accounts
    gate: Gate

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths; the callback first, because a link's secret would match it too."""
        return (
            ("GET", f"{PATH}/callback", told(self.back)),
            ("GET", f"{PATH}/{{secret}}", told(self.look)),
            ("GET", f"{PATH}/{{secret}}/start", told(self.start)),
        )

    async def look(self, request: web.Request) -> web.StreamResponse:
        """What the link is for; nothing happens by looking at it."""
        secret = secret_of(request)
        sign_in = await self.sign_ins.look(secret)
        name = await self._name(sign_in.person)
        link = f"{PATH}/{secret}/start"
        if sign_in.purpose is Purpose.LINK:
            return shown(linking(name, link))
        return shown(approving(await self._version(sign_in), name, link))

    async def start(self, request: web.Request) -> web.StreamResponse:
        """To the identity provider; the browser keeps the other half of the secret."""
        browser = secrets.token_urlsafe(32)
        url = await self.sign_ins.start(secret_of(request), browser)
        response = web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
        response.headers["Referrer-Policy"] = "no-referrer"
        response.set_cookie(
            COOKIE,
            browser,
            path=PATH,
            max_age=MINUTES,
            httponly=True,
            samesite="Lax",
            secure=self.sign_ins.base_url.startswith("https:"),
        )
        return response

    async def back(self, request: web.Request) -> web.StreamResponse:
        """From the identity provider, with a code or with its refusal."""
        query = request.query
        browser, state = request.cookies.get(COOKIE, ""), query.get("state", "")
        if len(request.query_string) > LONGEST or not SECRET.fullmatch(browser):
            raise Unidentified("This sign-in was not begun in this browser. Open the link again.")
        if "error" in query:
            sign_in = await self.sign_ins.begun(browser, state)
            log.info("sign-in refused", action="sign_in.refused", person=sign_in.person)
            return shown(refused(), status=403)
        sign_in, claims = await self.sign_ins.finish(browser, state, query.get("code", ""))
        if sign_in.purpose is Purpose.LINK:
            await self.accounts.bind(sign_in.person, claims)
            await self.sign_ins.use_up(sign_in)
            response = shown(linked(await self._name(sign_in.person)))
        else:
            decided = await self.gate.confirm(sign_in, claims)
            response = shown(approved(await self._version(sign_in), decided))
        response.del_cookie(COOKIE, path=PATH)
        return response

    async def _version(self, sign_in: SignIn) -> PlanVersion:
        assert sign_in.plan_id is not None
        async with self.store.begin() as unit:
            return await unit.plans.version(sign_in.plan_id, sign_in.version)

    async def _name(self, person: PersonId) -> str:
        found = await self.directory.by_id(person)
        return found.name if found else person


def told(handler: Handler) -> Handler:
    """Expected errors as pages; what nobody expects is answered like everywhere else."""

    async def page(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CarapulseError as error:
            title, status = next(
                (title, status) for kind, title, status in TITLES if isinstance(error, kind)
            )
            return shown(Page(title, [in_words(str(error)), NOTHING]), status=status)

    return page


def secret_of(request: web.Request) -> str:
    """The link's secret. Raises `NotFound` for what can't be one."""
    secret = request.match_info["secret"]
    if not SECRET.fullmatch(secret):
        raise NotFound(NO_LINK)
    return secret


def approving(version: PlanVersion, name: str, link: str) -> Page:
    """What is about to be approved, with everything that would run."""
    left_out = len(version.steps) - MOST_STEPS
    return Page(
        title=version.title,
        lines=[
            f"{name}, you pressed Approve. This is {version.risk.word} risk, so sign in again: "
            "your approval counts when you come back."
        ],
        facts=[
            ("Plan", f"{version.reference} v{version.version}"),
            ("Where", " · ".join(filter(None, (str(version.context), version.context.service)))),
            ("Asked by", version.requester_name),
            ("Digest", version.digest[:16]),
        ],
        steps=[step.title for step in version.steps[:MOST_STEPS]],
        more=f"{left_out} more steps are on the card." if left_out > 0 else "",
        link=link,
        go=f"Sign in and approve v{version.version}",
        small="This link is yours alone, and works once. Close the page to change your mind.",
    )


def approved(version: PlanVersion, decided: Decided) -> Page:
    """It counts."""
    return Page(
        title=f"{version.reference} v{version.version}: your approval counts",
        lines=[in_words(decided.text), "You can close this page. The card in Slack goes on."],
    )


def linking(name: str, link: str) -> Page:
    """What linking means, before it is done."""
    return Page(
        title="Link your account",
        lines=[
            f"Sign in, and the account that you sign in with is {name} from then on: it can ask "
            "and approve as you.",
        ],
        link=link,
        go="Sign in",
        small=f"Only go on if you are {name}, and asked for this link yourself.",
    )


def linked(name: str) -> Page:
    """Done."""
    return Page(
        title="Your account is linked",
        lines=[f"It is {name} from now on. You can close this page."],
    )


def refused() -> Page:
    """The identity provider, or the person there, said no."""
    return Page(
        title="You were not signed in",
        lines=["The identity provider did not sign you in, so nothing was recorded.", NOTHING],
    )
