"""pins.* and bookmarks.*."""

import time

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.call import Call, Method, channel_to_write


def pin(slack: LocalSlack, call: Call) -> Json:
    """Pin a message."""
    channel = channel_to_write(slack, call)
    message = slack.workspace.message(channel.id, call.required("timestamp"))
    pinned = slack.workspace.pins.setdefault(channel.id, [])
    if message.ts in pinned:
        raise Refused("already_pinned")
    pinned.append(message.ts)
    return {}


def unpin(slack: LocalSlack, call: Call) -> Json:
    """Take a pin away."""
    channel = channel_to_write(slack, call)
    pinned = slack.workspace.pins.get(channel.id, [])
    if call.text("timestamp") not in pinned:
        raise Refused("no_pin")
    pinned.remove(call.text("timestamp"))
    return {}


def pins(slack: LocalSlack, call: Call) -> Json:
    """What is pinned."""
    channel = channel_to_write(slack, call)
    inside = slack.workspace.messages.get(channel.id, {})
    found = [inside[ts] for ts in slack.workspace.pins.get(channel.id, []) if ts in inside]
    items = [
        {"type": "message", "channel": channel.id, "message": slack.present.message(each)}
        for each in found
    ]
    return {"items": items}


def bookmark(slack: LocalSlack, call: Call) -> Json:
    """Put a link above a channel."""
    channel = slack.workspace.channel(call.text("channel_id"))
    if call.required("type") != "link":
        raise Refused("invalid_bookmark_type")
    kept: Json = {
        "id": slack.workspace.new_id("Bk"),
        "channel_id": channel.id,
        "title": call.required("title"),
        "link": call.required("link"),
        "emoji": call.text("emoji"),
        "type": "link",
        "date_created": int(time.time()),
    }
    slack.workspace.bookmarks.setdefault(channel.id, []).append(kept)
    return {"bookmark": kept}


def bookmarks(slack: LocalSlack, call: Call) -> Json:
    """The links above a channel."""
    channel = slack.workspace.channel(call.text("channel_id"))
    return {"bookmarks": slack.workspace.bookmarks.get(channel.id, [])}


METHODS: dict[str, Method] = {
    "pins.add": pin,
    "pins.remove": unpin,
    "pins.list": pins,
    "bookmarks.add": bookmark,
    "bookmarks.list": bookmarks,
}
