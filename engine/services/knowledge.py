"""Runbooks and playbooks: written here or kept the same as a folder, and found for a request."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.ids import DocumentId, Tenant, new_id
from engine.domain.knowledge import Document, DocumentKind, Found, Words, slug
from engine.domain.passage import Passage
from engine.errors import Conflict, NotAllowed
from engine.ports import Clock, Services, Store, Unit
from engine.services.sessions import at

MOST_DOCUMENTS = 5_000
LONGEST_QUERY = 1_000
# Words that say what somebody wants, and nothing about the subject.
SAID = (
    "a an and any are can change check could create delete do docs does drop fix for from get got "
    "have help how i in is it make me my of on open or our please playbook playbooks prod "
    "production restart roll run runbook runbooks search set show staging start stop tell that "
    "the there this to update use want we what which with you your"
)
EMPTY = frozenset(SAID.split())
WORD = re.compile(r"[^\W_]+(?:[-.][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The `Knowledge` port, and what people do with documents.

    `check` reads the body of a playbook and returns its title, or raises `Invalid`.
    """

    store: Store
    clock: Clock
    tenant: Tenant
    services: Services
    check: Callable[[str], str]

    async def passages(
        self,
        query: str,
        *,
        service: str | None = None,
        environment: str | None = None,
        session: str | None = None,
        limit: int = 5,
    ) -> tuple[Passage, ...]:
        """What fits a request, best first: what it names, then what shares words with it."""
        query = query[:LONGEST_QUERY].replace("\x00", "")
        async with self.store.begin() as unit:
            documents = await unit.documents.relevant(
                query,
                named=self.telling(query),
                service=service or None,
                environment=environment or None,
                limit=limit,
            )
            facts = await unit.memory.relevant(
                query,
                service=service or None,
                environment=environment or None,
                session=session or None,
                limit=limit,
            )
        found = sorted([*documents, *facts], key=lambda one: (not one.fits, -one.rank))
        return tuple(found[:limit])

    def telling(self, query: str) -> str:
        """The words of a request that say what it is about, beside service and place."""
        words = [word for word in WORD.findall(query.lower()) if word not in EMPTY]
        return " ".join(word for word in words if self.services.resolve(word) is None)

    async def get(self, kind: DocumentKind, name: str) -> Document:
        """By id, name or title. Raises `NotFound`."""
        async with self.store.begin() as unit:
            return await unit.documents.get(kind, name[:200])

    async def listed(
        self,
        kind: DocumentKind,
        *,
        query: str = "",
        service: str = "",
        tag: str = "",
        after: str | None = None,
        limit: int = 50,
    ) -> list[Found]:
        """Newest first; with a query the best first."""
        query = query[:LONGEST_QUERY].replace("\x00", "")
        async with self.store.begin() as unit:
            return await unit.documents.listed(
                kind, query=query, service=service, tag=tag, after=after, limit=limit
            )

    async def write(self, actor: Actor, kind: DocumentKind, words: Words) -> Document:
        """Keep a new document. Raises `Invalid`, `Conflict` when its name is taken."""
        words = self._checked(kind, words)
        now = self.clock()
        document = Document(
            **words.model_dump(),
            id=DocumentId(new_id()),
            tenant=self.tenant,
            kind=kind,
            name=slug(words.title),
            author=actor.id,
            author_name=actor.name,
            authors=(actor.id,),
            created_at=now,
            updated_at=now,
        )
        async with self.store.begin() as unit:
            names = await unit.documents.names(kind)
            if document.name in names:
                raise Conflict(f"There is a {kind.value} called {document.name} already.")
            if len(names) >= MOST_DOCUMENTS:
                raise NotAllowed(f"There are {len(names)} {kind.value}s. Remove some first.")
            if not await unit.documents.put(document):
                raise Conflict(f"There is a {kind.value} called {document.name} already.")
            await self._record(unit, actor, "create", document)
        return document

    async def change(
        self,
        actor: Actor,
        kind: DocumentKind,
        name: str,
        words: Words,
        *,
        revision: int | None = None,
    ) -> Document:
        """Replace what it says; its name stays. Raises `Stale` when it is at another revision."""
        words = self._checked(kind, words)
        async with self.store.begin() as unit:
            before = await unit.documents.get(kind, name)
            written_here(before)
            changes = {
                **dict(words),
                "author": actor.id,
                "author_name": actor.name,
                "authors": tuple(dict.fromkeys((*before.authors, actor.id))),
                "updated_at": self.clock(),
            }
            changed = before.model_copy(update=changes)
            if not await unit.documents.put(changed, revision=at(before.revision, revision)):
                raise Conflict(f"{before.name} was changed meanwhile. Look at it again.")
            await self._record(unit, actor, "change", changed)
        return changed.model_copy(update={"revision": before.revision + 1})

    async def remove(
        self, actor: Actor, kind: DocumentKind, name: str, *, revision: int | None = None
    ) -> Document:
        """Delete it; drafts that used it still name it."""
        async with self.store.begin() as unit:
            document = await unit.documents.get(kind, name)
            written_here(document)
            gone = await unit.documents.remove(
                document.id, revision=at(document.revision, revision)
            )
            if not gone:
                raise Conflict(f"{document.name} was changed meanwhile. Look at it again.")
            await self._record(unit, actor, "remove", document)
        return document

    def _checked(self, kind: DocumentKind, words: Words) -> Words:
        if kind is DocumentKind.RUNBOOK:
            return words
        return words.model_copy(update={"title": self.check(words.body)})

    async def _record(self, unit: Unit, actor: Actor, verb: str, document: Document) -> None:
        await unit.audit.record(
            AuditEvent(
                actor=actor,
                action=f"{document.kind.value}.{verb}",
                subject=document.id,
                decision="allow",
                detail={"name": document.name, "revision": document.revision},
            )
        )


def written_here(document: Document) -> None:
    """What is kept the same as a folder is changed there."""
    if not document.ours:
        raise NotAllowed(
            f"{document.name} comes from {document.source} ({document.reference}). Change it there."
        )
