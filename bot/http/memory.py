"""`/v1/memory`: facts that operators want remembered."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.http.bodies import time
from bot.http.reading import checked, content, if_match, named, one, page, query
from bot.http.tokens import require_scope
from engine.domain.knowledge import Fact, Told
from engine.domain.model import Json
from engine.domain.session import Viewer
from engine.ports import Store
from engine.services.memory import Memory


@dataclass(frozen=True, slots=True)
class Facts:
    """What the caller may not see is not there."""

    store: Store
    memory: Memory

    async def listed(self, request: web.Request) -> web.Response:
        """Newest first; `q`, `service` and `session` narrow it."""
        actor = await require_scope(request, self.store, "memory.read")
        wanted = query(request)
        found = await self.memory.listed(
            Viewer.of(actor),
            query=wanted.q,
            service=wanted.service,
            session=wanted.session,
            after=wanted.after,
            limit=wanted.limit + 1,
        )
        return page(found, wanted, shown)

    async def read(self, request: web.Request) -> web.Response:
        """One fact with its ETag."""
        actor = await require_scope(request, self.store, "memory.read")
        fact = await self.memory.get(Viewer.of(actor), named(request))
        return one(shown(fact), fact.revision)

    async def create(self, request: web.Request) -> web.Response:
        """201 with its Location."""
        actor = await require_scope(request, self.store, "memory.write")
        told = checked(Told, await content(request))
        fact = await self.memory.remember(actor, Viewer.of(actor), told)
        return one(shown(fact), fact.revision, location=f"/v1/memory/{fact.id}")

    async def replace(self, request: web.Request) -> web.Response:
        """Say it anew; its session stays."""
        actor = await require_scope(request, self.store, "memory.write")
        revision = if_match(request)
        told = checked(Told, await content(request))
        fact = await self.memory.change(
            actor, Viewer.of(actor), named(request), told, revision=revision
        )
        return one(shown(fact), fact.revision)

    async def remove(self, request: web.Request) -> web.Response:
        """204."""
        actor = await require_scope(request, self.store, "memory.write")
        await self.memory.forget(
            actor, Viewer.of(actor), named(request), revision=if_match(request)
        )
        return web.Response(status=204)


def shown(fact: Fact) -> dict[str, Json]:
    """A fact as the API tells it."""
    kept: dict[str, Any] = fact.model_dump(mode="json", exclude={"tenant", "author", "author_name"})
    return {
        **kept,
        "author": {"id": fact.author, "name": fact.author_name},
        "created_at": time(fact.created_at),
        "expires_at": time(fact.expires_at),
    }
