"""The audit over HTTP and on the command line: only with the scope; damage is exit code 1."""

import asyncio
import csv
import io
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from bot.http.app import Sidecar, open_sidecar
from bot.http.audit import AuditRecords
from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.ids import PersonId
from engine.secrets.keys import FileSigner, make_keys
from engine.secrets.published import FileVerifier
from engine.secrets.tokens import make_token, token_hash
from engine.services.audit import Audits
from engine.store.chain import PostgresChain
from tests.conftest import Database
from tests.contract.problems_bench import Bench, open_bench

PATH = "/v1/audit/events"


@dataclass
class Surface:
    bench: Bench
    audits: Audits
    url: str
    session: aiohttp.ClientSession
    keys: Path
    dsn: str

    async def happened(self, count: int) -> None:
        dana = Actor(id=PersonId("p:dana"), name="Dana")
        async with self.bench.store.begin() as unit:
            for number in range(count):
                subject, action = f"P-{number}", "plan.create" if number % 2 else "plan.approve"
                await unit.audit.record(AuditEvent(actor=dana, action=action, subject=subject))

    async def token(self, *scopes: str) -> str:
        token = make_token()
        async with self.bench.store.begin() as unit:
            await unit.tokens.add(f"t{len(scopes)}", token_hash(token), scopes)
        return token

    async def get(self, token: str = "", **query: str) -> tuple[int, str, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.get(self.url + PATH, params=query, headers=headers) as response:
            return response.status, response.content_type, await response.read()

    async def command(self, *arguments: str) -> tuple[int, str]:
        env = {
            "PATH": os.environ["PATH"],
            "CARAPULSE_POSTGRES__DSN": self.dsn,
            "CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER": str(self.keys),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "audit", *arguments,
            env=env, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode or 0, out.decode()


@pytest.fixture
async def surface(database: Database, tmp_path: Path) -> AsyncIterator[Surface]:
    keys = make_keys(tmp_path / "keys")
    async with open_bench(database.app_dsn) as bench:
        audits = Audits(
            PostgresChain(bench.pool, "default"),
            lambda: datetime.now(UTC),
            FileSigner(keys.private),
            FileVerifier(keys.public),
        )
        sidecar: Sidecar = replace(bench.sidecar(), more=AuditRecords(bench.store, audits).routes())
        async with open_sidecar(sidecar) as listening, aiohttp.ClientSession() as session:
            yield Surface(bench, audits, listening.url, session, keys.public, database.app_dsn)


async def test_only_the_scope_opens_the_audit(surface: Surface) -> None:
    nobody, _, _ = await surface.get()
    other, _, _ = await surface.get(await surface.token("plan.read"))
    reader, _, _ = await surface.get(await surface.token("plan.read", "audit.read"))

    assert (nobody, other, reader) == (401, 403, 200)


async def test_pages_follow_each_other_and_filters_choose(surface: Surface) -> None:
    await surface.happened(5)
    token = await surface.token("audit.read")

    _, _, first = await surface.get(token, limit="3")
    page = json.loads(first)
    _, _, second = await surface.get(token, limit="3", before=str(page["next"]))
    _, _, chosen = await surface.get(token, action="plan.approve", actor="p:dana")

    assert [item["subject"] for item in page["items"]] == ["P-4", "P-3", "P-2"]
    assert [item["subject"] for item in json.loads(second)["items"]] == ["P-1", "P-0"]
    assert json.loads(second)["next"] is None
    assert [item["subject"] for item in json.loads(chosen)["items"]] == ["P-4", "P-2", "P-0"]


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"since": "yesterday"}, {"since": "2026-01-01T00:00"}, {"format": "xml"},
     {"unknown": "1"}, {"actor": "x" * 300}],
)  # fmt: skip
async def test_a_wrong_query_is_named(surface: Surface, query: dict[str, str]) -> None:
    status, _, said = await surface.get(await surface.token("audit.read"), **query)

    assert status in (400, 422)
    assert next(iter(query)).encode() in said


async def test_a_file_of_all_rows(surface: Surface) -> None:
    await surface.happened(7)

    status, kind, text = await surface.get(await surface.token("audit.read"), format="csv")

    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert (status, kind) == (200, "text/csv")
    assert [row["subject"] for row in rows] == [f"P-{number}" for number in range(7)]


async def test_the_command_lists_verifies_and_exports(surface: Surface, database: Database) -> None:
    await surface.happened(3)
    await surface.audits.seal()

    (_, listed), (whole, said), (_, lines) = await asyncio.gather(
        surface.command("list", "--subject", "P-1"),
        surface.command("verify"),
        surface.command("export", "--format", "jsonl"),
    )
    owner = await asyncpg.connect(database.owner_dsn, timeout=10)
    await owner.execute("DELETE FROM audit WHERE subject = 'P-1'")
    await owner.close()
    damaged, report = await surface.command("verify")

    assert "plan.create  P-1" in listed
    assert (whole, "The audit is whole." in said) == (0, True)
    assert [json.loads(line)["subject"] for line in lines.splitlines()] == ["P-0", "P-1", "P-2"]
    assert (damaged, "MISSING: Row 2 (entry 2) was deleted." in report) == (1, True)
