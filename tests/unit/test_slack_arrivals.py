"""Which payloads are stored, and the key that makes each of them count once."""

from typing import Any

import pytest

from bot.slack.arrivals import Arrival, arrival, direct
from bot.slack.emoji import verdict_of
from bot.slack.origins import origin
from bot.slack.wire import words
from engine.domain.approval import Verdict

BOT = "U0CARA"


def event(**fields: Any) -> dict[str, Any]:
    said = {"user": "U0DANA", "channel": "C1", "ts": "10.1", "channel_type": "channel"}
    return {
        "type": "event_callback",
        "team_id": "T0",
        "event_id": "Ev1",
        "event": {**said, "type": "message", "text": "hello", **fields},
    }


def press(**fields: Any) -> dict[str, Any]:
    body = {
        "type": "block_actions",
        "user": {"id": "U0ANN", "team_id": "T0"},
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": "10.2", "channel_id": "C1"},
        "message": {"ts": "10.2", "thread_ts": "10.1"},
        "actions": [{"action_id": "plan.approve", "action_ts": "11.5", "value": "p:2"}],
    }
    return {**body, **fields}


def test_a_message_and_its_mention_are_one() -> None:
    text = f"<@{BOT}> restart"
    message = arrival(event(text=text), BOT)
    mention = arrival({**event(text=text, type="app_mention"), "event_id": "Ev2"}, BOT)

    assert message == mention == Arrival("message:T0:C1:10.1", "C1:10.1")


def test_replies_are_grouped_by_their_thread() -> None:
    found = arrival(event(ts="12.0", thread_ts="10.1"), BOT)

    assert found == Arrival("message:T0:C1:12.0", "C1:10.1")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"subtype": "message_changed", "text": f"<@{BOT}> x"},
        {"subtype": "message_deleted", "thread_ts": "9.9"},
        {"subtype": "bot_message", "text": f"<@{BOT}> x"},
        {"bot_id": "B9", "text": f"<@{BOT}> x"},
        {"user": BOT, "thread_ts": "9.9"},
        {"user": "USLACKBOT", "text": f"<@{BOT}> x"},
        {"hidden": True, "thread_ts": "9.9"},
        {"thread_ts": "10.1"},
        {"type": "channel_rename"},
    ],
)
def test_what_does_not_concern_us_is_not_stored(fields: dict[str, Any]) -> None:
    assert arrival(event(**fields), BOT) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"channel_type": "im"},
        {"text": f"see <@{BOT}>", "subtype": "file_share"},
        {"subtype": "thread_broadcast", "thread_ts": "9.9"},
    ],
)
def test_what_people_say_to_us_is_stored(fields: dict[str, Any]) -> None:
    assert arrival(event(**fields), BOT) is not None


def test_a_press_is_known_by_place_person_and_moment() -> None:
    found = arrival(press(), BOT)

    assert found == Arrival("press:C1:10.2:plan.approve:U0ANN:11.5", "C1:10.1")
    assert arrival(press(user={"id": "U0BO"}), BOT) != found


def test_a_dialog_is_known_by_its_id_and_hash() -> None:
    view = {"id": "V1", "hash": "h1", "private_metadata": "p:2 C1:10.1"}
    body = {"type": "view_submission", "user": {"id": "U0ANN"}, "view": view}

    assert arrival(body, BOT) == Arrival("view:V1:h1", "C1:10.1")


def test_commands_and_shortcuts_are_known_by_their_trigger() -> None:
    slash = {"command": "/carapulse", "trigger_id": "t1", "user_id": "U0ANN", "channel_id": "C1"}
    menu = {**press(), "type": "message_action", "trigger_id": "t2"}

    assert arrival(slash, BOT) == Arrival("slash:t1", "slash:U0ANN")
    assert arrival(menu, BOT) == Arrival("shortcut:t2", "C1:10.1")


def reaction(name: str, **fields: Any) -> dict[str, Any]:
    item = {"type": "message", "channel": "C1", "ts": "10.2"}
    happened = {"type": "reaction_added", "user": "U0ANN", "reaction": name, "item": item}
    return {
        "type": "event_callback",
        "event_id": "Ev9",
        "event": {**happened, "item_user": BOT, **fields},
    }


def test_only_emoji_that_decide_on_our_messages_are_stored() -> None:
    assert arrival(reaction("+1"), BOT) == Arrival("event:Ev9", "C1:10.2")
    assert arrival(reaction("tada"), BOT) is None
    assert arrival(reaction("+1", item_user="U0DANA"), BOT) is None
    assert arrival(reaction("+1", user=BOT), BOT) is None


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("+1", Verdict.APPROVE),
        ("+1::skin-tone-5", Verdict.APPROVE),
        ("thumbsup::skin-tone-2", Verdict.APPROVE),
        ("white_check_mark", Verdict.APPROVE),
        ("heavy_check_mark", Verdict.APPROVE),
        ("x", Verdict.REJECT),
        ("-1::skin-tone-3", Verdict.REJECT),
        ("eyes", None),
    ],
)
def test_emoji_mean_the_same_in_every_tone(name: str, verdict: Verdict | None) -> None:
    assert verdict_of(name) is verdict


def test_what_needs_its_trigger_is_handled_at_once() -> None:
    action = {"action_id": "plan.reject", "action_ts": "1"}

    assert direct(press(actions=[action]))
    assert not direct(press())
    assert direct({"type": "event_callback", "event": {"type": "user_change"}})


def test_an_ephemeral_message_still_tells_its_place() -> None:
    body = press(
        message={}, container={"message_ts": "10.3", "channel_id": "C1", "thread_ts": "10.1"}
    )

    assert (origin(body).channel, origin(body).thread) == ("C1", "10.1")


@pytest.mark.parametrize(
    ("wire", "plain"),
    [
        (f"<@{BOT}>  set &lt;x&gt; &amp; go", "set <x> & go"),
        ("see <#C1|ops> and <https://a.example|this>", "see #ops and https://a.example"),
        ("ask <@U0ANN> <!here>", "ask @U0ANN here"),
        ("<!subteam^S1|@sre> look", "@sre look"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_wire_text_becomes_what_was_typed(wire: str, plain: str) -> None:
    assert words(wire, BOT) == plain


def test_the_question_whether_a_request_url_is_ours_is_answered_at_once() -> None:
    assert direct({"type": "url_verification", "challenge": "c"})
