"""Takes back what dead workers and broken connections have left out."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from engine.domain.minted import Giver, Minted
from engine.errors import ToolFailed, Unavailable
from engine.ports.minting import MintedRecords, Taker

SWEEP_SECONDS = 20.0
# By then its giver has ended it, whatever it answers us.
GRACE = timedelta(minutes=5)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """`gone` tells of a holder whether it is known to have ended."""

    records: MintedRecords
    takers: Mapping[Giver, Taker]
    clock: Callable[[], datetime]
    gone: Callable[[str], bool]
    every: float = SWEEP_SECONDS

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.sweep()
            await asyncio.sleep(self.every)

    async def sweep(self) -> int:
        """Take back all whose call is over; how many that were."""
        try:
            out = await self.records.out()
        except Unavailable as error:
            log.warning("no look at what is out", action="minted.unswept", why=str(error))
            return 0
        over = [one for one in out if one.until < self.clock() or self.gone(one.holder)]
        return sum([await self._taken(one) for one in over])

    async def _taken(self, one: Minted) -> bool:
        taker = self.takers.get(one.giver)
        try:
            if self.clock() < one.expires + GRACE:
                if taker is None:
                    return False  # another worker has the way to it
                await taker.take_back(one)
            await self.records.forget(one)
        except (Unavailable, ToolFailed) as error:
            log.warning(
                "not taken back yet", action="minted.left", giver=one.giver.value, why=str(error)
            )
            return False
        log.info("taken back", action="minted.swept", giver=one.giver.value)
        return True
