"""Where a payload came from: who did it, and in which thread an answer belongs."""

from dataclasses import dataclass
from typing import Any

from engine.domain.conversation import Place

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """`team` is the one that the payload claims for the person; empty when it claims none."""

    user: str
    team: str
    channel: str
    thread: str

    @property
    def place(self) -> Place:
        return Place(channel=self.channel, thread=self.thread)


def origin(body: Body) -> Origin:
    """The origin of an event, a press, a dialog, a shortcut or a command."""
    if "event" in body:
        return of_event(body["event"])
    if "command" in body:
        user, team = str(body.get("user_id", "")), str(body.get("team_id", ""))
        return Origin(user, team, str(body.get("channel_id", "")), "")
    person = body.get("user", {})
    user, team = str(person.get("id", "")), str(person.get("team_id", ""))
    if "view" in body:
        channel, thread = place_of_view(body["view"])
        return Origin(user, team, channel, thread)
    container, message = body.get("container", {}), body.get("message", {})
    channel = str(body.get("channel", {}).get("id") or container.get("channel_id", ""))
    root = message.get("thread_ts") or container.get("thread_ts")
    first = root or message.get("ts") or container.get("message_ts", "")
    return Origin(user, team, channel, str(first))


def of_event(event: Body) -> Origin:
    """Messages and mentions, reactions, App Home."""
    item = event.get("item", {})
    channel = str(event.get("channel") or item.get("channel", ""))
    thread = event.get("thread_ts") or (event.get("ts") if not item else item.get("ts"))
    user = event.get("user", "")
    team = str(event.get("user_team") or event.get("source_team") or "")
    return Origin(user if isinstance(user, str) else "", team, channel, str(thread or ""))


def place_of_view(view: Body) -> tuple[str, str]:
    """Our dialogs carry `value channel:thread` along."""
    _, _, place = str(view.get("private_metadata", "")).partition(" ")
    channel, _, thread = place.partition(":")
    return channel, thread
