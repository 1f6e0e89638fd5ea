"""Old rows of the audit go only behind what the gate signed, and the rest still shows as whole."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from engine.domain.audit import AuditEvent, Damage
from engine.errors import Tampered
from engine.secrets.keys import FileSigner, make_keys
from engine.secrets.published import FileVerifier
from engine.services.audit import Audits
from engine.store.chain import PostgresChain
from engine.store.connection import open_pool
from engine.store.unit import PostgresStore
from tests.conftest import Database
from tests.unit.governing import DANA

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
PASSWORD = "purge"


@dataclass
class Bench:
    """The gate's audits, those of the purge role, and the owner."""

    store: PostgresStore
    gate: Audits
    purger: Audits
    owner: Owner
    now: datetime

    async def happened(self, count: int) -> None:
        async with self.store.begin() as unit:
            for number in range(count):
                await unit.audit.record(
                    AuditEvent(actor=DANA, action="plan.create", subject=f"P-{number}")
                )
        await self.gate.seal()

    def age(self) -> None:
        """All that is there is now older than what is kept."""
        self.now += timedelta(days=60)


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    keys = make_keys(tmp_path / "keys")
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)
    await owner.execute(f"ALTER ROLE carapulse_purge LOGIN PASSWORD '{PASSWORD}'")
    host = database.app_dsn.rsplit("@", 1)[1]
    purging = f"postgresql://carapulse_purge:{PASSWORD}@{host}"
    app = await open_pool(database.app_dsn, size=2, statement_timeout=9, connect_timeout=5)
    purge = await open_pool(purging, size=2, statement_timeout=9, connect_timeout=5)
    verifier = FileVerifier(keys.public)
    gate = Audits(
        PostgresChain(app, "default"), lambda: made.now, FileSigner(keys.private), verifier, 30
    )
    purger = Audits(PostgresChain(purge, "default"), gate.clock, checker=verifier)
    made: Bench = Bench(PostgresStore(app, "default"), gate, purger, owner, datetime.now(UTC))
    try:
        yield made
    finally:
        await owner.close()
        await app.close()
        await purge.close()


async def rows(bench: Bench, table: str = "audit") -> int:
    return int(await bench.owner.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608


async def test_what_is_old_goes_and_the_rest_is_whole_and_says_where_it_begins(
    bench: Bench,
) -> None:
    await bench.happened(7)
    bench.age()
    await bench.owner.execute("ALTER TABLE audit ALTER at SET DEFAULT now() + interval '60 days'")
    await bench.happened(5)

    signed = await bench.gate.anchor()
    gone = await bench.purger.purge()
    await bench.happened(2)
    found = await bench.gate.verify()

    assert (signed, gone, await rows(bench)) == (7, 7, 7)
    assert (found.begins, found.rows, found.findings) == (8, 7, ())


async def test_what_is_young_stays(bench: Bench) -> None:
    await bench.happened(7)

    assert await bench.gate.anchor() is None
    assert await bench.purger.purge() == 0
    assert await rows(bench) == 7


async def test_the_end_of_the_chain_stays_so_that_it_goes_on(bench: Bench) -> None:
    await bench.happened(7)
    bench.age()

    await bench.gate.anchor()
    await bench.purger.purge()
    await bench.happened(1)

    found = await bench.gate.verify()
    assert (found.begins, found.rows, found.findings) == (7, 2, ())


async def test_a_purge_that_was_cut_short_is_whole_too(bench: Bench) -> None:
    await bench.happened(7)
    bench.age()
    signed = await bench.gate.anchor()
    assert signed == 6

    await bench.purger.chain.purge(signed, 2)

    found = await bench.gate.verify()
    assert (found.begins, found.rows, found.findings) == (3, 5, ())


async def test_the_front_can_not_be_cut_off_without_the_key(bench: Bench, tmp_path: Path) -> None:
    await bench.happened(7)
    bench.age()
    stolen = FileSigner(make_keys(tmp_path / "stolen").private)
    await replace(bench.gate, sealer=stolen).anchor()

    with pytest.raises(Tampered):
        await bench.purger.purge()
    await bench.purger.chain.purge(6, 100)

    damages = [one.damage for one in (await bench.gate.verify()).findings]
    assert damages == [Damage.FORGED, Damage.CUT, Damage.RELINKED][: len(damages)]
    assert Damage.CUT in damages


async def test_the_purge_role_can_do_nothing_else(bench: Bench, database: Database) -> None:
    host = database.app_dsn.rsplit("@", 1)[1]
    connection = await asyncpg.connect(
        f"postgresql://carapulse_purge:{PASSWORD}@{host}", timeout=10
    )
    try:
        for statement in (
            "DELETE FROM audit",
            "DELETE FROM audit_chain",
            "UPDATE audit_anchors SET seq = 9",
            "INSERT INTO audit_anchors (seq, link, key_id, signature) VALUES (1, '', '', '')",
            "SELECT count(*) FROM plan_versions",
            "TRUNCATE audit",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        with pytest.raises(asyncpg.RaiseError, match="no anchor"):
            await connection.execute("SELECT purge_audit(5, 10)")
    finally:
        await connection.close()


async def test_the_application_can_not_purge(bench: Bench) -> None:
    await bench.happened(7)
    bench.age()
    await bench.gate.anchor()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bench.gate.purge()
