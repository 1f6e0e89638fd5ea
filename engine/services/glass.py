"""Break-glass is loud: in the channel, in the audit under its own name, and in a daily digest."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

import structlog

from engine.domain.approval import Statement
from engine.domain.audit import AuditEvent
from engine.domain.conversation import Place, PostKind
from engine.domain.freeze import inert
from engine.domain.glass import Use
from engine.domain.model import Json
from engine.domain.plan import PlanVersion
from engine.domain.policy import Ruling
from engine.errors import NotFound, Unavailable
from engine.ports import Clock, Directory, Store, Unit
from engine.services.ballot import Ballot

EVERY = 20.0
SUBJECT = "break-glass"
AUDITED = "plan.break_glass"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GlassAlarm:
    """Tells those who own the service; `channel` is for plans that nobody else would see."""

    directory: Directory
    channel: str = ""

    async def given(self, unit: Unit, ballot: Ballot, ruling: Ruling) -> None:
        """One person has broken the glass: the audit has a name for that."""
        await unit.audit.record(
            AuditEvent(
                actor=ballot.actor,
                action=AUDITED,
                subject=ballot.version.plan_id,
                decision="allow",
                reason=ballot.reason,
                policy_decision=ruling.id,
                policy_input_digest=ruling.input_digest,
                detail={
                    "version": ballot.version.version,
                    "digest": ballot.version.digest,
                    "ticket": ballot.ticket,
                    "surface": ballot.surface.value,
                },
                at=ballot.now,
            )
        )

    async def complete(
        self, unit: Unit, version: PlanVersion, agreed: Sequence[Statement], now: datetime
    ) -> None:
        """Enough people have: the channel hears of it, and the digest will tell it."""
        use = used(version, agreed, now)
        await unit.break_glass.add(use)
        place = (await unit.conversations.get(version.conversation_id)).place
        if place.channel.startswith("D") and self.channel:  # nobody else reads a direct message
            place = Place(channel=self.channel, thread="")
        owners = version.requirements.groups[0] if version.requirements.groups else ()
        mentions = " and ".join([await self.directory.mention(group) for group in owners])
        body: dict[str, Json] = {"text": loud(use, mentions), "broadcast": bool(place.thread)}
        await unit.posts.want(PostKind.NOTE, f"glass:{use.plan_id}", place, body=body, urgent=True)


def used(version: PlanVersion, agreed: Sequence[Statement], now: datetime) -> Use:
    """The first one's reason and ticket count; whoever came after has confirmed them."""
    context = version.context
    return Use(
        plan_id=version.plan_id,
        version=version.version,
        reference=version.reference,
        title=version.title,
        place=" in ".join(filter(None, (context.service, context.environment))),
        asked_by=version.requester_name,
        approved_by=tuple(one.person_name for one in agreed),
        reason=agreed[0].reason,
        ticket=agreed[0].ticket,
        at=now,
    )


def loud(use: Use, mentions: str) -> str:
    """For the channel."""
    who = " and ".join(inert(name, 80) for name in use.approved_by)
    return (
        f":warning: *Break-glass: {inert(use.place, 120)}.* {who} approved {use.reference} "
        f"v{use.version}, “{inert(use.title, 200)}”, which {inert(use.asked_by, 80)} asked for.\n"
        f"Reason: {inert(use.reason, 500).rstrip('.')} (ticket {inert(use.ticket, 64)})."
        + (f"\nFor {mentions} to know." if mentions else "")
    )


@dataclass(frozen=True, slots=True)
class Digests:
    """Once a day, in one message, what was approved by break-glass; nothing when nothing was.

    `at` is in `timezone`. Several replicas may run it: the day's row lets one of them tell.
    """

    store: Store
    clock: Clock
    channel: str
    at: time
    timezone: str

    async def run(self) -> None:
        """For ever; a database that is away is waited for."""
        while True:
            try:
                await self.once()
            except Unavailable as error:
                log.warning("digest waits", action="digest.waits", component=error.component)
            await asyncio.sleep(EVERY)

    async def once(self) -> int | None:
        """Tell the day's digest if it is time and nobody has; how much was in it."""
        here = self.clock().astimezone(ZoneInfo(self.timezone))
        if here.time().replace(tzinfo=None) < self.at or not self.channel:
            return None
        async with self.store.begin() as unit:
            uses = await unit.break_glass.digest(here.date())
            if not uses:
                return None if uses is None else 0
            lines = [f"• {told(use)} {await ended(unit, use)}" for use in uses]
            count = "once" if len(uses) == 1 else f"{len(uses)} times"
            text = "\n".join(
                [f":warning: *Break-glass was used {count} since the last digest.*", *lines]
            )
            place = Place(channel=self.channel, thread="")
            await unit.posts.want(PostKind.NOTE, SUBJECT, place, body={"text": text})
        return len(uses)


def told(use: Use) -> str:
    """One use on one line."""
    who = " and ".join(inert(name, 80) for name in use.approved_by)
    return (
        f"{{@when:{int(use.at.timestamp())}}} {use.reference} v{use.version} "
        f"“{inert(use.title, 120)}” ({inert(use.place, 120)}): approved by {who}, asked for by "
        f"{inert(use.asked_by, 80)}. {inert(use.reason, 200)} ({inert(use.ticket, 64)})."
    )


async def ended(unit: Unit, use: Use) -> str:
    """What became of it."""
    try:
        execution = await unit.executions.of_version(use.plan_id, use.version)
        state = execution.state if execution else await unit.plans.state(use.plan_id, use.version)
    except NotFound:
        return ""
    return f"Now: {state.value.replace('_', ' ')}."
