"""What holds changes, and what was approved by break-glass, as protocols of the store."""

from datetime import date, datetime
from typing import Protocol

from engine.domain.actor import Actor
from engine.domain.freeze import Freeze
from engine.domain.glass import Use
from engine.domain.ids import FreezeId


class Freezes(Protocol):
    """Set by people, lifted by people or over by themselves."""

    async def add(self, freeze: Freeze) -> None: ...
    async def get(self, freeze_id: FreezeId) -> Freeze:
        """Raises `NotFound`."""
        ...

    async def lift(self, freeze_id: FreezeId, actor: Actor, now: datetime) -> bool:
        """False when it was over already."""
        ...

    async def open(self, now: datetime) -> list[Freeze]:
        """Those in force and those to come, in the order in which they begin."""
        ...

    async def listed(self, *, after: str | None = None, limit: int = 50) -> list[Freeze]:
        """All there ever were, newest first."""
        ...

    async def turned(self, now: datetime) -> list[Freeze]:
        """Those that have begun or ended since this was last asked; each is told once."""
        ...


class BreakGlass(Protocol):
    """Versions that were approved by break-glass."""

    async def add(self, use: Use) -> None: ...
    async def digest(self, day: date) -> list[Use] | None:
        """What no digest has told yet; None when this day has had its digest."""
        ...
