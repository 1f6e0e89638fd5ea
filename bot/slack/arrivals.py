"""Which payloads concern us, and the key by which each counts once.

A click is not delivered twice by Slack, an event is; one message of a person can come as
`message` and as `app_mention`. The key takes care of all of them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.blocks import actions as ids
from bot.slack.emoji import verdict_of
from bot.slack.origins import Body, Origin, origin

SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})
SLACK_ITSELF = frozenset({"USLACKBOT", "USLACK"})
# Handled at once: a cache to be cleared in this process, dialogs that have to be opened or
# answered within three seconds.
DIRECT_EVENTS = frozenset({"user_change"})
DIRECT_ACTIONS = frozenset(
    {ids.REJECT, ids.BREAK_GLASS, ids.EDIT, ids.RATE_WHY, *ids.SHOWS, *ids.WORKFLOW_OPENS}
)
DIRECT_VIEWS = frozenset({ids.GLASS, ids.EDITED, ids.WORKFLOW_STARTED})
DIRECT_COMMAND = re.compile(r"\s*workflows?\s+start\s+\S", re.IGNORECASE)
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Arrival:
    """A payload to be stored: `thread` groups those that are handled in order."""

    key: str
    thread: str


def arrival(body: Body, bot_user: str) -> Arrival | None:
    """How to store this payload; None when we have no use for it."""
    where = origin(body)
    if "event" in body:
        make = EVENTS.get(str(body["event"].get("type")))
        return make(body, where, bot_user) if make else None
    if "command" in body:
        return Arrival(f"slash:{body.get('trigger_id')}", f"slash:{where.user}")
    make_other = OTHERS.get(str(body.get("type")))
    return make_other(body, where) if make_other else None


def direct(body: Body) -> bool:
    """Whether the payload is handled on arrival instead of being stored.

    Slack's question whether a request URL is ours needs its answer at once too.
    """
    if body.get("type") == "url_verification":
        return True
    if "event" in body:
        return body["event"].get("type") in DIRECT_EVENTS
    if "command" in body:
        return DIRECT_COMMAND.match(str(body.get("text", ""))) is not None
    if body.get("type") == "view_submission":
        return body.get("view", {}).get("callback_id") in DIRECT_VIEWS
    pressed = body.get("actions") or [{}]
    return body.get("type") == "block_actions" and pressed[0].get("action_id") in DIRECT_ACTIONS


def said(body: Body, where: Origin, bot_user: str) -> Arrival | None:
    """A person's message to us, or in a thread; the service knows whether the thread is ours."""
    event = body["event"]
    if event.get("subtype") not in SUBTYPES or event.get("hidden") or event.get("bot_id"):
        return None
    if not where.user or where.user == bot_user or where.user in SLACK_ITSELF:
        return None
    reply = event.get("thread_ts") not in (None, event.get("ts"))
    if not (reply or addressed(event, bot_user)):
        return None
    key = f"message:{body.get('team_id')}:{where.channel}:{event.get('ts')}"
    return Arrival(key, f"{where.channel}:{where.thread}")


def addressed(event: Body, bot_user: str) -> bool:
    """A mention, or a direct message."""
    return event.get("channel_type") == "im" or f"<@{bot_user}>" in str(event.get("text", ""))


def reacted(body: Body, where: Origin, bot_user: str) -> Arrival | None:
    """An emoji that decides, on a message of ours."""
    event = body["event"]
    mine = event.get("item_user") in (None, bot_user)
    if not mine or where.user == bot_user or verdict_of(str(event.get("reaction"))) is None:
        return None
    return Arrival(f"event:{body.get('event_id')}", f"{where.channel}:{where.thread}")


def opened(body: Body, where: Origin, _: str) -> Arrival | None:
    """App Home; its Messages tab is a direct message and comes as one."""
    if body["event"].get("tab") != "home":
        return None
    return Arrival(f"event:{body.get('event_id')}", f"home:{where.user}")


def stopped(body: Body, where: Origin, _: str) -> Arrival | None:
    """Slack's own button that stops us while we are looking; before what was said after it."""
    return Arrival(f"event:{body.get('event_id')}", f"{where.channel}:{where.thread}")


def pressed(body: Body, where: Origin) -> Arrival | None:
    """A press. The same press has the same `action_ts`."""
    actions = body.get("actions") or []
    if not actions:
        return None
    stamp = body.get("container", {}).get("message_ts") or body.get("message", {}).get("ts")
    action, at = actions[0].get("action_id"), actions[0].get("action_ts")
    key = f"press:{where.channel}:{stamp}:{action}:{where.user}:{at}"
    return Arrival(key[:LONGEST], f"{where.channel}:{where.thread}")


def submitted(body: Body, where: Origin) -> Arrival:
    """A dialog that was filled in."""
    view = body.get("view", {})
    return Arrival(f"view:{view.get('id')}:{view.get('hash')}", f"{where.channel}:{where.thread}")


def shortcut(body: Body, where: Origin) -> Arrival:
    """An entry of a message's menu."""
    return Arrival(f"shortcut:{body.get('trigger_id')}", f"{where.channel}:{where.thread}")


EVENTS: dict[str, Callable[[Body, Origin, str], Arrival | None]] = {
    "message": said,
    "app_mention": said,
    "reaction_added": reacted,
    "reaction_removed": reacted,
    "app_home_opened": opened,
    "agent_session_stopped": stopped,
}
OTHERS: dict[str, Callable[[Body, Origin], Arrival | None]] = {
    "block_actions": pressed,
    "view_submission": submitted,
    "message_action": shortcut,
}
