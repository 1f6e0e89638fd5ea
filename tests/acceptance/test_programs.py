"""A program asks over the API, and the command line too; people see it in Slack and decide."""

import asyncio
import json
import sys
from typing import Any

import aiohttp
import pytest

from bot.local.slack.person import plain
from tests.acceptance.rig import Rig, environment
from tests.acceptance.thread import INCIDENTS, Thread, press

pytestmark = pytest.mark.asyncio(loop_scope="session")
SET = "set pool_size to 20 for checkout in prod"
PATIENT = "wait=30"


async def post(rig: Rig, path: str, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
    """As a program with the token that `up` made."""
    token = rig.up.service_token.read_text()
    given = {"Authorization": f"Bearer {token}", "Prefer": PATIENT, **headers}
    async with aiohttp.ClientSession(headers=given) as session:
        answer = await session.post(f"{rig.up.http_url}/v1{path}", json=body)
        return answer.status, await answer.json(content_type=None)


async def thread_of(rig: Rig, quoted: str) -> Thread:
    """The thread under the message that tells what was asked."""
    root = await rig.bo.wait_for(
        lambda one: f"asks: “{quoted}”" in plain(one), timeout=10, what="what the program asked"
    )
    return Thread(rig.bo, INCIDENTS, root["ts"])


async def test_a_plan_of_a_program_is_corrected_by_it_and_approved_by_bo(rig: Rig) -> None:
    about = {"environment": "prod", "cluster": "eu-1", "service": "checkout"}
    status, made = await post(rig, "/plans", {"intent": SET, "context": about})
    thread = await thread_of(rig, SET)
    first = await thread.card("Waiting for approval", " v1")
    corrected, second = await post(
        rig, f"/plans/{made['reference']}/corrections", {"text": "use 15 instead"}
    )
    card = await thread.card("Waiting for approval", " v2")

    assert (status, made["kind"], corrected, second["version"]) == (201, "plan", 201, 2)
    assert card["ts"] == first["ts"]
    assert made["reference"] in plain(card)
    await thread.message("up says: “use 15 instead”")
    assert await press(rig.bo, card, "Approve")
    await thread.card("Done in", within=60)
    told = await rig.api(f"/v1/plans/{made['plan_id']}")
    assert (told[1]["state"], told[1]["version"]) == ("executed", 2)
    assert [one["person"]["name"] for one in told[1]["approvals"]] == ["Bo Lindqvist"]
    assert "pool_size: 15" in await rig._settings()


async def test_a_question_is_answered_with_its_evidence_and_an_unclear_one_asked_back(
    rig: Rig,
) -> None:
    status, told = await post(rig, "/plans", {"intent": "is checkout in prod healthy?"})
    _, unclear = await post(rig, "/plans", {"intent": "restart it"})
    _, refused = await post(rig, "/plans", {"intent": "rm -rf / on every host in prod"})

    assert (status, told["kind"]) == (200, "question")
    assert told["answer"]
    assert [one for one in told["evidence"] if one["ok"] and one["summary"]]
    assert unclear["kind"] in {"ask", "refuse"}
    assert refused["kind"] == "refuse"
    assert refused["answer"]


async def test_the_command_line_asks_corrects_and_lists(rig: Rig) -> None:
    words = "set pool_size to 25 for checkout in prod"
    code, out, err = await carapulse(
        rig, "plan", "create", words, "--environment", "prod", "--service", "checkout", "--json"
    )
    made = json.loads(out)
    _, changed, _ = await carapulse(rig, "plan", "correct", made["reference"], "use 15 instead")
    _, listed, _ = await carapulse(rig, "plan", "list", "--state", "waiting")
    wrong, _, said = await carapulse(rig, "plan", "create", SET, "--environment", "qa")

    assert (code, made["kind"], made["plan"]["state"]) == (0, "plan", "waiting"), err
    assert made["plan"]["requester"]["id"].startswith("cli:")
    assert f"{made['reference']} v2" in changed
    assert f"{made['reference']} v2" in listed
    assert (wrong, "context.environment" in said) == (1, True)
    thread = await thread_of(rig, words)
    await thread.card("Waiting for approval", made["reference"])


async def carapulse(rig: Rig, *arguments: str) -> tuple[int, str, str]:
    """Run the command as its user does; exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", *arguments),
        env=environment(rig),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()
