"""Cancel stops the tool itself, wherever it runs; the command line says the same as the card."""

import asyncio
import json
import sys

import psutil
import pytest

from bot.local.slack.person import buttons, plain
from tests.acceptance.rig import Rig, environment
from tests.acceptance.thread import Message, Thread, ask, press, reference
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
LONG = "long drill on practice in staging"
WORKING = "waiting before the push"


async def running(rig: Rig) -> tuple[Thread, Message]:
    """A step in the middle of 25 s of work in another process."""
    thread = await ask(rig.dana, LONG)
    card = await thread.card("Waiting for approval")
    await press(rig.ann, card, "Approve")
    await thread.log(WORKING)
    assert tools(rig)
    return thread, await thread.card("Running step 1 of")


def tools(rig: Rig) -> list[psutil.Process]:
    """The programs that the worker runs."""
    children = rig.process("worker").children(recursive=True)
    return [one for one in children if "pause.py" in " ".join(one.cmdline())]


async def command(rig: Rig, *words: str) -> tuple[int, str]:
    """`carapulse` beside the rig; its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.cli",
        *words,
        env=environment(rig),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, told.decode()


async def test_cancel_stops_the_tool_within_seconds_and_nothing_was_changed(rig: Rig) -> None:
    thread, card = await running(rig)
    before = await rig.marks()

    await press(rig.bo, card, "Cancel")
    over = await thread.card("Cancelled", "by Bo", within=12)

    async def gone() -> bool:
        return not tools(rig)

    await until(gone, within=3, what="the tool to be gone")
    assert list(buttons(over)) == ["Run again"]
    assert (await rig.executions(reference(card)))[0]["state"] == "cancelled"
    assert await rig.marks() == before
    assert "stopped by Bo" in plain(await thread.log("stopped by Bo"))


async def test_the_command_line_shows_cancels_and_is_told_what_is_no_longer_possible(
    rig: Rig,
) -> None:
    thread, card = await running(rig)
    plan = reference(card)
    name = (await rig.executions(plan))[0]["reference"]

    shown = await command(rig, "execution", "show", name)
    started = await command(rig, "plan", "execute", plan)
    cancelled = await command(rig, "plan", "cancel", plan, "--json")
    await thread.card("Cancelled", within=12)
    again = await command(rig, "execution", "pause", name)

    assert "It can be told to: pause, cancel" in shown[1]
    assert started == (0, f"{plan} v1 was started: {name}.\n")
    assert json.loads(cancelled[1])["said"] == f"Cancelling {name}."
    assert again[0] == 1
    assert f"{name} is cancelled now; nothing can be chosen for it." in again[1]
