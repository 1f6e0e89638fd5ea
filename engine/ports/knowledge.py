"""What a team writes down, as protocols: documents, remembered facts, and sessions."""

from collections.abc import Sequence
from typing import Protocol

from engine.domain.ids import DocumentId, FactId, PersonId, SessionId
from engine.domain.knowledge import Document, DocumentKind, Fact, Found
from engine.domain.passage import Passage
from engine.domain.session import Session, Viewer


class Documents(Protocol):
    """Runbooks and playbooks, with a search over their words. Any text is a safe query."""

    async def put(self, document: Document, *, revision: int = 0) -> bool:
        """Insert, or replace the one at this revision; False when name or revision differs."""
        ...

    async def get(self, kind: DocumentKind, name: str) -> Document:
        """By id, name or title. Raises `NotFound`."""
        ...

    async def names(self, kind: DocumentKind) -> dict[str, str]:
        """All names with the source of each."""
        ...

    async def of_source(self, kind: DocumentKind, source: str) -> list[Document]: ...
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
        """Newest first, paged by id; with a query the best first."""
        ...

    async def remove(self, document_id: DocumentId, *, revision: int) -> bool: ...
    async def authors(self, titles: Sequence[str]) -> tuple[PersonId, ...]:
        """Who wrote the playbooks of these titles here."""
        ...

    async def stamp(self, kind: DocumentKind) -> str:
        """Changes whenever a document of this kind that was written here does."""
        ...

    async def relevant(
        self,
        query: str,
        *,
        named: str,
        service: str | None,
        environment: str | None,
        limit: int,
    ) -> list[Passage]:
        """What shares words with a request, best first; `named` are its telling words."""
        ...


class Memory(Protocol):
    """Remembered facts; what the viewer may not see is not there."""

    async def add(self, fact: Fact) -> None: ...
    async def count(self) -> int: ...
    async def get(self, fact_id: str, viewer: Viewer) -> Fact: ...
    async def listed(
        self,
        viewer: Viewer,
        *,
        query: str = "",
        service: str = "",
        session: SessionId | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Fact]: ...
    async def save(self, changed: Fact, *, revision: int) -> bool: ...
    async def forget(self, fact_id: FactId, *, revision: int) -> bool: ...
    async def purge(self) -> int: ...
    async def relevant(
        self,
        query: str,
        *,
        service: str | None,
        environment: str | None,
        session: str | None,
        limit: int,
    ) -> list[Passage]:
        """Facts for a request: its session's and everybody's, never another session's."""
        ...


class Sessions(Protocol):
    """Shared working contexts; what the viewer may not see is not there."""

    async def add(self, session: Session) -> bool:
        """False when its owner has an open one of this name."""
        ...

    async def get(self, session_id: SessionId) -> Session | None:
        """For the engine's own checks; people ask with `find`."""
        ...

    async def find(self, name: str, viewer: Viewer) -> Session: ...
    async def listed(
        self, viewer: Viewer, *, after: str | None = None, limit: int = 50
    ) -> list[Session]: ...
    async def save(self, changed: Session, *, revision: int) -> bool: ...
    async def use(self, channel: str, session_id: SessionId | None) -> None: ...
    async def of_channel(self, channel: str) -> Session | None: ...
