"""A freeze is on the card before anybody presses; what is approved waits for its end."""

import asyncio
import json
import sys

import pytest

from bot.local.slack.person import Person, plain
from tests.acceptance.rig import Rig, environment
from tests.acceptance.thread import INCIDENTS, ask, press, reference
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def told(person: Person, *words: str) -> str:
    """What the person alone is told in the channel."""
    found = await person.wait_for(
        lambda one: (
            one["ephemeral_to"] == person.user_id and all(word in plain(one) for word in words)
        ),
        timeout=10,
        what=f"a whisper that says {words}",
    )
    return plain(found)


async def frozen(person: Person, words: str) -> str:
    """Set a freeze; its mark."""
    await person.slash("/carapulse", f"freeze {words}", INCIDENTS)
    said = await told(person, "are frozen until", words.rpartition("2h ")[2])
    return said.rpartition("freeze lift ")[2][:6]


async def begun(rig: Rig, plan: str) -> bool:
    """Whether a worker has taken the first call of this plan."""
    [execution] = await rig.executions(plan)
    query = "SELECT EXISTS (SELECT FROM tool_calls WHERE execution_id = $1)"
    return bool(await rig.owner.fetchval(query, execution["id"]))


async def test_what_is_frozen_can_be_approved_and_starts_when_the_freeze_is_lifted(
    rig: Rig,
) -> None:
    thread = await ask(rig.dana, "quick drill on checkout")
    card = await thread.card("Waiting for approval", without="frozen")
    await rig.dana.slash("/carapulse", "freeze prod until 2h release day", INCIDENTS)
    await told(rig.dana, "Only *sre* can freeze changes")

    mark = await frozen(rig.ann, "prod until 2h release day")
    card = await thread.card("Changes to prod are frozen until", "by Ann Okafor: release day")
    assert "It can be approved now, and starts by itself" in plain(card)
    await press(rig.bo, card, "Approve")
    waiting = await thread.card("Waiting", "Changes to prod are frozen", "Approved by Bo")

    [execution] = await rig.executions(reference(waiting))
    assert (execution["state"], execution["started_at"]) == ("waiting", None)
    await rig.ann.slash("/carapulse", f"freeze lift {mark}", INCIDENTS)
    done = await thread.card("Done in", "approved by Bo", within=60)
    assert "frozen" not in plain(done)


async def test_a_freeze_that_is_set_meanwhile_lets_the_step_end_and_holds_the_next(
    rig: Rig,
) -> None:
    thread = await ask(rig.dana, "two step drill on checkout")
    card = await thread.card("Waiting for approval")
    await press(rig.bo, card, "Approve")
    running = await thread.card("Running step 1 of 2")
    plan = reference(running)
    await until(lambda: begun(rig, plan), within=10, what="the first step to be under way")

    mark = await frozen(rig.ann, "checkout in prod until 2h the books are closed")
    held = await thread.card("Changes to checkout in prod are frozen", "Approved by Bo", within=30)

    [execution] = await rig.executions(reference(held))
    states = await rig.owner.fetch(
        "SELECT state FROM steps WHERE execution_id = $1 ORDER BY number", execution["id"]
    )
    assert [row["state"] for row in states] == ["succeeded", "pending"]
    await rig.ann.slash("/carapulse", f"freeze lift {mark}", INCIDENTS)
    await thread.card("Done in", "approved by Bo", within=60)


async def test_the_command_line_freezes_under_the_same_policy_and_everybody_sees_it(
    rig: Rig,
) -> None:
    await carapulse(rig, "freeze", "set", "disks are moved", "--service", "cart", "--until", "2h")
    listed = json.loads(await carapulse(rig, "freeze", "list", "--json"))
    await rig.dana.slash("/carapulse", "freeze list", INCIDENTS)
    await told(rig.dana, "Changes to cart are frozen", "disks are moved")
    await rig.dana.open_home()
    await rig.dana.wait_for_home(lambda view: "Changes to cart are frozen" in str(view))

    assert listed["set_by"].startswith("cli:")
    assert "Lifted: Changes to cart." in await carapulse(rig, "freeze", "lift", listed["id"])
    assert await carapulse(rig, "freeze", "list", "--json") == ""


async def carapulse(rig: Rig, *arguments: str) -> str:
    """Run the command as its user does; what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", *arguments),
        env=environment(rig),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode().strip()
