"""Ends one process of a rig at a named place, and checks what became of it all."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.local import children
from bot.local.slack.person import NotDone, buttons, plain
from tests.acceptance.rig import Additions, Rig, open_rig
from tests.acceptance.thread import Message, Thread, ask, press, reference
from tests.acceptance.waiting import until
from tests.faults.breaking import all_up

POINTS = Path(__file__).with_name("points")
WHILE_ASKED = ("K01", "K02", "K03", "K04", "K05")
WHILE_RUN = ("K06", "K07", "K08", "K09", "K10", "K11", "K12", "K13", "K16", "K17")
WHILE_UNDONE = ("K14", "K15")
ALL = tuple(sorted((*WHILE_ASKED, *WHILE_RUN, *WHILE_UNDONE)))
# The second of three rollbacks.
PASSES = {"K15": 1}
DIES_WITHIN, RECOVERS_WITHIN = 60.0, 30.0
SILENCE = 10.0
"""After this a worker that says nothing counts as dead; it comes on top where a tool ran."""
LASTLY = {
    "succeeded": ("Done in",),
    "rolled_back": ("Failed and rolled back",),
    "needs_decision": ("I don't know",),
    "rollback_failed": ("Rolling back step",),
}


def patience() -> float:
    """Half a minute of a machine that has time for it: longer where others keep it busy."""
    return RECOVERS_WITHIN * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def armable(folder: Path) -> dict[str, str]:
    """Settings of processes that can be ended where a file in this folder says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, (str(POINTS), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "CARAPULSE_TEST_FAULT": str(folder)}


@asynccontextmanager
async def open_mortal(folder: Path, places: Path, added: Additions) -> AsyncIterator[Rig]:
    """A rig whose processes can be ended at a place, and are started again within a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(children, "LONGEST_RETRY", 1.0)
        async with open_rig(folder, replace(added, env=armable(places))) as rig:
            yield rig


@dataclass(frozen=True, slots=True)
class Doom:
    """A place to die at, and when somebody did."""

    file: Path

    def arm(self) -> None:
        """From now on."""
        self.file.write_text(str(PASSES.get(self.file.name, 0)))

    async def fulfilled(self) -> float:
        """When, by the loop's clock."""

        async def gone() -> bool:
            return not self.file.exists()

        await until(gone, within=DIES_WITHIN, what=f"somebody to die at {self.file.name}")
        return asyncio.get_running_loop().time()


async def dies_at(rig: Rig, folder: Path, point: str) -> None:
    """One exercise of three steps in which a process dies there; all that must hold after it."""
    doom = Doom(folder / point)
    undone = point in WHILE_UNDONE
    if point in WHILE_ASKED:
        await rig.control.redelivery(0.2)  # of what was not stored: the sender's pace, not ours
        doom.arm()
    thread = await ask(rig.dana, f"{'doomed' if undone else 'three step'} drill on checkout")
    at = await doom.fulfilled() if point in WHILE_ASKED else None
    card = await thread.card("Waiting for approval", "Approve", within=patience())
    if at is None:
        doom.arm()
        await pressed(rig, card)
        at = await doom.fulfilled()
    else:
        await pressed(rig, card)
        at = asyncio.get_running_loop().time()
    allowed = patience() + (SILENCE if point in ("K10", "K11", "K12", "K15") else 0)
    left = at + allowed - asyncio.get_running_loop().time()
    if point == "K15":  # loud, and a person decides: nobody undoes a second time unasked
        card = await thread.card("Rolling back step 2 failed", within=left)
        await press(rig.bo, card, "Roll back")
        left = patience()
    done = ("Failed and rolled back",) if undone else ("Done in",)
    last = await thread.card(*done, within=left)
    await thread.outcome(*done, within=patience())
    await all_up(rig)
    await consistent(rig, thread, reference(last))


async def pressed(rig: Rig, card: Message) -> None:
    """Ann approves, as somebody does who presses again when the page says that it did not work."""
    try:
        await press(rig.ann, card, "Approve")
    except NotDone:
        return  # the bot has died with the answer; the payload was stored before


async def consistent(rig: Rig, thread: Thread, plan: str) -> None:
    """One plan and execution, each effect once, what was approved, and a card that tells it."""
    (execution,) = await rig.executions(plan)
    plan_id, version = execution["plan_id"], execution["version"]
    made = Counter(mark for mark in await rig.marks() if mark.startswith(f"{plan_id}."))
    assert set(made.values()) == {1}, made
    assert {mark for mark in made if not mark.endswith("-undo")} == {
        f"{plan_id}.{version}.{step}" for step in (1, 2, 3)
    }
    if execution["state"] == "rolled_back":
        assert len(made) == 6, made
    digests = await rig.owner.fetch(
        "SELECT v.digest, a.body::jsonb->'statement'->>'digest' AS approved, "
        "s.body::jsonb->'detail'->>'digest' AS started FROM plan_versions v "
        "JOIN approvals a ON a.plan_id = v.plan_id AND a.version = v.version "
        "JOIN audit s ON s.action = 'execution.start' AND s.subject = $3 "
        "WHERE v.plan_id = $1 AND v.version = $2",
        plan_id,
        version,
        str(execution["id"]),
    )
    assert [len({*row}) for row in digests] == [1], digests
    assert len(await rig.owner.fetch("SELECT 1 FROM plans WHERE reference = $1", plan)) == 1
    (card,) = await thread.cards()
    assert all(word in plain(card) for word in LASTLY[execution["state"]]), plain(card)
    assert not set(buttons(card)) & {"Approve", "Reject", "Pause", "Cancel"}
    outcomes = [one for one in await thread.ours() if ended(one)]
    assert len(outcomes) == 1, [plain(one) for one in outcomes]


def ended(message: Message) -> bool:
    """Whether it is the message of its own that says how it ended."""
    card = any(block["type"] == "plan" for block in message["blocks"] or [])
    words = plain(message)
    return not card and any(end in words for end in ("Done in", "Failed and rolled back"))
