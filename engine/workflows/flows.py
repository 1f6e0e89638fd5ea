"""The two workflows, as one loop each over a small host interface, whoever drives them.

They ask what comes next, wait, or hand out calls; everything they know is in the records. The
same coroutines run on Temporal and on any other host that offers these three things.
"""

import asyncio
from typing import Protocol

from engine.domain.ids import DraftId
from engine.domain.move import Move, MoveKind, StepRequest
from engine.domain.plan import VersionRef


class ExecutionHost(Protocol):
    """What carrying out a version needs."""

    async def next_move(self, ref: VersionRef) -> Move: ...
    async def perform(self, request: StepRequest) -> None:
        """Make a call; returns also when it was lost, since the records tell what became of it."""
        ...

    async def wait(self, seconds: float) -> None:
        """Until woken, at most this long."""
        ...


class DraftHost(Protocol):
    """What drafting needs."""

    async def look(self, draft_id: DraftId) -> None: ...
    async def propose(self, draft_id: DraftId) -> None: ...


async def carry_out(host: ExecutionHost, ref: VersionRef, *, moves: int) -> bool:
    """Go on until nothing is left to do; False when `moves` were made and there is more."""
    for _ in range(moves):
        move = await host.next_move(ref)
        if move.kind is MoveKind.DONE:
            return True
        if move.kind is MoveKind.WAIT:
            await host.wait(move.seconds)
        else:
            await asyncio.gather(*(host.perform(request) for request in move.requests))
    return False


async def draft(host: DraftHost, draft_id: DraftId) -> None:
    """Look first, then propose; each may be repeated."""
    await host.look(draft_id)
    await host.propose(draft_id)
