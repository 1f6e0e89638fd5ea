"""The audit is sealed in the order in which it became visible, and no change of it stays unseen."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent, AuditQuery, AuditRow, Damage
from engine.domain.ids import PersonId
from engine.secrets.keys import FileSigner, make_keys
from engine.secrets.published import FileVerifier
from engine.services.audit import Audits
from engine.services.audit_export import Format, exported
from engine.store.chain import PostgresChain
from engine.store.connection import open_pool
from engine.store.unit import PostgresStore
from tests.conftest import Database

DANA = Actor(id=PersonId("p:dana"), name="Dana")
ANN = Actor(id=PersonId("p:ann"), name="Ann")


@dataclass
class Bench:
    store: PostgresStore
    audits: Audits
    dsn: str
    owner: "asyncpg.Connection[asyncpg.Record]"
    folder: Path
    now: datetime

    async def happened(
        self, count: int = 1, *, actor: Actor = DANA, action: str = "plan.create"
    ) -> None:
        async with self.store.begin() as unit:
            for number in range(count):
                await unit.audit.record(
                    AuditEvent(actor=actor, action=action, subject=f"P-{number}", decision="allow")
                )

    async def damages(self) -> list[Damage]:
        return [one.damage for one in (await self.audits.verify()).findings]


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    keys = make_keys(tmp_path / "keys")
    pool = await open_pool(database.app_dsn, size=3, statement_timeout=5, connect_timeout=5)
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)
    made: Bench = Bench(
        PostgresStore(pool, "default"),
        Audits(
            PostgresChain(pool, "default"),
            lambda: made.now,
            FileSigner(keys.private),
            FileVerifier(keys.public),
        ),
        database.app_dsn,
        owner,
        tmp_path,
        datetime.now(UTC),
    )
    try:
        yield made
    finally:
        await owner.close()
        await pool.close()


async def test_a_sealed_audit_is_whole_and_its_tail_is_named(bench: Bench) -> None:
    await bench.happened(5)
    sealed = await bench.audits.seal()
    await bench.happened(2)

    found = await bench.audits.verify()

    assert (sealed, found.rows, found.checkpoints) == (5, 5, 1)
    assert (found.tail.count, found.tail.first, found.tail.last) == (2, 6, 7)
    assert found.sound
    assert await bench.audits.seal() == 2
    assert await bench.audits.seal() == 0


async def test_a_row_is_sealed_only_when_none_can_come_before_it(bench: Bench) -> None:
    slow = await asyncpg.connect(bench.dsn, timeout=10)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(
        "INSERT INTO audit (tenant, actor, action, subject, body) VALUES "
        "('default', 'p:slow', 'plan.create', 'P-9', $1)",
        AuditEvent(
            actor=Actor(id=PersonId("p:slow"), name="Slow"), action="plan.create", subject="P-9"
        ).model_dump_json(),
    )
    await bench.happened(2)

    while_open = await bench.audits.seal()
    await transaction.commit()
    await slow.close()
    after = await bench.audits.seal()

    order = await bench.owner.fetch(
        "SELECT a.actor FROM audit_chain c JOIN audit a ON a.id = c.audit_id ORDER BY seq"
    )
    assert (while_open, after) == (0, 3)
    assert [row["actor"] for row in order] == ["p:slow", "p:dana", "p:dana"]
    assert await bench.damages() == []


@pytest.mark.parametrize(
    ("change", "damage"),
    [
        ("UPDATE audit SET decision = 'deny' WHERE id = 4", [Damage.EDITED]),
        ("UPDATE audit SET at = at - interval '1 day' WHERE id = 4", [Damage.EDITED]),
        ("UPDATE audit SET body = replace(body, 'P-3', 'P-8') WHERE id = 4", [Damage.EDITED]),
        ("UPDATE audit SET tenant = 'other' WHERE id = 4", [Damage.EDITED]),
        ("DELETE FROM audit WHERE id = 4", [Damage.MISSING]),
        (
            "UPDATE audit a SET body = b.body, subject = b.subject FROM audit b "
            "WHERE (a.id = 4 AND b.id = 5) OR (a.id = 5 AND b.id = 4)",
            [Damage.EDITED, Damage.EDITED],
        ),
        (
            "DELETE FROM audit WHERE id = 4; DELETE FROM audit_chain WHERE audit_id = 4",
            [Damage.CUT],
        ),
        (
            "DELETE FROM audit WHERE id > 7; DELETE FROM audit_chain WHERE audit_id > 7",
            [Damage.CUT, Damage.UNSIGNED],
        ),
        ("DELETE FROM audit_checkpoints", [Damage.UNSIGNED]),
        ("UPDATE audit_chain SET link = row_hash WHERE seq = 4", [Damage.RELINKED] * 2),
        (
            "UPDATE audit_checkpoints SET key_id = 'abc'",
            [Damage.FORGED, Damage.UNSIGNED],
        ),
    ],
)
async def test_whatever_the_owner_changes_is_found(
    bench: Bench, change: str, damage: list[Damage]
) -> None:
    await bench.happened(9)
    await bench.audits.seal()

    await bench.owner.execute(change)

    assert await bench.damages() == damage


async def test_a_chain_made_anew_without_the_key_is_found(bench: Bench) -> None:
    await bench.happened(3)
    await bench.audits.seal()
    await bench.owner.execute(
        "UPDATE audit SET decision = 'deny'; DELETE FROM audit_chain; DELETE FROM audit_checkpoints"
    )
    stolen = make_keys(bench.folder / "other")
    forger = Audits(bench.audits.chain, bench.audits.clock, FileSigner(stolen.private))

    await forger.seal(behind=True)

    assert await bench.damages() == [Damage.FORGED, Damage.UNSIGNED]


async def test_rows_that_nobody_seals_are_a_finding_after_a_while(bench: Bench) -> None:
    await bench.happened()
    assert await bench.damages() == []

    bench.now += timedelta(minutes=11)

    assert await bench.damages() == [Damage.LATE]


async def test_a_row_that_was_passed_over_is_sealed_by_the_look_behind(bench: Bench) -> None:
    await bench.happened(3)
    await bench.audits.seal()
    await bench.happened()
    await bench.owner.execute("UPDATE audit SET txid = '3'::xid8 WHERE id = 4")

    assert await bench.audits.seal() == 0
    assert await bench.audits.seal(behind=True) == 1
    assert await bench.damages() == []


@pytest.mark.parametrize("table", ["audit", "audit_chain", "audit_checkpoints"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
async def test_the_app_role_can_only_add(bench: Bench, table: str, verb: str) -> None:
    column = "actor" if table == "audit" else "seq"
    app = await asyncpg.connect(bench.dsn, timeout=10)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(verb.format(table, column, column))
    finally:
        await app.close()


async def test_filters_choose_rows_and_pages_follow_each_other(bench: Bench) -> None:
    await bench.happened(3)
    await bench.happened(2, actor=ANN, action="plan.approve")
    await bench.happened(1, actor=ANN, action="execution.hold")

    by_ann = await bench.audits.page(AuditQuery(actor="p:ann"), 10)
    plans = await bench.audits.page(AuditQuery(action="plan.*"), 2)
    more = await bench.audits.page(AuditQuery(action="plan.*", after=plans[-1].id), 10)
    none = await bench.audits.page(AuditQuery(since=datetime.now(UTC) + timedelta(hours=1)), 10)

    assert [row.id for row in by_ann] == [6, 5, 4]
    assert [row.id for row in plans + more] == [5, 4, 3, 2, 1]
    assert none == []


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
async def test_an_export_holds_every_row_in_order(bench: Bench, form: Format) -> None:
    await bench.happened(1203)

    pieces = [piece async for piece in exported(bench.audits.rows(AuditQuery()), form)]

    text = b"".join(pieces).decode()
    assert len(pieces) == 4
    if form == "csv":
        ids = [int(row["id"]) for row in csv.DictReader(io.StringIO(text))]
    elif form == "json":
        ids = [row["id"] for row in json.loads(text)]
    else:
        ids = [json.loads(line)["id"] for line in text.splitlines()]
    assert ids == list(range(1, 1204))


async def test_a_cell_is_no_formula() -> None:
    event = AuditEvent(actor=ANN, action="plan.create", subject="=cmd()", reason="@x")
    row = AuditRow(
        id=1,
        tenant="default",
        at=datetime.now(UTC),
        actor="p:ann",
        action="plan.create",
        subject="=cmd()",
        decision="",
        body=event.model_dump_json(),
    )

    async def one() -> AsyncIterator[AuditRow]:
        yield row

    text = b"".join([piece async for piece in exported(one(), "csv")]).decode()

    assert ",'=cmd()," in text
    assert ",'@x," in text
