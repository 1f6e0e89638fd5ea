"""From a sentence in a channel to the verified rollback, as the people in the channel see it."""

import pytest

from bot.local.slack.person import buttons, plain
from tests.acceptance.rig import Rig
from tests.acceptance.thread import ask, is_card, press, whisper
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
REQUEST = "checkout is failing since the last config change, roll it back"


async def test_a_sentence_becomes_an_approved_verified_rollback(rig: Rig) -> None:
    bad = await rig.broken()
    thread = await ask(rig.dana, REQUEST)
    await rig.dana.wait_for(
        lambda one: one["ts"] == thread.ts and any(r["name"] == "eyes" for r in one["reactions"]),
        timeout=20,
        what=":eyes: under the question",
    )
    findings = await thread.message("What I looked at", within=40)
    card = await thread.card("Waiting for approval", "Approve")

    assert bad[:7] in plain(findings)
    assert bad[:7] in plain(card)
    assert "Medium risk" in plain(card)
    assert "not Dana Reyes" in plain(card)

    assert await press(rig.dana, card, "Approve")
    await whisper(rig.dana, thread, "someone else", "<@U0ANN>", "<@U0BO>")
    assert await rig.head() == bad

    assert await press(rig.ann, card, "Approve")
    log = await thread.log("[1]", "[2]", "[3]")
    done = await thread.card(":large_green_circle:", "Done in", within=60)
    outcome = await thread.outcome(":large_green_circle:", "Done in")

    told = plain(done)
    assert "approved by Ann" in told
    assert "Asked by Dana" in told
    assert f"{bad[:7]} -> {(await rig.head())[:7]}" in told
    assert not set(buttons(done)) & {"Approve", "Reject", "Pause", "Cancel"}
    assert any("Running step" in text and "(~)" in text for text in thread.shown(done))
    assert outcome["ts"] != done["ts"] != log["ts"]
    assert [is_card(one) for one in await thread.ours()].count(True) == 1

    assert await rig.healthy()
    assert (await rig.head()) != bad
    await until(lambda: file_in(rig, thread.ts), within=20, what="the full log as a file")


async def file_in(rig: Rig, ts: str) -> bool:
    messages = await rig.dana.messages("C0INC", ts)
    return any(file["name"].endswith(".log") for one in messages for file in one["files"])


async def test_an_emoji_approves_like_a_button_and_is_said_in_words(rig: Rig) -> None:
    await rig.broken()
    thread = await ask(rig.dana, REQUEST)
    card = await thread.card("Waiting for approval")

    await rig.dana.react(thread.channel, card["ts"], "white_check_mark")
    await whisper(rig.dana, thread, "someone else")
    assert "0 of 1" in plain(await thread.card("Waiting for approval"))

    await rig.ann.react(thread.channel, card["ts"], "white_check_mark::skin-tone-4")
    await thread.message("<@U0ANN> approved v1 by emoji")
    done = await thread.card("Done in", within=60)

    assert "Ann" in plain(done)
    assert await rig.healthy()
