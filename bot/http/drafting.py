"""`POST /v1/plans` and what follows: requests, what they became, and what corrects them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from aiohttp import web
from pydantic import Field, TypeAdapter, ValidationError

from bot.http.answers import answer
from bot.http.drafts import became, under_way
from bot.http.plans import Opinion
from bot.http.reading import checked, content, named
from bot.http.records import wanted
from bot.http.tokens import require_scope
from engine.domain.actor import Actor
from engine.domain.glass import TOO_SHORT, BreakGlassReason
from engine.domain.ids import DraftId
from engine.domain.model import Model
from engine.domain.wanted import Standing, Value, Wanted, Words
from engine.errors import Invalid
from engine.ports import Store
from engine.services.feedback import Feedback
from engine.services.requests import Requests

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SCOPE = "plan.create"
BREAK_GLASS: TypeAdapter[str] = TypeAdapter(BreakGlassReason)
WAIT, LONGEST_WAIT = 5.0, 30.0
PREFERRED = re.compile(r"(?:^|[,;]\s*)wait=(\d{1,4})(?:$|[,;\s])")
KEY = re.compile(r"[!-~]{1,200}")
Given = Annotated[dict[str, Value | None], Field(min_length=1, max_length=60)]


class Said(Model):
    """What one would write in the thread."""

    text: Words


class Edit(Model):
    """Other values for inputs of a version's steps, by the number of the step."""

    version: Annotated[int, Field(ge=1, le=100_000)]
    steps: Annotated[dict[Annotated[int, Field(ge=1, le=100)], Given], Field(min_length=1)]


class Changes(Protocol):
    """`engine.services.drafts.Drafts`."""

    async def confirm(self, actor: Actor, draft_id: DraftId) -> None: ...
    async def drop(self, actor: Actor, draft_id: DraftId) -> None: ...


@dataclass(frozen=True, slots=True)
class Drafting:
    """What a caller asks for is the caller's: others find neither the request nor its answer."""

    store: Store
    requests: Requests
    changes: Changes
    feedback: Feedback

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("POST", "/v1/plans", self.create),
            ("POST", "/v1/plans/{id}/corrections", self.correct),
            ("PUT", "/v1/plans/{id}/edit", self.edit),
            ("POST", "/v1/plans/{id}/edit", self.edit),
            ("GET", "/v1/drafts/{id}", self.read),
            ("POST", "/v1/drafts/{id}/replies", self.reply),
            ("POST", "/v1/drafts/{id}/feedback", self.rate),
            ("POST", "/v1/drafts/{id}:confirm", self.confirm),
            ("POST", "/v1/drafts/{id}:drop", self.drop),
        )

    async def create(self, request: web.Request) -> web.Response:
        """Ask for a plan: 201 with it, 200 with what came instead, 202 while it is drafted."""
        actor = await require_scope(request, self.store, SCOPE)
        body = checked(Wanted, await content(request))
        seconds, key = patience(request), once(request)
        draft_id = await self.requests.ask(actor, body, key=key, break_glass=glass(request))
        return await self._answer(actor, draft_id, seconds)

    async def correct(self, request: web.Request) -> web.Response:
        """Say in the plan's thread what should be different, or ask about it."""
        actor = await require_scope(request, self.store, SCOPE)
        said = checked(Said, await content(request))
        seconds, key = patience(request), once(request)
        draft_id = await self.requests.correct(actor, wanted(request, "plan"), said.text, key=key)
        return await self._answer(actor, draft_id, seconds)

    async def edit(self, request: web.Request) -> web.Response:
        """Set inputs of the plan's steps; what is wrong with one is said by field."""
        actor = await require_scope(request, self.store, SCOPE)
        body = checked(Edit, await content(request))
        seconds = patience(request)
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
        draft_id = await self.requests.edit(actor, plan_id, body.version, body.steps)
        return await self._answer(actor, draft_id, seconds)

    async def read(self, request: web.Request) -> web.Response:
        """What has become of a request; `Prefer: wait=10` waits for it."""
        actor = await require_scope(request, self.store, "plan.read")
        seconds = patience(request, usual=0)
        found = await self.requests.settled(actor, DraftId(named(request)), seconds=seconds)
        return answer(became(found))

    async def reply(self, request: web.Request) -> web.Response:
        """Answer a question that came instead of a plan."""
        actor = await require_scope(request, self.store, SCOPE)
        said = checked(Said, await content(request))
        seconds, key = patience(request), once(request)
        asked = DraftId(named(request))
        draft_id = await self.requests.reply(actor, asked, said.text, key=key)
        return await self._answer(actor, draft_id, seconds)

    async def confirm(self, request: web.Request) -> web.Response:
        """Accept what a change costs, and make it."""
        actor, draft_id = await self._mine(request)
        await self.changes.confirm(actor, draft_id)
        return await self._answer(actor, draft_id, 0)

    async def drop(self, request: web.Request) -> web.Response:
        """Leave the plan as it is."""
        actor, draft_id = await self._mine(request)
        await self.changes.drop(actor, draft_id)
        return await self._answer(actor, draft_id, 0)

    async def rate(self, request: web.Request) -> web.Response:
        """A thumb for an answer."""
        actor, draft_id = await self._mine(request)
        opinion = checked(Opinion, await content(request))
        subject = f"answer:{draft_id}"
        kept = await self.feedback.rate(actor, subject, opinion.verdict, opinion.words)
        return answer({"subject": subject, "verdict": kept.verdict.value, "words": kept.words})

    async def _mine(self, request: web.Request) -> tuple[Actor, DraftId]:
        actor = await require_scope(request, self.store, SCOPE)
        draft_id = DraftId(named(request))
        await self.requests.standing(actor, draft_id)
        return actor, draft_id

    async def _answer(self, actor: Actor, draft_id: DraftId, seconds: float) -> web.Response:
        found = await self.requests.settled(actor, draft_id, seconds=seconds)
        if not found.settled:
            return later(found)
        body = became(found)
        if found.version is None:
            return answer(body)
        response = answer(body, status=201)
        response.headers["Location"] = f"/v1/plans/{found.version.plan_id}"
        return response


def glass(request: web.Request) -> str:
    """The reason of `X-Break-Glass`; empty where it is not asked for. Raises `Invalid`."""
    given = request.headers.get("X-Break-Glass")
    if given is None:
        return ""
    try:
        return BREAK_GLASS.validate_python(given)
    except ValidationError:
        raise Invalid(f"X-Break-Glass must hold the reason. {TOO_SHORT}") from None


def later(found: Standing) -> web.Response:
    """202: it is being drafted, and this is where to look."""
    response = answer(under_way(found), status=202)
    response.headers["Location"] = f"/v1/drafts/{found.draft.id}"
    response.headers["Retry-After"] = "1"
    return response


def patience(request: web.Request, *, usual: float = WAIT) -> float:
    """The seconds of `Prefer: wait=N`, within bounds."""
    match = PREFERRED.search(request.headers.get("Prefer", ""))
    return min(float(match[1]), LONGEST_WAIT) if match else usual


def once(request: web.Request) -> str:
    """The `Idempotency-Key`, for this path alone. Raises `Invalid`."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    if not KEY.fullmatch(given):
        raise Invalid("The Idempotency-Key must be 1 to 200 visible ASCII characters.")
    return f"{request.path}:{given}"
