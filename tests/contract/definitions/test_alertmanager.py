"""The definition of Alertmanager against Alertmanager itself, by amtool and without it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.local.ports import free_port
from engine.domain.call import Ending
from engine.tools.api import Endpoint
from engine.tools.sandbox import installed
from tests.contract.definitions.bench import Definitions, until

ALERTS = [{"labels": {"alertname": "ErrorsHigh", "service": "checkout"}}]
pytestmark = pytest.mark.skipif(not installed("amtool"), reason="needs amtool")


@pytest.fixture
async def url(alertmanager: Path, tmp_path: Path) -> AsyncIterator[str]:
    config = tmp_path / "alertmanager.yaml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(alertmanager),
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stderr=asyncio.subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as session:

            async def sent() -> bool:
                try:
                    async with session.post(f"{address}/api/v2/alerts", json=ALERTS) as response:
                        return response.status == 200
                except aiohttp.ClientError:
                    return False

            await until(sent)
        yield address
    finally:
        process.kill()
        await process.wait()


async def test_an_alert_is_seen_silenced_and_heard_again(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        amtool = Definitions({"alertmanager": Endpoint(url)}, session)
        api = Definitions({"alertmanager": Endpoint(url)}, session, installed=False)

        seen = await amtool.read("alertmanager.alerts", matcher="alertname=ErrorsHigh")
        over_api = await api.read("alertmanager.alerts", matcher="alertname=ErrorsHigh")
        step, silence = await amtool.write(
            "alertmanager.silence",
            matchers="alertname=ErrorsHigh",
            **{"and": "service=checkout"},
            duration="2h",
            comment="deploy, `$(id)` and --force are only words",
        )
        found = await amtool.took_effect(step)
        listed = await api.read("alertmanager.silences")
        undone = await amtool.undo(step, silence)
        left = await amtool.read("alertmanager.silences")

    assert (seen.outputs["alerts"], over_api.outputs["alerts"]) == ("1", "1")
    assert silence.ending is Ending.SUCCEEDED, silence.message
    assert found
    assert listed.outputs["id"] == silence.outputs["id"]
    assert undone.ending is Ending.SUCCEEDED, undone.message
    assert left.outputs["silences"] == "0"


async def test_a_silence_that_is_not_there_is_a_failure_that_changed_nothing(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        amtool = Definitions({"alertmanager": Endpoint(url)}, session)

        _, ended = await amtool.write(
            "alertmanager.expire_silence", id="00000000-0000-4000-8000-000000000000"
        )

    assert ended.ending in (Ending.FAILED, Ending.UNKNOWN)
    assert ended.message
