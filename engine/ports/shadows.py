"""What is kept of a candidate of the policy, as a protocol."""

from collections.abc import Sequence
from typing import Protocol

from engine.domain.shadow import Difference, Shadowed, Tally


class Shadows(Protocol):
    """Counts and differences of candidates; bounded. Each raises `Unavailable`."""

    async def note(self, tally: Tally, differences: Sequence[Difference]) -> None:
        """Add to what is there; a problem replaces the one before."""
        ...

    async def report(self, limit: int = 50) -> list[Shadowed]:
        """Candidates, the newest first."""
        ...
