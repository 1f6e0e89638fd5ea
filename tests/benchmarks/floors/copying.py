"""Bare COPY of log lines, 100 to a commit. Run with the address of a database."""

import asyncio
import sys
import time
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import uvloop

from tests.benchmarks.spoken import Json, converse

BATCH = 100
SCHEMA = """
CREATE TABLE IF NOT EXISTS bench_lines (
    run_id uuid NOT NULL, step smallint NOT NULL, seq integer NOT NULL, at timestamptz NOT NULL,
    stderr boolean NOT NULL, line text NOT NULL, PRIMARY KEY (run_id, step, seq))
"""
COLUMNS = ["run_id", "step", "seq", "at", "stderr", "line"]
LINE = (
    "2026-01-01T10:00:00.{:03d}Z level=info msg=reconciled deployment checkout/api-{:06d} "
    "took_ms=123456 generation=7 pod=654321 ok"
)
LINES = [LINE.format(number, number * 7) for number in range(1000)]


async def serve(dsn: str) -> None:
    """Answer each question with the lines per second that its seconds gave."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)

    async def measure(question: Json) -> Json:
        await connection.execute("TRUNCATE bench_lines")
        run, sent, now = uuid4(), 0, datetime.now(UTC)
        began = time.perf_counter()
        while time.perf_counter() - began < float(question["seconds"]):
            records = [
                (run, 1, sent + at, now, False, LINES[(sent + at) % 1000]) for at in range(BATCH)
            ]
            await connection.copy_records_to_table("bench_lines", records=records, columns=COLUMNS)
            sent += BATCH
        rate = sent / (time.perf_counter() - began)
        kept = await connection.fetchval("SELECT count(*) FROM bench_lines")
        if kept != sent:
            raise RuntimeError(f"{sent} lines were sent, {kept} are there")
        return {"rate": rate}

    await converse(measure, {"ready": True})
    await connection.execute("DROP TABLE bench_lines")
    await asyncio.wait_for(connection.close(), 5)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
