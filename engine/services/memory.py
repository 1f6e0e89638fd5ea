"""What operators want remembered: short facts with a scope, an author and an end."""

from dataclasses import dataclass

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.ids import FactId, SessionId, Tenant, new_id
from engine.domain.knowledge import Fact, Told
from engine.domain.session import Viewer
from engine.errors import Conflict, Invalid, NotAllowed
from engine.ports import Clock, Services, Store, Unit
from engine.services.sessions import at

MOST_FACTS = 10_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Each method is one transaction. What the asker may not see is not found."""

    store: Store
    clock: Clock
    tenant: Tenant
    services: Services

    async def remember(self, actor: Actor, viewer: Viewer, told: Told) -> Fact:
        """Keep a fact. Raises `Invalid`, and `NotFound` for a session that is not the asker's."""
        told = self._checked(told)
        fact = Fact(
            **told.model_dump(),
            id=FactId(new_id()),
            tenant=self.tenant,
            author=actor.id,
            author_name=actor.name,
            created_at=self.clock(),
        )
        async with self.store.begin() as unit:
            if told.session is not None:
                session = await unit.sessions.find(told.session, viewer)
                if not session.open:
                    raise NotAllowed(f"The session *{session.name}* is closed.")
                fact = fact.model_copy(update={"session": session.id})
            if await unit.memory.count() >= MOST_FACTS:
                raise NotAllowed(f"I remember {MOST_FACTS} facts already. Forget some first.")
            await unit.memory.add(fact)
            await self._record(unit, actor, "memory.remember", fact)
        return fact

    async def get(self, viewer: Viewer, fact_id: str) -> Fact:
        """Raises `NotFound`."""
        async with self.store.begin() as unit:
            return await unit.memory.get(fact_id, viewer)

    async def listed(
        self,
        viewer: Viewer,
        *,
        query: str = "",
        service: str = "",
        session: str = "",
        after: str | None = None,
        limit: int = 50,
    ) -> list[Fact]:
        """Newest first."""
        async with self.store.begin() as unit:
            inside: SessionId | None = None
            if session:
                inside = (await unit.sessions.find(session, viewer)).id
            return await unit.memory.listed(
                viewer,
                query=query.replace("\x00", ""),
                service=service,
                session=inside,
                after=after,
                limit=limit,
            )

    async def change(
        self, actor: Actor, viewer: Viewer, fact_id: str, told: Told, *, revision: int | None
    ) -> Fact:
        """Say it anew; the session that it belongs to stays."""
        told = self._checked(told)
        async with self.store.begin() as unit:
            before = await unit.memory.get(fact_id, viewer)
            own(before, viewer)
            changes = {**dict(told), "session": before.session}
            changed = before.model_copy(update=changes)
            if not await unit.memory.save(changed, revision=at(before.revision, revision)):
                raise Conflict("The fact was changed meanwhile. Look at it again.")
            await self._record(unit, actor, "memory.change", changed)
        return changed.model_copy(update={"revision": before.revision + 1})

    async def forget(
        self, actor: Actor, viewer: Viewer, fact_id: str, *, revision: int | None = None
    ) -> Fact:
        """Delete a fact of one's own."""
        async with self.store.begin() as unit:
            fact = await unit.memory.get(fact_id, viewer)
            own(fact, viewer)
            if not await unit.memory.forget(fact.id, revision=at(fact.revision, revision)):
                raise Conflict("The fact was changed meanwhile. Look at it again.")
            await self._record(unit, actor, "memory.forget", fact)
        return fact

    def _checked(self, told: Told) -> Told:
        """The service by its own name. Raises `Invalid` for what is none, or is over already."""
        if told.expires_at is not None and told.expires_at <= self.clock():
            raise Invalid("It would be forgotten at once.", {"expires_at": "is in the past"})
        if not told.service:
            return told
        service = self.services.resolve(told.service)
        if service is None:
            raise Invalid(f"I know no service {told.service}.", {"service": "is not known"})
        return told.model_copy(update={"service": service})

    async def _record(self, unit: Unit, actor: Actor, action: str, fact: Fact) -> None:
        await unit.audit.record(
            AuditEvent(
                actor=actor,
                action=action,
                subject=fact.id,
                decision="allow",
                detail={"service": fact.service, "environment": fact.environment},
            )
        )


def own(fact: Fact, viewer: Viewer) -> None:
    """Only who told a fact changes it."""
    if not viewer.everything and fact.author != viewer.person:
        raise NotAllowed(f"{fact.author_name} wrote this, and can change or forget it.")
