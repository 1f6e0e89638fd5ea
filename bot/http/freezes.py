"""`/v1/freezes`: what holds changes, set and lifted by programs with the right to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from bot.http.answers import answer
from bot.http.bodies import time
from bot.http.reading import PageQuery, asked, checked, content, named, page
from bot.http.tokens import require_scope
from engine.domain.freeze import Freeze, FreezeWords
from engine.domain.ids import FreezeId
from engine.domain.model import Json
from engine.errors import NotFound
from engine.ports import Store
from engine.services.freezes import Freezes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
READ, WRITE = "freeze.read", "freeze.write"


class FreezeQuery(PageQuery):
    """`open`: only those in force and those to come, in the order in which they begin."""

    open: Annotated[bool, Field()] = False


@dataclass(frozen=True, slots=True)
class FreezeRecords:
    """Lifting keeps the record."""

    store: Store
    freezes: Freezes

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("GET", "/v1/freezes", self.listed),
            ("POST", "/v1/freezes", self.set),
            ("GET", "/v1/freezes/{id}", self.read),
            ("DELETE", "/v1/freezes/{id}", self.lift),
        )

    async def listed(self, request: web.Request) -> web.Response:
        """All there ever were, newest first; with `open=true` those that count."""
        await require_scope(request, self.store, READ)
        wanted = asked(request, FreezeQuery)
        if wanted.open:
            rows: list[Json] = [self.shown(one) for one in await self.freezes.open()]
            return answer({"items": rows, "next": None})
        found = await self.freezes.listed(after=wanted.after, limit=wanted.limit + 1)
        return page(found, wanted, self.shown)

    async def set(self, request: web.Request) -> web.Response:
        """201 with its Location."""
        actor = await require_scope(request, self.store, WRITE)
        words = checked(FreezeWords, await content(request))
        made = await self.freezes.set(actor, words)
        response = answer(self.shown(made), status=201)
        response.headers["Location"] = f"/v1/freezes/{made.id}"
        return response

    async def read(self, request: web.Request) -> web.Response:
        """One, by its id."""
        await require_scope(request, self.store, READ)
        return answer(self.shown(await self.freezes.get(identified(request))))

    async def lift(self, request: web.Request) -> web.Response:
        """It ends now; 409 when it was over already."""
        actor = await require_scope(request, self.store, WRITE)
        return answer(self.shown(await self.freezes.lift(actor, identified(request))))

    def shown(self, freeze: Freeze) -> dict[str, Json]:
        """A freeze as the API tells it."""
        return {
            "id": freeze.id,
            "environment": freeze.environment,
            "service": freeze.service,
            "reason": freeze.reason,
            "set_by": {"id": freeze.set_by, "name": freeze.set_by_name},
            "starts_at": time(freeze.starts_at),
            "ends_at": time(freeze.ends_at),
            "lifted_at": time(freeze.lifted_at),
            "lifted_by": freeze.lifted_by_name,
            "in_force": freeze.in_force(self.freezes.clock()),
        }


def identified(request: web.Request) -> FreezeId:
    """The id of the path. Raises `NotFound` for what can't be one."""
    try:
        return FreezeId(str(UUID(named(request))))
    except ValueError:
        raise NotFound("There is no such freeze.") from None
