"""Which places have runners of their own, as a protocol of the store."""

from typing import Protocol

from engine.domain.context import ContextRef
from engine.domain.site import Served, Site


class Runners(Protocol):
    """Logins are made by the database's owner; a runner's own login sees only itself."""

    async def at(self, context: ContextRef) -> Served | None:
        """What serves this place, where that is not the worker that serves all others."""
        ...

    async def listed(self) -> list[Served]: ...
    async def mine(self) -> Site | None:
        """The place of whoever is logged in; None for a login that is no runner's."""
        ...

    async def beat(self, worker: str) -> None:
        """This runner is alive."""
        ...
