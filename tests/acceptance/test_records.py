"""The command line, the API and the card tell the same story."""

import asyncio
import sys

import pytest

from bot.local.slack.person import plain
from tests.acceptance.rig import Rig, environment
from tests.acceptance.thread import ask, press, reference

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def carapulse(rig: Rig, *arguments: str) -> str:
    """Run the command as its user does; its output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", *arguments),
        env=environment(rig),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_the_command_line_tells_what_a_plan_would_change_and_what_changed(rig: Rig) -> None:
    thread = await ask(rig.dana, "set pool_size to 20 for checkout in prod")
    plan = reference(await thread.card("Waiting for approval"))
    await rig.dana.say(thread.channel, "use 30 instead", thread.ts)
    await thread.card("Waiting for approval", " v2")

    would = await carapulse(rig, "plan", "diff", plan)
    did = await carapulse(rig, "plan", "diff", plan, "--version", "2")
    versions = await carapulse(rig, "plan", "versions", plan)

    assert "+pool_size: 30" in would
    assert "Nothing was changed." in would
    assert "step 1 pool_size 20 -> 30" in did
    assert "superseded" in versions
    assert "step 1 pool_size 20 -> 30" in versions


async def test_command_line_and_api_tell_what_the_card_tells(rig: Rig) -> None:
    thread = await ask(rig.dana, "quick drill on checkout")
    card = await thread.card("Waiting for approval")
    await press(rig.ann, card, "Approve")
    done = await thread.card("Done in", within=60)
    plan = reference(card)
    log = await thread.log("[1]")
    execution = reference(log, "X")

    shown = await carapulse(rig, "plan", "show", plan)
    logged = await carapulse(rig, "execution", "logs", execution)
    status, body = await rig.api(f"/v1/plans/{plan}")
    _, by_id = await rig.api(f"/v1/plans/{body['plan_id']}")
    _, ran = await rig.api(f"/v1/executions/{execution}")
    _, lines = await rig.api(f"/v1/executions/{execution}/logs")

    assert status == 200
    assert body == by_id
    assert body["state"] == "executed"
    assert body["reference"] == plan
    assert [one["person"]["name"] for one in body["approvals"]] == ["Ann Okafor"]
    assert body["title"] in plain(done)
    assert body["title"] in shown
    assert body["digest"] in shown
    assert "approve by Ann Okafor" in shown
    assert ran["state"] == "succeeded"
    assert ran["plan_id"] == body["plan_id"]
    for step in body["steps"]:
        assert step["title"] in shown
        assert step["title"] in plain(done)
    for line in lines["items"]:
        assert f"[{line['step']}] {line['text']}" in logged
        assert line["text"] in plain(log)


async def test_the_api_lets_nobody_in_without_the_token(rig: Rig) -> None:
    for token in ("", "wrong", f"{rig.token}x"):
        status, _ = await rig.api("/v1/plans/P-1001", token=token)
        assert status == 401
    status, _ = await rig.api("/v1/plans/P-9999")
    assert status == 404
