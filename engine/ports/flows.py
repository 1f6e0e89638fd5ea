"""The queue of what is worked on without Temporal, as a protocol."""

from collections.abc import Callable
from typing import Protocol

from engine.domain.flow import FlowKey, HeldFlow


class Flows(Protocol):
    """Every method raises `Unavailable` when the database does not answer; it keeps the time."""

    async def wake(self, key: FlowKey) -> None:
        """Begin it, or have it looked at now; one that has ended stays ended."""
        ...

    async def lives(self, key: FlowKey) -> bool:
        """Whether it was begun and has not ended."""
        ...

    async def claim(self, holder: str, seconds: float, at_most: int) -> list[HeldFlow]:
        """Take what is due and in nobody's hands, the longest due first."""
        ...

    async def renew(self, holder: str, seconds: float) -> list[HeldFlow]:
        """Hold on to what is in these hands; all of it."""
        ...

    async def let_go(self, held: HeldFlow, seconds: float) -> None:
        """Due again after this, or now if it was woken meanwhile; not if it is another's."""
        ...

    async def end(self, held: HeldFlow) -> None:
        """Nothing is left to do; not if it is another's."""
        ...

    async def next_in(self) -> float | None:
        """Seconds until something can be claimed, as far as is known now."""
        ...

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever something was woken, until the connection ends."""
        ...
