"""Tools over HTTP: Prometheus itself where it is installed, and a server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.local.ports import free_port
from engine.domain.call import Call, CallResult, Ending
from engine.domain.model import Json
from engine.tools.api import ApiTransport, Endpoint, RequestFailed
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.sandbox import ProcessSandbox
from tests.contract.tool_bench import Bench

DEMO = Path(__file__).parents[2] / "bot" / "local" / "demo" / "tools"
TOKEN = "t0ken-of-the-connection"
SWITCH = """
tool: switch
title: Switch
transport: api
actions:
  set:
    title: "Set the switch to {state}"
    effect: write
    timeout_seconds: 1
    input: {state: {type: word}}
    request: {method: POST, path: "/switch/{state}", body: {state: "{state}"}, error: reason}
    outputs: {state: {path: state}}
"""
RULES = """
groups:
  - name: shop
    rules:
      - {alert: AlwaysOn, expr: vector(1) > 0}
      - {alert: NeverOn, expr: vector(0) > 0}
"""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """Answers by the name of the state; tells what it was sent."""

    async def answer(request: web.Request) -> web.StreamResponse:
        state = request.match_info["state"]
        if state == "slow":
            await asyncio.sleep(30)
        if state == "away":
            raise web.HTTPFound("http://127.0.0.1:1/elsewhere")
        if state == "huge":
            return web.Response(body=b"x" * (2 << 20))
        if state in ("refused", "broken"):
            return web.json_response({"reason": "not today"}, status=403 + 97 * (state[0] == "b"))
        sent = await request.json()
        return web.json_response({**sent, "seen": request.headers["Authorization"]})

    async def health(request: web.Request) -> web.Response:
        return web.json_response(
            {
                "status": "degraded",
                "error_rate": "0.37",
                "error_percent": "37.0",
                "revision": None,
                "ready": 2,
                "last_change": {"revision": "b" * 40},
                "instances": [{"revision": one * 40} for one in "bba"],
            }
        )

    app = web.Application()
    app.router.add_post("/base/switch/{state}", answer)
    app.router.add_get("/base/health", health)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/base"
    await runner.cleanup()


def bench(tool: str, url: str, session: aiohttp.ClientSession, folder: Path) -> Bench:
    registry = ToolRegistry.load(folder, connections={tool: url})
    api = ApiTransport(session, {tool: Endpoint(url, TOKEN)})
    return Bench(registry, ProcessSandbox(), api, Redactor([TOKEN]))


@pytest.fixture
def switch(server: str, session: aiohttp.ClientSession, tmp_path: Path) -> Bench:
    (tmp_path / "switch.yaml").write_text(SWITCH)
    return bench("switch", server, session, tmp_path)


async def set_to(switch: Bench, state: str) -> CallResult:
    return await switch.run(switch.frozen("switch.set", {"state": state}).call)


async def test_a_request_carries_the_token_and_nothing_shows_it(switch: Bench) -> None:
    result = await set_to(switch, "on")

    assert result.ending is Ending.SUCCEEDED
    assert result.outputs == {"state": "on"}
    assert any("Bearer [redacted]" in line for line in switch.lines)
    assert TOKEN not in "".join([*switch.lines, result.tail])


@pytest.mark.parametrize(
    ("state", "ending", "said"),
    [
        ("slow", Ending.UNKNOWN, "did not answer within 1 s"),
        ("away", Ending.UNKNOWN, "redirect (302), which is not followed"),
        ("huge", Ending.UNKNOWN, "larger than 1 MiB"),
        ("refused", Ending.FAILED, "switch answered 403: not today"),
        ("broken", Ending.UNKNOWN, "switch answered 500: not today"),
    ],
)
async def test_a_write_without_a_clear_answer_is_unknown(
    switch: Bench, state: str, ending: Ending, said: str
) -> None:
    result = await set_to(switch, state)

    assert result.ending is ending
    assert said in result.message


async def test_a_server_that_is_not_there_did_nothing(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "switch.yaml").write_text(SWITCH)
    nobody = bench("switch", f"http://127.0.0.1:{free_port()}", session, tmp_path)

    result = await set_to(nobody, "on")

    assert result.ending is Ending.FAILED
    assert result.message == "switch can't be reached."


async def test_the_shop_says_how_far_a_change_has_rolled_out(
    server: str, session: aiohttp.ClientSession
) -> None:
    result = await bench("shop", server, session, DEMO).read("shop.health", {})

    assert result.outputs == {
        "status": "degraded",
        "error_rate": "0.37",
        "error_percent": "37.0",
        "revision": "",
        "ready": "2",
        "instances": "3",
        "on_revision": "2",
    }
    assert result.message == "error rate 37.0 %, 2 of 3 ready, 2 of 3 on the newest commit"


@pytest.fixture
async def real(
    prometheus: Path, session: aiohttp.ClientSession, tmp_path: Path
) -> AsyncIterator[Bench]:
    """Prometheus with two rules and nothing to scrape."""
    (tmp_path / "rules.yaml").write_text(RULES)
    config = "global: {evaluation_interval: 1s}\nrule_files: [rules.yaml]\n"
    (tmp_path / "prometheus.yaml").write_text(config)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(prometheus),
        f"--config.file={tmp_path / 'prometheus.yaml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    (tmp_path / "none").mkdir()
    opened = bench("prometheus", url, session, tmp_path / "none")
    try:
        async with asyncio.timeout(30):
            while not await firing(opened):  # noqa: ASYNC110 (another process can only be asked)
                await asyncio.sleep(0.1)
        yield opened
    finally:
        process.kill()
        await process.wait()


async def firing(opened: Bench) -> bool:
    result = await opened.read("prometheus.rules", {"alert": "AlwaysOn"})
    return result.outputs.get("state") == "firing"


def query(text: str, **more: Json) -> dict[str, Json]:
    return {"query": text, **more}


async def test_prometheus_answers_queries_ranges_and_rules(real: Bench) -> None:
    value = await real.read("prometheus.query", query("vector(0.25) + 0.5"))
    nothing = await real.read("prometheus.query", query("absent_metric"))
    wrong = await real.read("prometheus.query", query("sum("))
    course = await real.read("prometheus.range", query("vector(3)", minutes=1, step_seconds=15))
    rules = await real.read("prometheus.rules", {"alert": "NeverOn"})
    missing = await real.read("prometheus.rules", {"alert": "Unheard"})

    assert value.outputs == {"value": "0.75", "samples": "1"}
    assert nothing.message == "The query found no sample: absent_metric."
    assert wrong.ending is Ending.FAILED
    assert "parse error" in wrong.message
    assert (course.outputs["first"], course.outputs["max"], course.outputs["points"]) == (
        "3",
        "3",
        "4",
    )
    assert rules.outputs["expression"] == "vector(0) > 0"
    assert rules.outputs["state"] == "inactive"
    assert missing.message == "Prometheus has no such alerting rule."


async def test_a_call_to_another_address_is_not_made(switch: Bench) -> None:
    call: Call = switch.frozen("switch.set", {"state": "on"}).call
    assert call.request
    assert switch.api

    elsewhere = call.request.model_copy(update={"url": "http://127.0.0.1:1/base/switch/on"})
    with pytest.raises(RequestFailed, match="not connected"):
        await switch.api.send("switch", elsewhere, 1)
