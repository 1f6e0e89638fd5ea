"""A runbook from somebody's hand to a step that others approve."""

import re
from typing import Any

import aiohttp
import pytest

from bot.local.slack.person import Person, buttons, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import Thread, ask, press, whisper
from tests.acceptance.waiting import until

BODY = "# First\nTell *everybody* <!channel>.\n```sh\ngit revert {}\nrm -rf / ; x\n```"
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def told(person: Person, words: str, *fits: str) -> dict[str, Any]:
    """Type a command; what this person alone is told."""
    await person.slash("/carapulse", words, "C0INC")

    def heard(message: dict[str, Any]) -> bool:
        mine = message["ephemeral_to"] == person.user_id
        return mine and all(each in plain(message) for each in fits)

    return await person.wait_for(heard, timeout=15, what=f"an answer with {fits}")


async def pressed(person: Person, thread: Thread, message: dict[str, Any], label: str) -> None:
    """Press the first button with this label."""
    action, block, value = buttons(message)[label]
    await person.press(thread.channel, message["ts"], action, value, block_id=block)


async def test_a_runbook_is_found_shown_and_one_of_its_commands_becomes_a_plan(
    rig: Rig,
) -> None:
    await rig.broken()
    bad = (await rig.commits())[0]
    runbook = {
        "title": "Queue surgery",
        "body": BODY.format(bad),
        "services": ["checkout"],
        "environments": ["prod"],
    }
    status, made = await write(rig, runbook)
    assert status == 201
    await told(rig.ann, "runbook list surgery", "queue-surgery")

    thread = await ask(rig.dana, "is there a runbook for queue surgery?")
    answer = await thread.message("There is the runbook", "Queue surgery", within=40)
    await pressed(rig.dana, thread, answer, "Show it")
    shown = await thread.message("First", "is git.revert_commit")
    assert "can't be a step: it needs a shell" in plain(shown)

    await pressed(rig.dana, thread, shown, "Turn into a step")
    card = await thread.card("Waiting for approval", "runbook *Queue surgery*")
    assert f"git revert {bad[:7]}" in plain(card)
    await press(rig.dana, card, "Approve")
    await whisper(rig.dana, thread, "You asked for this plan", "someone else")
    await press(rig.bo, card, "Approve")
    await thread.card("Done in", within=60)

    await until(rig.healthy, within=30, what="the shop to follow")
    plan = re.search(r"P-\d+", plain(card))
    assert plan
    status, record = await rig.api(f"/v1/plans/{plan[0]}")
    assert [one["title"] for one in record["knowledge"]] == ["Queue surgery"]
    assert record["knowledge"][0]["id"] == made["id"]

    beyond = await ask(rig.dana, "fail over the DNS of checkout in prod")
    refused = await beyond.message("The runbook", "DNS failover", "shall I show it?", within=40)
    assert "Show it" in buttons(refused)
    assert await beyond.cards() == []


async def write(rig: Rig, runbook: dict[str, Any]) -> tuple[int, Any]:
    """Post a runbook with the token that `up` made."""
    headers = {"Authorization": f"Bearer {rig.up.service_token.read_text()}"}
    url = f"{rig.up.http_url}/v1/runbooks"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=runbook, headers=headers) as answer,
    ):
        return answer.status, await answer.json()
