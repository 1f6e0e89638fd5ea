"""Whether a bot is there to hear people, and what they are told when none was for a while."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.domain.conversation import Place, PostKind
from engine.domain.feedback import Absence
from engine.ports import Clock, Store, Unit

AWAY = timedelta(seconds=60)
THREADS = 30
SOURCE = "presence.told"


@dataclass(frozen=True, slots=True)
class Presence:
    """Any of several bots that is connected beats for all of them."""

    store: Store
    clock: Clock

    async def beat(self) -> Absence | None:
        """Say that people can be heard now.

        After a time without anybody it is told, once, in each thread that has something to press:
        a press is delivered once or never.
        """
        now = self.clock()
        async with self.store.begin() as unit:
            before = await unit.presence.beat(now)
            if before is None or now - before < AWAY:
                return None
            absence = Absence(since=before, until=now)
            await unit.presence.away(absence)
            for place in await unit.presence.pressable(THREADS):
                await self._tell(unit, place, absence)
        return absence

    async def late(self, place: Place, said_at: str) -> None:
        """Somebody is answered whose words came while nobody was there; they learn why so late."""
        moment = datetime.fromtimestamp(float(said_at), UTC)
        if self.clock() - moment < AWAY / 2:
            return
        async with self.store.begin() as unit:
            absence = await unit.presence.absence_at(moment)
            if absence is not None:
                await self._tell(unit, place, absence)

    async def _tell(self, unit: Unit, place: Place, absence: Absence) -> None:
        key = f"{place.channel}:{place.thread}:{absence.since.isoformat()}"
        if await unit.inbox.once(SOURCE, key):
            body = {"text": sentence(absence)}
            await unit.posts.want(PostKind.NOTE, f"away:{place.thread}", place, body=dict(body))


def sentence(absence: Absence) -> str:
    """What the thread is told."""
    since, until = (int(at.timestamp()) for at in (absence.since, absence.until))
    return (
        f"I was away {{@time:{since}}} to {{@time:{until}}}. Messages and alerts from then are "
        "handled now; buttons pressed then were lost, please press again."
    )
