"""Compares the records with the engine and starts again what is missing there.

A lost history, an empty Temporal database, a change of engine or a workflow that closed too early
is replaced by a workflow of the next epoch; the epoch in the row is the fence, so the old one
changes nothing.
"""

import asyncio
from dataclasses import dataclass

import structlog

from engine.domain.plan import VersionRef
from engine.errors import Unavailable
from engine.ports import Store
from engine.workflows.starting import Starting

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Runs at start and every `every` seconds; two at once do no harm."""

    store: Store
    starter: Starting
    every: float = 15

    async def run(self) -> None:
        """For ever; a component that does not answer is asked again the next time."""
        while True:
            try:
                await self.once()
            except Unavailable as error:
                log.warning("cannot reconcile", action="reconcile", component=error.component)
            await asyncio.sleep(self.every)

    async def once(self) -> int:
        """One round; returns how many workflows were started again."""
        async with self.store.begin() as unit:
            refs = await unit.plans.open_refs()
            drafts = await unit.drafts.open_ids()
        found = 0
        for ref in refs:
            if not await self.starter.lives(str(ref), ref.epoch):
                await self._again(ref)
                found += 1
        for draft_id, epoch in drafts:
            if not await self.starter.lives(f"draft/{draft_id}", epoch):
                async with self.store.begin() as unit:
                    await unit.drafts.set_epoch(draft_id, epoch + 1)
                await self.starter.start_draft(draft_id, epoch + 1)
                found += 1
        if found:
            log.warning("workflows started again", action="reconcile.restarted", count=found)
        return found

    async def _again(self, ref: VersionRef) -> None:
        following = ref.model_copy(update={"epoch": ref.epoch + 1})
        async with self.store.begin() as unit:
            await unit.plans.lock(ref.plan_id)
            if await unit.plans.epoch(ref) != ref.epoch:
                return
            await unit.plans.set_epoch(ref, following.epoch)
        await self.starter.wake(following)
