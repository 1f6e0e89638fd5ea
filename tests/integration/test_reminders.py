"""Reminders and escalation of a version that waits, on a real database; the clock is the test's."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.blocks.outcome import reminder
from bot.blocks.plan import card
from engine.domain.call import Risk
from engine.domain.move import MoveKind
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.reminding import Escalation, Nagging
from engine.errors import ConfigurationError
from engine.services.reminders import Reminders
from engine.settings import Settings
from tests.conftest import Database
from tests.integration.room import INC, Room, open_room
from tests.unit.governing import People

HOUR = 3600
NAGGING = Nagging(
    remind_after=(0.25, 0.5),
    escalations=(
        Escalation(to=("security",), risks=(Risk.HIGH,)),
        Escalation(to=("shop-owners",), groups=("sre",), channel="C0LOUD"),
    ),
)


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        nagged(opened, NAGGING)
        yield opened


def nagged(room: Room, nagging: Nagging) -> None:
    room.executions = replace(room.executions, reminders=Reminders(People(), nagging, "C0LOUD"))


def ref(version: PlanVersion) -> VersionRef:
    return VersionRef(plan_id=version.plan_id, version=version.version)


async def notes(room: Room, subject: str) -> list[tuple[str, dict[str, object]]]:
    rows = await room.pool.fetch(
        "SELECT channel, body FROM posts WHERE kind = 'note' AND subject LIKE $1 ORDER BY channel",
        f"{subject}:%",
    )
    return [(row["channel"], json.loads(row["body"])) for row in rows]


async def audited(room: Room, action: str) -> int:
    return int(await room.pool.fetchval("SELECT count(*) FROM audit WHERE action = $1", action))


async def test_a_version_reminds_escalates_and_expires_at_its_own_times(room: Room) -> None:
    version = await room.planned()

    waits = []
    for _ in range(4):
        move = await room.next(ref(version))
        waits.append(round(move.seconds))
        room.later(move.seconds)
    last = await room.next(ref(version))

    assert waits == [HOUR, HOUR, HOUR, HOUR]
    assert last.kind is MoveKind.DONE
    assert await room.state(ref(version)) is VersionState.EXPIRED
    assert len(await notes(room, "remind")) == 2
    assert [where for where, _ in await notes(room, "escalate")] == [INC.channel, "C0LOUD"]
    assert (await audited(room, "plan.reminded"), await audited(room, "plan.escalated")) == (2, 1)


async def test_an_escalation_is_loud_in_the_thread_and_names_whom_it_calls(room: Room) -> None:
    version = await room.planned()
    room.later(3 * HOUR)

    await room.next(ref(version))

    (_, told), (_, elsewhere) = await notes(room, "escalate")
    assert told["broadcast"] is True
    assert elsewhere["broadcast"] is False
    mention = await People().mention("shop-owners")
    assert f"For {mention} to see that somebody decides." in str(told["text"])
    assert "Nobody has decided on" in str(told["text"])


async def test_the_card_follows_each_of_them(room: Room) -> None:
    version = await room.planned()
    before = card(await room.views.plan(version.plan_id))["text"]
    room.later(HOUR)
    await room.next(ref(version))
    reminded = card(await room.views.plan(version.plan_id))["text"]
    room.later(2 * HOUR)
    await room.next(ref(version))
    escalated = card(await room.views.plan(version.plan_id))["text"]

    assert "Reminded" not in before
    assert "Reminded" in reminded
    assert "Escalated" not in reminded
    assert "Escalated to *shop-owners* <!date^" in escalated
    assert "Expires" in escalated


async def test_what_became_due_while_nobody_was_there_is_told_once(room: Room) -> None:
    version = await room.planned()
    room.later(2.5 * HOUR)

    await room.next(ref(version))

    assert len(await notes(room, "remind")) == 1
    assert await notes(room, "escalate") == []


async def test_replicas_and_restarts_remind_once(room: Room) -> None:
    version = await room.planned()
    room.later(HOUR)

    await asyncio.gather(*(room.next(ref(version)) for _ in range(6)))

    assert len(await notes(room, "remind")) == 1
    assert await audited(room, "plan.reminded") == 1


async def test_nobody_is_reminded_of_what_is_decided(room: Room) -> None:
    version = await room.planned()
    await room.approve(version)
    room.later(HOUR)

    await room.work(ref(version))

    assert await notes(room, "remind") == []


async def test_a_new_version_has_reminders_of_its_own(room: Room) -> None:
    first = await room.planned()
    room.later(HOUR)
    await room.next(ref(first))
    second = await room.planned()
    room.later(HOUR)

    await room.next(ref(second))

    assert len(await notes(room, "remind")) == 2


async def test_a_reminder_says_since_when_and_later_what_became_of_it(room: Room) -> None:
    version = await room.planned()
    waiting = reminder(await room.views.plan(version.plan_id), version.created_at)
    await room.approve(version)
    decided = reminder(await room.views.plan(version.plan_id), version.created_at)

    assert ":bell: *Still waiting*, since <!date^" in waiting["text"]
    assert "Decide on the card of this thread." in waiting["text"]
    assert "Still waiting" not in decided["text"]
    assert "Approved by Ann" in decided["text"]


async def test_without_settings_it_only_expires(room: Room) -> None:
    nagged(room, Nagging())
    version = await room.planned()

    move = await room.next(ref(version))

    assert round(move.seconds) == 4 * HOUR


def test_a_risk_that_is_none_stops_the_start_and_is_named() -> None:
    wrong = json.dumps([{"to": ["sre"], "risks": ["hgih"]}])

    with pytest.raises(ConfigurationError, match="hgih is none of read, low, medium, high"):
        Settings.load(over={"CARAPULSE_APPROVALS__ESCALATIONS": wrong})
