"""Reminders of a version that waits, and its escalation: durable, and each told once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.domain.actor import WORKER
from engine.domain.audit import AuditEvent
from engine.domain.conversation import Place, PostKind
from engine.domain.freeze import inert
from engine.domain.model import Json
from engine.domain.plan import PlanVersion
from engine.domain.reminding import Escalation, Nagging, Nudge, NudgeKind
from engine.ports import Directory, Unit


@dataclass(frozen=True, slots=True)
class Reminders:
    """`channel` is for plans that were asked for where nobody else reads along."""

    directory: Directory
    nagging: Nagging
    channel: str = ""

    async def tell(self, unit: Unit, version: PlanVersion, now: datetime) -> datetime | None:
        """Tell what is due, and say when the next is; None when there is no other.

        Called with the plan locked. What became due while nobody could tell it is told once.
        """
        done = {
            (one.kind, one.number)
            for one in await unit.reminders.of(version.plan_id, version.version)
        }
        marks = [mark for mark in self.nagging.due(version) if mark[1:] not in done]
        due = [mark for mark in marks if mark[0] <= now]
        for kind in NudgeKind:
            numbers = [number for _, one, number in due if one is kind]
            if numbers:
                await self._told(unit, version, kind, numbers, now)
        return next((moment for moment, _, _ in marks if moment > now), None)

    async def _told(
        self,
        unit: Unit,
        version: PlanVersion,
        kind: NudgeKind,
        numbers: Sequence[int],
        now: datetime,
    ) -> None:
        found = self.nagging.escalation(version) if kind is NudgeKind.ESCALATED else None
        told = found.to if found else ()
        added = [
            await unit.reminders.add(version, Nudge(kind=kind, number=number, told=told, at=now))
            for number in numbers
        ]
        if not any(added):
            return
        if found:
            await self._escalate(unit, version, found)
        else:
            await self._remind(unit, version)
        await unit.posts.touch(version.plan_id)
        await unit.audit.record(
            AuditEvent(
                actor=WORKER,
                action=f"plan.{kind.value}",
                subject=version.plan_id,
                detail={"version": version.version, "told": list(told)},
                at=now,
            )
        )

    async def _remind(self, unit: Unit, version: PlanVersion) -> None:
        """In the thread; the surface says there how it stands, and whom it waits for."""
        since = version.created_at.timestamp()
        body: dict[str, Json] = {"plan_id": version.plan_id, "since": since}
        place = await self._place(unit, version)
        await unit.posts.want(PostKind.NOTE, f"remind:{version.plan_id}", place, body=body)

    async def _escalate(self, unit: Unit, version: PlanVersion, found: Escalation) -> None:
        """Loudly: in the channel too, and where the setting says."""
        mentions = " and ".join([await self.directory.mention(group) for group in found.to])
        place = await self._place(unit, version)
        places = [place]
        if found.channel and found.channel != place.channel:
            places.append(Place(channel=found.channel, thread=""))
        for one in places:
            body: dict[str, Json] = {
                "text": loud(version, mentions),
                "broadcast": bool(one.thread),
            }
            subject = f"escalate:{version.plan_id}"
            await unit.posts.want(PostKind.NOTE, subject, one, body=body, urgent=True)

    async def _place(self, unit: Unit, version: PlanVersion) -> Place:
        place = (await unit.conversations.get(version.conversation_id)).place
        alone = place.channel.startswith("D") and self.channel
        return Place(channel=self.channel, thread="") if alone else place


def loud(version: PlanVersion, mentions: str) -> str:
    """For those who are called when nobody has decided."""
    context = version.context
    where = " in ".join(filter(None, (context.service, context.environment)))
    end = int(version.decide_before.timestamp())
    return (
        f":rotating_light: *Nobody has decided on {version.reference} v{version.version}:* "
        f"“{inert(version.title, 200)}” ({inert(where, 120)}, {version.risk.word} risk). "
        f"It expires {{@when:{end}}}.\nFor {mentions} to see that somebody decides."
    )
