"""High risk is approved by two people with a reason and a ticket, and everybody hears of it."""

import pytest

from bot.local.slack.person import buttons, plain
from tests.acceptance.rig import Rig
from tests.acceptance.signing_in import confirms
from tests.acceptance.thread import INCIDENTS, ask, press, reference, whisper

pytestmark = pytest.mark.asyncio(loop_scope="session")
DRASTIC = "drastic drill on checkout"
WHY = "checkout loses orders and the fix is known"


async def test_a_high_risk_plan_runs_once_two_people_said_why_and_the_channel_heard_of_it(
    rig: Rig,
) -> None:
    thread = await ask(rig.ann, DRASTIC)
    card = await thread.card("Waiting for approval", "High risk needs break-glass")
    needed = "Needs 2, one of shop or <!subteam^S0OWN>, and one other of <!subteam^S0SRE>"
    assert needed in plain(card)

    # Whoever asked for it learns why not, before anything is typed; an emoji counts for nobody.
    await press(rig.ann, card, "Approve")
    await whisper(rig.ann, thread, "You asked for this plan")
    await rig.dana.react(thread.channel, card["ts"], "white_check_mark")
    await whisper(rig.dana, thread, "An emoji can't approve a high-risk plan here")

    # What is wrong stands below its field.
    await press(rig.dana, card, "Approve")
    modal = await rig.dana.wait_for_view(what="the dialog of break-glass")
    refused = await rig.dana.submit(
        modal["id"], {"reason": {"text": {"value": "because"}}, "ticket": {"text": {"value": "?"}}}
    )
    assert set(refused["errors"]) == {"reason", "ticket"}
    given = await rig.dana.submit(
        modal["id"], {"reason": {"text": {"value": WHY}}, "ticket": {"text": {"value": "OPS-7"}}}
    )
    assert given["ok"]
    await confirms(thread, rig.dana, "dana")
    card = await thread.card("1 of 2 so far", WHY, "(OPS-7)")
    assert await rig.executions(reference(card)) == []

    # The second finds there what the first wrote.
    await press(rig.bo, card, "Approve")
    modal = await rig.bo.wait_for_view(what="the same dialog for the second person")
    fields = {block.get("block_id"): block for block in modal["blocks"]}
    assert fields["reason"]["element"]["initial_value"] == WHY
    assert fields["ticket"]["element"]["initial_value"] == "OPS-7"
    await rig.bo.submit(
        modal["id"], {"reason": {"text": {"value": WHY}}, "ticket": {"text": {"value": "OPS-7"}}}
    )
    await confirms(thread, rig.bo, "bo")

    loud = await thread.message("Break-glass: checkout in prod", WHY, "OPS-7")
    assert "<!subteam^S0OWN>" in plain(loud)
    assert loud.get("subtype") == "thread_broadcast"
    assert loud["channel"] == INCIDENTS
    done = await thread.card("Done in", "approved by Dana Reyes and Bo Lindqvist", within=60)
    assert "Approve" not in buttons(done)
    audited = await rig.owner.fetch(
        "SELECT a.actor, a.body::json ->> 'reason' AS reason FROM audit a "
        "JOIN plans p ON p.id::text = a.subject "
        "WHERE a.action = 'plan.break_glass' AND p.reference = $1 ORDER BY a.id",
        reference(card),
    )
    assert [(row["actor"], row["reason"]) for row in audited] == [("dana", WHY), ("bo", WHY)]
    untold = await rig.owner.fetchval("SELECT count(*) FROM break_glass")
    assert untold >= 1
