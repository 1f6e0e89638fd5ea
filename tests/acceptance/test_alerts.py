"""An alert does what a person's sentence does, and its thread says when it is over."""

import pytest

from bot.local.slack.person import NotSeen, buttons, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import INCIDENTS, Message, Thread, press, reference
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
ALERT = "CheckoutErrorRateHigh"


async def quiet(rig: Rig) -> None:
    """Wait until no earlier alert of checkout is open."""

    async def none_open() -> bool:
        open_ones = await rig.owner.fetchval("SELECT count(*) FROM problems WHERE ended_at IS NULL")
        return bool(open_ones == 0)

    await until(none_open, within=40, what="earlier alerts to resolve")


async def firing(rig: Rig, since: float) -> Message:
    """The root message of a new alert."""
    try:
        return await rig.dana.wait_for(
            lambda one: (
                one["channel"] == INCIDENTS
                and float(one["ts"]) > since
                and one["thread_ts"] in (None, one["ts"])
                and ALERT in plain(one)
                and "firing" in plain(one)
            ),
            timeout=40,
            what="the alert's thread",
        )
    except NotSeen as error:
        raise AssertionError(str(error)) from None


async def test_an_alert_opens_a_thread_with_a_plan_and_says_when_it_resolves(rig: Rig) -> None:
    await quiet(rig)
    before = max(float(one["ts"]) for one in await rig.dana.messages(INCIDENTS) or [{"ts": "0"}])
    bad = await rig.world.bad_commit()
    root = await firing(rig, before)
    thread = Thread(rig.dana, INCIDENTS, root["ts"])
    findings = await thread.message("What I looked at", within=40)
    card = await thread.card("Waiting for approval")

    assert "prod/eu-1" in plain(root)
    assert "Error rate" in plain(root)
    assert bad[:7] in plain(findings)
    assert bad[:7] in plain(card)
    assert "Approve" in buttons(card)

    await press(rig.dana, card, "Approve")
    await press(rig.ann, card, "Approve")
    await thread.card("Done in", "approved by Ann", within=60)
    fixed = f"fixed by plan {reference(card)}"
    over = await rig.dana.wait_for(
        lambda one: one["ts"] == root["ts"] and "resolved" in plain(one) and fixed in plain(one),
        timeout=60,
        what="the alert to resolve by itself, with the plan that did it",
    )

    assert buttons(over) == {}
    assert await rig.healthy()
