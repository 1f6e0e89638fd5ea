"""Where the audit can't be written nothing is done: each service that audits is tried."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from engine.context.services import ServiceFile
from engine.domain.actor import Actor, Surface
from engine.domain.approval import Verdict
from engine.domain.execution import Choice
from engine.domain.freeze import FreezeWords
from engine.domain.knowledge import DocumentKind, Told, Words
from engine.domain.plan import VersionRef
from engine.domain.questions import Limits
from engine.domain.session import SessionWords, Viewer
from engine.errors import Unavailable
from engine.llm.playbooks import checked_title
from engine.services.freezes import Freezes
from engine.services.knowledge import Knowledge
from engine.services.memory import Memory
from engine.services.sessions import Sessions
from engine.services.steering import Steering
from tests.conftest import Database
from tests.integration.footing import SERVICES
from tests.integration.room import Room, level, look, open_room, proposed, write
from tests.integration.script import TENANT
from tests.unit.governing import ANN, BO, DANA

SOURCES = Path(__file__).parents[2] / "engine" / "services"
Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Deed: TypeAlias = Callable[[], Awaitable[object]]
COLUMNS = "tenant, actor, action, subject, decision, body"
TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
)


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(database.owner_dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


def decided(verdict: Verdict, actor: Actor) -> Callable[[Room], Awaitable[Deed]]:
    async def prepared(room: Room) -> Deed:
        made = await room.planned(write(), level())
        return lambda: room.gate.decide(
            actor, made.plan_id, made.version, verdict, surface=Surface.BUTTON
        )

    return prepared


async def released(room: Room) -> Deed:
    made = await room.planned(look())
    return lambda: room.gate.release(made.plan_id, made.version)


async def proposing(room: Room) -> Deed:
    draft = await room.draft(await room.say())
    return lambda: room.plans.propose(draft, proposed(write()), [])


async def starting(room: Room) -> Deed:
    ref = await room.approved(write(), level())
    return lambda: room.next(ref)


async def expiring(room: Room) -> Deed:
    made = await room.planned(write(), level())
    room.later(10 * 3600)
    return lambda: room.next(VersionRef(plan_id=made.plan_id, version=made.version))


async def looking(room: Room) -> Deed:
    made = await room.planned(look())
    await room.gate.release(made.plan_id, made.version)
    move = await room.next(VersionRef(plan_id=made.plan_id, version=made.version))
    assert move.request is not None
    request = move.request
    return lambda: room.steps.perform(request)


async def changing(room: Room) -> Deed:
    move = await room.next(await room.approved(write(), level()))
    assert move.request is not None
    request = move.request
    return lambda: room.steps.perform(request)


async def finishing(room: Room) -> Deed:
    ref = await room.approved(write())
    move = await room.next(ref)
    assert move.request is not None
    await room.steps.perform(move.request)
    return lambda: room.next(ref)


async def pressing(room: Room) -> Deed:
    ref = await room.approved(write(), level())
    await room.next(ref)
    return lambda: room.press(ref, Choice.PAUSE)


async def taking_back(room: Room) -> Deed:
    ref = await room.approved(write(), level())
    room.policy.away = True
    await room.next(ref)
    room.policy.away = False
    steering = Steering(room.store, room.policy, room.operating, lambda: room.now, Limits())
    return lambda: steering.withdraw(DANA, ref.plan_id, surface=Surface.API)


async def freezing(room: Room) -> Deed:
    services = ServiceFile.parse(SERVICES)
    freezes = Freezes(room.store, room.policy, lambda: room.now, TENANT, services)
    return lambda: freezes.set(ANN, FreezeWords(environment="prod", reason="a big day"))


async def writing(room: Room) -> Deed:
    services = ServiceFile.parse(SERVICES)
    known = Knowledge(room.store, lambda: room.now, TENANT, services, checked_title)
    words = Words(title="Restart", body="# Restart\n\nTurn it off and on.")
    return lambda: known.write(ANN, DocumentKind.RUNBOOK, words)


async def remembering(room: Room) -> Deed:
    memory = Memory(room.store, lambda: room.now, TENANT, ServiceFile.parse(SERVICES))
    return lambda: memory.remember(ANN, Viewer.of(ANN), Told(text="Checkout is slow on Mondays."))


async def opening(room: Room) -> Deed:
    sessions = Sessions(room.store, lambda: room.now, TENANT)
    return lambda: sessions.open(ANN, SessionWords(name="incident"))


CASES: dict[str, tuple[str, Callable[[Room], Awaitable[Deed]]]] = {
    "approve": ("minutes", decided(Verdict.APPROVE, ANN)),
    "reject": ("minutes", decided(Verdict.REJECT, BO)),
    "withdraw": ("minutes", decided(Verdict.WITHDRAW, DANA)),
    "refuse": ("minutes", decided(Verdict.APPROVE, DANA)),
    "release": ("minutes", released),
    "propose": ("plans", proposing),
    "start": ("executions", starting),
    "expire": ("executions", expiring),
    "look": ("recording", looking),
    "change": ("orders", changing),
    "finish": ("progress", finishing),
    "press": ("operating", pressing),
    "take back": ("steering", taking_back),
    "freeze": ("freezes", freezing),
    "write a runbook": ("knowledge", writing),
    "remember": ("memory", remembering),
    "open a session": ("sessions", opening),
}
# A look was claimed and made before its end could not be told.
LOOKED = {"tool_calls", "log_lines", "posts"}
# They record in the transaction of a caller, or in the same way with more around it.
ALIKE = {
    "access": "refusals of the door, after which nothing is done",
    "alarm": "written by those that refuse, in their transaction",
    "alerts": "problems; nothing of them decides or starts anything",
    "conversations": "a conversation that is begun by a service of this list, in its transaction",
    "downloads": "who was handed a file; links and holds are tested with artifacts",
    "glass": "written by the gate, in its transaction",
    "guards": "written by executions, in their transaction",
    "identities": "tested with the identity provider",
    "incidents": "problems of PagerDuty; nothing of them decides or starts anything",
    "issue_moves": "a move that decides nothing; one that does is the gate's",
    "mirror": "runbooks from files, through the store of knowledge",
    "reminders": "told once by a row, in the transaction of executions",
    "runbook_steps": "a step as a draft, which plans record",
    "step_ups": "tested with the identity provider",
    "templates": "tested with the catalog",
}


def test_every_service_that_audits_is_tried_or_said_to_be_alike() -> None:
    auditing = {
        path.stem
        for path in SOURCES.glob("*.py")
        if re.search(r"\baudit\.record\(", path.read_text())
    }

    assert auditing == {module for module, _ in CASES.values()} | set(ALIKE)


@pytest.mark.parametrize("name", CASES)
async def test_without_its_audit_row_nothing_of_it_happens(
    room: Room, owner: Owner, name: str
) -> None:
    deed = await CASES[name][1](room)
    await owner.execute(f"REVOKE INSERT ({COLUMNS}) ON audit FROM carapulse_app")
    before = await contents(owner)
    room.script.calls.clear()

    with pytest.raises((asyncpg.InsufficientPrivilegeError, Unavailable)):
        await deed()

    after = await contents(owner)
    changed = {table for table in after if after[table] != before[table]}
    assert changed <= (LOOKED if name == "look" else set())
    assert "git.set_value" not in room.script.calls


@pytest.mark.parametrize("name", ["approve", "release", "start"])
async def test_an_audit_that_can_not_be_written_is_told_while_that_lasts(
    room: Room, owner: Owner, name: str
) -> None:
    deed = await CASES[name][1](room)
    async with owner.transaction():
        await owner.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable):
            await deed()

    assert await owner.fetchval("SELECT count(*) FROM execution_starts") == 0


async def contents(owner: Owner) -> dict[str, str]:
    """Every table as one hash."""
    found = {}
    for row in await owner.fetch(TABLES):
        table = row["relname"]
        found[table] = await owner.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"  # noqa: S608
        )
    return found
