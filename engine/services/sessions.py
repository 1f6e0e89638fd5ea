"""Sessions: opened by somebody, shared with members and groups, and kept apart from each other."""

from dataclasses import dataclass

from pydantic import ValidationError

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.draft import Draft
from engine.domain.ids import SessionId, Tenant, new_id
from engine.domain.plan import Origin
from engine.domain.session import Session, SessionState, SessionWords, Viewer
from engine.errors import Conflict, Invalid, NotAllowed, Stale
from engine.ports import Clock, Directory, Store, Unit

NEEDED = (
    "{} needs an open session here. Open one with `/carapulse session open NAME`, "
    "then begin a new thread in this channel."
)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Each method is one transaction. What the asker may not see is not found."""

    store: Store
    clock: Clock
    tenant: Tenant

    async def open(self, actor: Actor, words: SessionWords, *, channel: str = "") -> Session:
        """Open a session; what is begun in `channel` from now on belongs to it."""
        session = Session(
            **words.model_dump(),
            id=SessionId(new_id()),
            tenant=self.tenant,
            owner=actor.id,
            owner_name=actor.name,
            created_at=self.clock(),
        )
        async with self.store.begin() as unit:
            if not await unit.sessions.add(session):
                raise Conflict(f"You have an open session that is called {words.name} already.")
            if channel:
                await unit.sessions.use(channel, session.id)
            await self._record(unit, actor, "session.open", session)
        return session

    async def find(self, viewer: Viewer, name: str) -> Session:
        """By id or name. Raises `NotFound`."""
        async with self.store.begin() as unit:
            return await unit.sessions.find(name, viewer)

    async def listed(
        self, viewer: Viewer, *, after: str | None = None, limit: int = 50
    ) -> list[Session]:
        """What the viewer may see, newest first."""
        async with self.store.begin() as unit:
            return await unit.sessions.listed(viewer, after=after, limit=limit)

    async def change(
        self,
        actor: Actor,
        viewer: Viewer,
        name: str,
        changes: dict[str, object],
        *,
        revision: int | None = None,
    ) -> Session:
        """Set fields of `SessionWords`, or `state`. Raises `NotAllowed`, `Stale`, `Conflict`."""
        async with self.store.begin() as unit:
            session = await unit.sessions.find(name, viewer)
            mine(session, viewer)
            changed = self._with(session, changes)
            if not await unit.sessions.save(changed, revision=at(session.revision, revision)):
                raise Conflict("The session changed meanwhile. Look at it again.")
            await self._record(unit, actor, "session.change", changed)
        return changed.model_copy(update={"revision": session.revision + 1})

    async def close(self, actor: Actor, viewer: Viewer, name: str) -> Session:
        """Nothing more is planned or started in it."""
        return await self.change(actor, viewer, name, {"state": SessionState.CLOSED})

    async def enter(
        self, actor: Actor, viewer: Viewer, name: str, member: str, *, out: bool = False
    ) -> Session:
        """Add a member, a person's id or `group:NAME`; or take one out."""
        session = await self.find(viewer, name)
        group, _, rest = member.partition(":")
        field, value = ("groups", rest) if group == "group" and rest else ("members", member)
        now = [one for one in getattr(session, field) if one != value]
        return await self.change(actor, viewer, session.id, {field: now if out else [*now, value]})

    async def use(self, actor: Actor, viewer: Viewer, name: str, channel: str) -> Session:
        """What is begun in the channel from now on belongs to this session."""
        async with self.store.begin() as unit:
            session = await unit.sessions.find(name, viewer)
            if not session.open:
                raise NotAllowed(f"The session *{session.name}* is closed.")
            await unit.sessions.use(channel, session.id)
            await self._record(unit, actor, "session.use", session)
        return session

    async def leave(self, actor: Actor, channel: str) -> bool:
        """What is begun in the channel from now on belongs to no session; whether it did."""
        async with self.store.begin() as unit:
            session = await unit.sessions.of_channel(channel)
            if session is None:
                return False
            await unit.sessions.use(channel, None)
            await self._record(unit, actor, "session.leave", session)
        return True

    def _with(self, session: Session, changes: dict[str, object]) -> Session:
        changes = dict(changes)
        state = SessionState(str(changes.pop("state", session.state)))
        kept = {name: getattr(session, name) for name in SessionWords.model_fields}
        try:
            words = SessionWords.model_validate({**kept, **changes})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Invalid(
                f"The session can't be that: {first['msg']}.", {where: first["msg"]}
            ) from None
        ended = session.closed_at or self.clock() if state is SessionState.CLOSED else None
        return session.model_copy(update={**dict(words), "state": state, "closed_at": ended})

    async def _record(self, unit: Unit, actor: Actor, action: str, session: Session) -> None:
        await unit.audit.record(
            AuditEvent(
                actor=actor,
                action=action,
                subject=session.id,
                decision="allow",
                detail={"name": session.name, "state": session.state.value},
            )
        )


def mine(session: Session, viewer: Viewer) -> None:
    """Only its owner decides about a session."""
    if not viewer.everything and session.owner != viewer.person:
        raise NotAllowed(
            f"{session.owner_name} opened the session *{session.name}* and decides about it."
        )


def at(current: int, wanted: int | None) -> int:
    """The revision to change. Raises `Stale` when it is not the one that the asker has seen."""
    if wanted is not None and wanted != current:
        raise Stale(f"It was changed meanwhile: it is at revision {current} now.")
    return current


async def told_in(unit: Unit, directory: Directory, draft: Draft) -> SessionId | None:
    """The session whose memory a request may be told: its thread's, if the speaker is in it."""
    session = await unit.sessions.get(draft.session) if draft.session else None
    if session is None or draft.origin is Origin.ALERT:
        return session.id if session else None
    if draft.origin is Origin.API:
        return session.id if session.admits(Viewer(person=draft.requester)) else None
    speaker = await directory.by_id(draft.requester)
    admitted = speaker is not None and session.admits(Viewer.of(speaker))
    return session.id if admitted else None


async def may_work(
    unit: Unit,
    session_id: SessionId | None,
    viewer: Viewer | None,
    *,
    required: bool,
    what: str = "Planning",
) -> None:
    """Raises `NotAllowed` unless the session is open and the viewer, if any, may work in it.

    Without a session everything may go on, unless the settings require one.
    """
    if session_id is None:
        if required:
            raise NotAllowed(NEEDED.format(what))
        return
    session = await unit.sessions.get(session_id)
    if session is None or (viewer is not None and not session.admits(viewer)):
        owner = f" Ask {session.owner_name} to add you." if session else ""
        raise NotAllowed(f"This belongs to a session that you are not in.{owner}")
    if not session.open:
        raise NotAllowed(
            f"The session *{session.name}* is closed, so nothing is planned or started in it."
        )
