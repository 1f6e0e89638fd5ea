"""`/v1/policy/shadow`: what a candidate of the policy would answer differently."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.http.answers import answer
from bot.http.reading import PageQuery, asked
from bot.http.tokens import require_scope
from engine.domain.model import Json
from engine.ports import Store
from engine.ports.shadows import Shadows

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SCOPE = "policy.read"


class ShadowQuery(PageQuery):
    """`limit`: how many differences of each candidate, those that come most often first."""

    limit: Annotated[int, Field(ge=1, le=500)] = 50


@dataclass(frozen=True, slots=True)
class PolicyRoutes:
    """Reads only."""

    store: Store
    shadows: Shadows

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Its one path."""
        return (("GET", "/v1/policy/shadow", self.shadow),)

    async def shadow(self, request: web.Request) -> web.Response:
        """Candidates, the newest first."""
        await require_scope(request, self.store, SCOPE)
        wanted = asked(request, ShadowQuery)
        found = await self.shadows.report(wanted.limit)
        items: list[Json] = [one.model_dump(mode="json") for one in found]
        return answer({"items": items, "next": None})
