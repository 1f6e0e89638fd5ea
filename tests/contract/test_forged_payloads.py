"""Payloads that Slack never sent in this form reach nobody, or the gate under their true name."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest

from bot.local.slack.person import Person, open_person
from tests.conftest import Database
from tests.contract.bot_slack import FixedViews, Rig, eventually, open_rig
from tests.contract.test_bot_slack import show_card
from tests.unit.cards import PLAN, view

Body = dict[str, Any]
OTHER = "01998f00-0000-7000-8000-00000000000f"


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with open_rig(database.app_dsn, views=FixedViews({PLAN: view()})) as opened:
        yield opened


@pytest.fixture
async def ann(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0ANN") as opened:
        yield opened


async def last_body(rig: Rig) -> Body:
    """The newest payload, as Slack sent it and as it is kept."""
    stored = await rig.pool.fetchval(
        "SELECT body FROM inbox WHERE source = 'slack' ORDER BY id DESC LIMIT 1"
    )
    body: Body = json.loads(bytes(stored))
    return body


def everywhere(value: Any, change: Callable[[str, Any], Any]) -> Any:
    """The same with each field's value changed."""
    if isinstance(value, dict):
        return {key: everywhere(change(key, inner), change) for key, inner in value.items()}
    return [everywhere(inner, change) for inner in value] if isinstance(value, list) else value


def named(old: str, new: str) -> Callable[[str, Any], Any]:
    return lambda _, value: new if value == old else value


def fresh(key: str, value: Any) -> Any:
    """Else it is known already, and carried out no second time."""
    return f"1.{uuid4().int % 10**6}" if key in ("action_ts", "trigger_id", "hash") else value


async def test_a_press_under_a_name_that_is_not_in_the_directory_decides_nothing(
    rig: Rig, ann: Person
) -> None:
    ts = await show_card(rig, ann)
    await ann.press("C0INC", ts, "plan.approve")
    await eventually(lambda: len(rig.decisions.seen) == 1)
    pressed = await last_body(rig)
    lies = [("U0ANN", who) for who in ("U0GHOST", "U0GUS", "UBOT", "USLACKBOT", "")]

    for old, new in [*lies, ("T0LOCAL", "T0EVIL")]:
        await rig.sockets.receive(everywhere(everywhere(pressed, fresh), named(old, new)))
    await rig.carried_out()
    refused = len(rig.decisions.seen) == 1
    await rig.sockets.receive(everywhere(pressed, fresh))
    await rig.carried_out()

    assert refused
    assert len(rig.decisions.seen) == 2  # the same payload, but for the lie, is heard


async def test_a_replayed_press_reaches_the_gate_once(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)
    await ann.press("C0INC", ts, "plan.approve")
    await eventually(lambda: len(rig.decisions.seen) == 1)
    body = await last_body(rig)

    for _ in range(5):
        await rig.sockets.receive(body)
    await rig.carried_out()

    assert len(rig.decisions.seen) == 1


async def test_a_dialog_that_names_another_plan_asks_the_gate_about_that_plan(
    rig: Rig, ann: Person
) -> None:
    ts = await show_card(rig, ann)
    await ann.press("C0INC", ts, "plan.reject")
    dialog = await ann.wait_for_view()
    await ann.submit(dialog["id"], {"reason": {"text": {"value": "no"}}})
    await eventually(lambda: len(rig.decisions.seen) == 1)
    body = json.loads(json.dumps(await last_body(rig)).replace(PLAN, OTHER))

    await rig.sockets.receive(everywhere(body, fresh))
    await rig.carried_out()

    assert {(seen[1], seen[2]) for seen in rig.decisions.seen} <= {("ann", PLAN), ("ann", OTHER)}


async def test_an_emoji_on_a_copy_of_the_card_decides_nothing(rig: Rig, ann: Person) -> None:
    ts = await show_card(rig, ann)
    card = next(one for one in await ann.messages("C0INC") if one["ts"] == ts)

    copy = await ann.say("C0INC", card["text"])
    await ann.react("C0INC", copy, "white_check_mark")
    await ann.react("C0INC", ts, "eyes")
    await rig.carried_out()

    assert rig.decisions.seen == []
