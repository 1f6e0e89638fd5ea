"""`/v1/sessions` and their members."""

from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.http.answers import answer
from bot.http.bodies import time
from bot.http.reading import checked, content, if_match, named, one, page, query
from bot.http.tokens import require_scope
from engine.domain.knowledge import Label, Line
from engine.domain.model import Json, Model
from engine.domain.session import Session, SessionState, SessionWords, Viewer, Visibility
from engine.ports import Store
from engine.services.sessions import Sessions


class Changes(Model):
    """What a PATCH may say; what is left out stays."""

    name: Line | None = None
    visibility: Visibility | None = None
    state: SessionState | None = None
    members: Annotated[tuple[Label, ...], Field(max_length=200)] | None = None
    groups: Annotated[tuple[Label, ...], Field(max_length=50)] | None = None


class Member(Model):
    """A person's id, or `group:NAME`."""

    member: Label


@dataclass(frozen=True, slots=True)
class SessionRecords:
    """What the caller may not see is not there."""

    store: Store
    sessions: Sessions

    async def listed(self, request: web.Request) -> web.Response:
        """Newest first."""
        actor = await require_scope(request, self.store, "session.read")
        wanted = query(request)
        found = await self.sessions.listed(
            Viewer.of(actor), after=wanted.after, limit=wanted.limit + 1
        )
        return page(found, wanted, shown)

    async def read(self, request: web.Request) -> web.Response:
        """By id or name."""
        actor = await require_scope(request, self.store, "session.read")
        session = await self.sessions.find(Viewer.of(actor), named(request))
        return one(shown(session), session.revision)

    async def create(self, request: web.Request) -> web.Response:
        """Open one; 201 with its Location."""
        actor = await require_scope(request, self.store, "session.write")
        words = checked(SessionWords, await content(request))
        session = await self.sessions.open(actor, words)
        return one(shown(session), session.revision, location=f"/v1/sessions/{session.id}")

    async def change(self, request: web.Request) -> web.Response:
        """Name, visibility, state (open, closed), members, groups."""
        actor = await require_scope(request, self.store, "session.write")
        revision = if_match(request)
        changes = checked(Changes, await content(request)).model_dump(exclude_none=True)
        session = await self.sessions.change(
            actor, Viewer.of(actor), named(request), changes, revision=revision
        )
        return one(shown(session), session.revision)

    async def members(self, request: web.Request) -> web.Response:
        """Who is in it."""
        actor = await require_scope(request, self.store, "session.read")
        session = await self.sessions.find(Viewer.of(actor), named(request))
        names = [*session.members, *(f"group:{group}" for group in session.groups)]
        return answer({"items": [{"member": name} for name in names], "next": None})

    async def enter(self, request: web.Request) -> web.Response:
        """Add a member."""
        actor = await require_scope(request, self.store, "session.write")
        member = checked(Member, await content(request)).member
        session = await self.sessions.enter(actor, Viewer.of(actor), named(request), member)
        return one(shown(session), session.revision)

    async def leave(self, request: web.Request) -> web.Response:
        """Take a member out."""
        actor = await require_scope(request, self.store, "session.write")
        session = await self.sessions.enter(
            actor,
            Viewer.of(actor),
            named(request),
            request.match_info["member"],
            out=True,
        )
        return one(shown(session), session.revision)


def shown(session: Session) -> dict[str, Json]:
    """A session as the API tells it."""
    kept: dict[str, Any] = session.model_dump(mode="json", exclude={"tenant", "owner_name"})
    return {
        **kept,
        "owner": {"id": session.owner, "name": session.owner_name},
        "created_at": time(session.created_at),
        "closed_at": time(session.closed_at),
    }
