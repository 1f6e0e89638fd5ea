"""Keeps documents the same as what a folder or a git remote holds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from engine.domain.actor import Actor, ActorKind
from engine.domain.audit import AuditEvent
from engine.domain.ids import DocumentId, PersonId, Tenant, new_id
from engine.domain.knowledge import Document, DocumentKind, Words, slug
from engine.errors import CarapulseError
from engine.ports import Clock, Store, Unit

Files = tuple[Sequence[tuple[str, Words]], Sequence[str]]
FILES = Actor(kind=ActorKind.SERVICE, id=PersonId("service:runbooks"), name="Runbooks")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where documents are kept; `read` gives them by their path, and what is left out and why."""

    name: str
    read: Callable[[], Awaitable[Files]]
    kind: DocumentKind = DocumentKind.RUNBOOK


@dataclass(frozen=True, slots=True)
class Kept:
    """What became different."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mirror:
    """A source that can't be read leaves what was there; one that is empty removes it."""

    store: Store
    clock: Clock
    tenant: Tenant
    sources: tuple[Source, ...] = ()
    every_seconds: float = 300

    async def run(self) -> None:
        """Refresh for ever; a failure is logged and tried again."""
        while self.sources:
            for source in self.sources:
                try:
                    await self.refresh(source)
                except CarapulseError as error:
                    log.warning(
                        "runbooks not refreshed",
                        action="runbooks.failed",
                        source=source.name,
                        error=str(error),
                    )
            await asyncio.sleep(self.every_seconds)

    async def refresh(self, source: Source) -> Kept:
        """Make the documents of a source what it holds now. Raises what reading it does."""
        found, left_out = await source.read()
        async with self.store.begin() as unit:
            kept = await self._same(unit, source, dict(found))
            await unit.memory.purge()
        for each in left_out:
            log.warning("runbook left out", action="runbooks.left_out", why=each)
        return Kept(kept.added, kept.changed, kept.removed, tuple(left_out))

    async def _same(self, unit: Unit, source: Source, wanted: dict[str, Words]) -> Kept:
        kind = source.kind
        there = {one.reference: one for one in await unit.documents.of_source(kind, source.name)}
        gone = [one for reference, one in there.items() if reference not in wanted]
        for one in gone:
            await unit.documents.remove(one.id, revision=one.revision)
        taken = set(await unit.documents.names(kind))
        added = changed = 0
        for reference, words in wanted.items():
            before = there.get(reference)
            if before is None:
                made = self._new(source, reference, words, taken)
                taken.add(made.name)
                added += await unit.documents.put(made)
            elif differs(before, words):
                update = {**dict(words), "updated_at": self.clock()}
                newer = before.model_copy(update=update)
                changed += await unit.documents.put(newer, revision=before.revision)
        kept = Kept(added, changed, len(gone))
        if added or changed or gone:
            await self._record(unit, source, kept)
        return kept

    def _new(self, source: Source, reference: str, words: Words, taken: set[str]) -> Document:
        now, name = self.clock(), slug(words.title)
        number = 2
        while name in taken:
            name = f"{slug(words.title)}-{number}"
            number += 1
        return Document(
            **words.model_dump(),
            id=DocumentId(new_id()),
            tenant=self.tenant,
            kind=source.kind,
            name=name,
            source=source.name,
            reference=reference,
            author=FILES.id,
            author_name=source.name,
            created_at=now,
            updated_at=now,
        )

    async def _record(self, unit: Unit, source: Source, kept: Kept) -> None:
        await unit.audit.record(
            AuditEvent(
                actor=FILES,
                action=f"{source.kind.value}.refresh",
                subject=source.name,
                decision="allow",
                detail={"added": kept.added, "changed": kept.changed, "removed": kept.removed},
            )
        )


def differs(before: Document, words: Words) -> bool:
    """Whether the file says something else than what is kept."""
    return any(getattr(before, name) != value for name, value in words)
