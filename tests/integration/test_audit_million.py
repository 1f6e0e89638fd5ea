"""A million rows of the audit are exported and verified without holding them."""

import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from engine.domain.audit import AuditEvent, AuditQuery
from engine.secrets.keys import FileSigner, make_keys
from engine.secrets.published import FileVerifier
from engine.services.audit import Audits
from engine.services.audit_export import exported
from engine.store.chain import PostgresChain
from engine.store.connection import open_pool
from tests.conftest import Database
from tests.unit.governing import DANA, NOW

ROWS = 1_000_000
MORE_AT_MOST = 48 * 2**20
WARM = 50_000


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_million_rows_are_exported_and_verified_in_constant_memory(
    database: Database, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)
    event = AuditEvent(actor=DANA, action="plan.create", subject="P-1", reason="because " * 12)
    await owner.execute(
        "INSERT INTO audit (tenant, actor, action, subject, decision, body) "
        "SELECT 'default', $1, 'plan.create', 'P-1', 'allow', $2 FROM generate_series(1, $3)",
        DANA.id,
        event.model_dump_json(),
        ROWS,
        timeout=300,
    )
    await owner.close()
    keys = make_keys(tmp_path / "keys")
    pool = await open_pool(database.app_dsn, size=2, statement_timeout=300, connect_timeout=5)
    audits = Audits(
        PostgresChain(pool, "default"),
        lambda: NOW,
        FileSigner(keys.private),
        FileVerifier(keys.public),
    )
    process, lines, early, most = psutil.Process(), 0, 0, 0

    async for piece in exported(audits.rows(AuditQuery()), "jsonl"):
        lines += piece.count(b"\n")
        most = max(most, process.memory_info().rss)
        early = most if lines <= WARM else early
    sealed = await audits.seal()
    found = await audits.verify()
    after = process.memory_info().rss
    await pool.close()

    sys.stdout.write(f"RSS {early >> 20} MB, at most {most >> 20}, after verify {after >> 20}\n")
    assert lines == sealed == found.rows == ROWS
    assert found.sound
    assert max(most, after) - early < MORE_AT_MOST
