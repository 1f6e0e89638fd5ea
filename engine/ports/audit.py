"""The whole audit: read in order, sealed by one job, signed at its end."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from engine.domain.audit import Anchor, AuditQuery, AuditRow, Checkpoint, Link, Tail


class Sealer(Protocol):
    """Signs the end of the chain."""

    @property
    def key_id(self) -> str: ...
    def seal(self, message: bytes) -> str: ...
    def anchor(self, message: bytes) -> str: ...


class SealChecker(Protocol):
    """Knows the public keys; False for an unknown key or a wrong signature."""

    def sealed(self, key_id: str, message: bytes, signature: str) -> bool: ...
    def anchored(self, key_id: str, message: bytes, signature: str) -> bool: ...


class AuditReading(Protocol):
    """One unchanging view of the audit, read in order and never held as a whole."""

    def links(self) -> AsyncIterator[Link]: ...
    def rows(self, query: AuditQuery) -> AsyncIterator[AuditRow]: ...
    async def checkpoints(self) -> list[Checkpoint]: ...
    async def anchor(self) -> Anchor | None: ...
    async def tail(self) -> Tail: ...


class AuditChain(Protocol):
    """The chain as it is stored; insert-only for the application."""

    def reading(self) -> AbstractAsyncContextManager[AuditReading]: ...
    async def page(self, query: AuditQuery, limit: int) -> list[AuditRow]:
        """The newest first; `after` is then the id that the page begins below."""
        ...

    async def seal(self, sealer: Sealer, *, limit: int, behind: bool = False) -> int:
        """Link what became visible, sign the end, and say how many rows that were.

        One process at a time: another one's turn returns 0. With `behind` rows are looked for that
        an ordinary turn passes over, such as those of a database that was restored.
        """
        ...

    async def anchor(self, sealer: Sealer, *, before: datetime) -> int | None:
        """Sign where the chain shall begin so that all rows before it are older; None: nowhere."""
        ...

    async def purge(self, up_to: int, at_most: int) -> int:
        """Remove the oldest rows up to an anchor; how many. The purge role alone may."""
        ...
