"""What people are paged for: the real store and executions, against PagerDuty as it is played."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp
import pytest

from engine.domain.breaker import Breaker
from engine.domain.execution import Choice, Execution
from engine.domain.glass import Use
from engine.domain.incident import Incident
from engine.domain.plan import VersionRef
from engine.errors import Unavailable
from engine.outside.asking import Asking
from engine.outside.pagerduty import PagerDuty
from engine.services.alerts import Alerts
from engine.services.incidents import Incidents
from engine.services.paging import Paging
from engine.store.surface import PostgresSurface
from engine.telemetry.metrics import Metrics
from engine.tools.redaction import Redactor
from tests.conftest import Database
from tests.contract.played_pagerduty import ROUTING_KEY, PlayedPagerDuty, open_pagerduty
from tests.integration.room import STAGING, Room, level, note, open_room, write
from tests.integration.script import TENANT, bad, good, unsure


@dataclass
class Bench:
    room: Room
    there: PlayedPagerDuty
    paging: Paging

    async def failing_rollback(self) -> VersionRef:
        """A change whose check failed, and whose way back did too."""
        ref = await self.room.approved(write(), level())
        self.room.script.says("desk.look", good(level="low"))
        self.room.script.says("git.undo_commit", bad("the head moved"))
        await self.room.work(ref)
        await self.room.press(ref, Choice.ROLL_BACK)
        await self.room.work(ref)
        return ref

    async def told(self) -> list[str]:
        """What PagerDuty heard, once everything was told."""
        await self.paging.once()
        return [action for action, _ in self.there.told()]


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        open_room(database, tmp_path) as room,
        open_pagerduty() as there,
        aiohttp.ClientSession() as session,
    ):
        breaker = Breaker(5, 30, monotonic)
        asking = Asking("pagerduty", session, breaker, 2, Metrics().outside)
        pager = PagerDuty(asking, there.url, ROUTING_KEY)
        surface = PostgresSurface(room.pool, TENANT)
        yield Bench(room, there, Paging(room.store, pager, Redactor().text, surface, "bot-1"))


async def execution(bench: Bench, ref: VersionRef) -> Execution:
    return await bench.room.execution(ref)


async def test_a_rollback_that_failed_pages_once_and_ends_with_it(bench: Bench) -> None:
    ref = await bench.failing_rollback()

    first = await bench.told()
    again = await bench.told()
    await bench.room.press(ref, Choice.ACKNOWLEDGE)
    await bench.room.work(ref)
    ended = await bench.told()

    reference = (await execution(bench, ref)).reference
    assert (first, again, ended) == (["trigger"], ["trigger"], ["trigger", "resolve"])
    assert {key for _, key in bench.there.told()} == {f"carapulse:{reference}"}
    assert bench.there.events[0]["payload"]["severity"] == "critical"
    assert "undoing it failed" in bench.there.events[0]["payload"]["summary"]


async def test_an_unknown_that_waits_pages_and_whoever_takes_it_up_acknowledges(
    bench: Bench,
) -> None:
    ref = await bench.room.approved(note(), level(), context=STAGING)
    bench.room.script.says("desk.note", unsure())
    await bench.room.work(ref)
    await bench.told()

    await bench.room.press(ref, Choice.RETRY)
    await bench.room.next(ref)

    assert await bench.told() == ["trigger", "acknowledge"]


async def test_break_glass_pages_until_its_execution_has_ended(bench: Bench) -> None:
    ref = await bench.room.approved(write())
    version = await bench.room.plans_version(ref)
    use = Use(
        plan_id=version.plan_id, version=1, reference=version.reference, title=version.title,
        place="checkout in prod", asked_by="Dana", approved_by=("Ann", "Bo"),
        reason="checkout loses orders", ticket="OPS-1", at=bench.room.now,
    )  # fmt: skip
    async with bench.room.store.begin() as unit:
        await unit.break_glass.add(use)
    begun = await bench.told()

    await bench.room.work(ref)

    assert (begun, await bench.told()) == (["trigger"], ["trigger", "resolve"])


async def test_while_pagerduty_is_away_nothing_is_lost_and_nothing_else_waits(
    bench: Bench,
) -> None:
    bench.there.faults += [500, 502]
    await bench.failing_rollback()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await bench.told()

    assert await bench.told() == ["trigger"]


async def test_what_was_over_before_anybody_could_be_paged_pages_nobody(bench: Bench) -> None:
    bench.there.faults += [500]
    ref = await bench.failing_rollback()
    with pytest.raises(Unavailable):
        await bench.told()
    await bench.room.press(ref, Choice.ACKNOWLEDGE)
    await bench.room.work(ref)

    assert await bench.told() == []


async def test_who_acknowledges_our_page_there_shows_in_its_thread_once(bench: Bench) -> None:
    ref = await bench.failing_rollback()
    await bench.told()
    services = bench.room.plans.services
    alerts = Alerts(bench.room.store, services, lambda: bench.room.now, TENANT, "C0INC")
    incidents = Incidents(bench.room.store, alerts, services)
    event = Incident(
        event="evt-9", kind="incident.acknowledged", id="PT4KHLK", at=bench.room.now,
        status="acknowledged", key=bench.there.told()[0][1], number=12, by="Earline",
    )  # fmt: skip

    await incidents.receive(event)
    await incidents.receive(event)

    texts = await bench.room.pool.fetch(
        "SELECT body ->> 'text' AS text FROM posts WHERE kind = 'note'"
    )
    said = [each["text"] for each in texts if "PagerDuty" in each["text"]]
    assert len(said) == 1
    assert said[0].endswith("Earline acknowledged it in PagerDuty (incident 12).")
    assert (await execution(bench, ref)).ended_at is None
