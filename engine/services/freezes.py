"""Freezes: set and lifted by operators; what waits for them goes on by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.freeze import Freeze, FreezeWords, Window
from engine.domain.ids import FreezeId, Tenant, new_id
from engine.domain.model import Json
from engine.domain.plan import VersionState
from engine.domain.policy import Deed, Ruling
from engine.domain.questions import to_freeze
from engine.domain.touching import touched
from engine.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from engine.ports import Clock, Policy, Services, Store, Unit

EVERY = 5.0
# A little longer than the time between two looks, so that none is missed.
LOOK_BACK = timedelta(seconds=2 * EVERY)
LONGEST = timedelta(days=366)
MARK = 6
OVER = "This freeze is over already."
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Freezes:
    """Each method is one transaction."""

    store: Store
    policy: Policy
    clock: Clock
    tenant: Tenant
    services: Services
    timezone: str = "UTC"
    windows: tuple[Window, ...] = ()

    async def set(self, actor: Actor, words: FreezeWords) -> Freeze:
        """From now, or later, nothing in its scope starts to change.

        Raises `Invalid`, `NotAllowed`, and `Unavailable` when the policy does not answer.
        """
        now = self.clock()
        starts = words.starts_at or now
        wrong = {}
        if words.ends_at and words.ends_at <= max(starts, now):
            wrong["ends_at"] = "must be after its start, and in the future"
        if starts > now + LONGEST:
            wrong["starts_at"] = "is too far away"
        wrong |= self._unknown(words)
        if wrong:
            text = " ".join(f"{name} {said}." for name, said in wrong.items())
            raise Invalid(f"The freeze is wrong: {text}", wrong)
        freeze = Freeze(
            id=FreezeId(new_id()),
            tenant=self.tenant,
            environment=words.environment,
            service=words.service,
            reason=words.reason,
            set_by=actor.id,
            set_by_name=actor.name,
            starts_at=starts,
            ends_at=words.ends_at,
        )
        async with self.store.begin() as unit:
            ruling = await self._asked(unit, actor, Deed.FREEZE_SET, freeze)
            if ruling.allows:
                await unit.freezes.add(freeze)
                await refresh(unit, [freeze])
        allowed(ruling)
        return freeze

    async def lift(self, actor: Actor, name: str) -> Freeze:
        """End it now, by its id or the end of it. Raises `NotFound`, `Conflict`, `NotAllowed`."""
        now = self.clock()
        async with self.store.begin() as unit:
            freeze = await self._named(unit, name)
            ruling = await self._asked(unit, actor, Deed.FREEZE_LIFT, freeze)
            if ruling.allows:
                if not await unit.freezes.lift(freeze.id, actor, now):
                    raise Conflict(OVER)
                await refresh(unit, [freeze])
        allowed(ruling)
        return freeze.model_copy(update={"lifted_at": now, "lifted_by_name": actor.name})

    async def open(self) -> list[Freeze]:
        """Those in force, and those to come."""
        async with self.store.begin() as unit:
            return await unit.freezes.open(self.clock())

    async def listed(self, *, after: str | None = None, limit: int = 50) -> list[Freeze]:
        """All there ever were, newest first."""
        async with self.store.begin() as unit:
            return await unit.freezes.listed(after=after, limit=limit)

    async def get(self, freeze_id: FreezeId) -> Freeze:
        """Raises `NotFound`."""
        async with self.store.begin() as unit:
            return await unit.freezes.get(freeze_id)

    async def run(self) -> None:
        """Tell what waits when a freeze or a window begins or is over, for ever."""
        while True:
            try:
                await self.once()
            except Unavailable as error:
                log.warning("freezes wait", action="freezes.wait", component=error.component)
            await asyncio.sleep(EVERY)

    async def once(self) -> int:
        """One look; how many began or ended. Two replicas at once do no harm."""
        now = self.clock()
        shut = [window for window in self.windows if window.turned(now - LOOK_BACK, now)]
        async with self.store.begin() as unit:
            turned: list[Freeze | Window] = [*await unit.freezes.turned(now), *shut]
            if turned:
                await refresh(unit, turned)
        return len(turned)

    def _unknown(self, words: FreezeWords) -> dict[str, str]:
        """A slip would freeze nothing, and nobody would notice."""
        wrong = {}
        places = environments(self.services)
        if words.environment and places and words.environment not in places:
            wrong["environment"] = (
                f"{words.environment} is no environment here, but {', '.join(places)}"
            )
        if words.service and places and words.service not in self.services.names():
            wrong["service"] = f"{words.service} is not in the service graph"
        return wrong

    async def _named(self, unit: Unit, name: str) -> Freeze:
        mark = name.strip("`[] ").lower()
        found = [one for one in await unit.freezes.open(self.clock()) if one.id.endswith(mark)]
        if len(mark) >= MARK and len(found) == 1:
            return found[0]
        if found:
            raise NotFound("Which one? The list names each freeze by its mark.")
        return await unit.freezes.get(FreezeId(mark))

    async def _asked(self, unit: Unit, actor: Actor, deed: Deed, freeze: Freeze) -> Ruling:
        """The policy's answer, in the audit."""
        question = to_freeze(actor, deed, freeze, tenant=self.tenant, now=self.clock())
        ruling = await self.policy.ask(question)
        await unit.audit.record(
            AuditEvent(
                actor=actor,
                action=deed.value,
                subject=freeze.id,
                decision=ruling.decision.value,
                reason=" ".join(ruling.reasons) or freeze.reason,
                policy_decision=ruling.id,
                policy_input_digest=ruling.input_digest,
                detail=scope(freeze),
            )
        )
        return ruling


def environments(services: Services) -> list[str]:
    """Every environment of the service graph."""
    found: dict[str, None] = {}
    for name in services.names():
        places = services.entry(name).get("environments", [])
        found |= dict.fromkeys(map(str, places)) if isinstance(places, list | dict) else {}
    return list(found)


def allowed(ruling: Ruling) -> None:
    """Raises `NotAllowed`, once its audit row is committed."""
    if not ruling.allows:
        raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this.")


def scope(freeze: Freeze) -> dict[str, Json]:
    """What the audit keeps of it."""
    return {
        "environment": freeze.environment,
        "service": freeze.service,
        "starts_at": freeze.starts_at.isoformat(),
        "ends_at": freeze.ends_at.isoformat() if freeze.ends_at else None,
    }


async def refresh(unit: Unit, freezes: Sequence[Freeze | Window]) -> None:
    """Cards say it, and what waits or runs there looks again."""
    for ref in await unit.plans.open_refs():
        version = await unit.plans.version(ref.plan_id, ref.version)
        places = touched(version)
        if not version.writes or not any(f.covers(p) for f in freezes for p in places):
            continue
        await unit.posts.touch(ref.plan_id, urgent=True)
        if await unit.plans.state(ref.plan_id, ref.version) is not VersionState.WAITING:
            await unit.jobs.add("execution.wake", {"plan_id": ref.plan_id, "version": ref.version})
