"""A bare intake: parse an Alertmanager body, insert it, commit, answer. Run with a database."""

import sys

import asyncpg
import orjson
import uvloop
from aiohttp import web

from tests.benchmarks.spoken import Json, converse

CONNECTIONS = 8
SCHEMA = """
CREATE TABLE IF NOT EXISTS bench_inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    group_key text NOT NULL, status text NOT NULL, body jsonb NOT NULL)
"""
INSERT = "INSERT INTO bench_inbox (group_key, status, body) VALUES ($1, $2, $3)"


async def serve(dsn: str) -> None:
    """Serve on a free port, which the greeting names."""
    pool = await asyncpg.create_pool(
        dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, max_queries=1 << 30
    )
    await pool.execute(SCHEMA)

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        document = orjson.loads(body)
        await pool.execute(INSERT, document["groupKey"], document["status"], body.decode())
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/alerts", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def count(_: Json) -> Json:
        return {"rows": await pool.fetchval("SELECT count(*) FROM bench_inbox")}

    await converse(count, {"port": runner.addresses[0][1]})
    await runner.cleanup()
    await pool.execute("DROP TABLE bench_inbox")
    await pool.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
