"""Everything that exists in the local workspace, kept in memory."""

import json
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bot.local.slack.model import Channel, File, Json, Message, User, UserGroup, View
from bot.local.slack.refusal import Refused
from bot.local.slack.world import World


@dataclass(slots=True)
class Stream:
    """A message that is still being written."""

    expires: float
    mode: str
    parts: list[Json] = field(default_factory=list)
    title: str = ""


class Workspace:
    """The state of the team. It knows nothing of the bot, the page or the network."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.users: dict[str, User] = {user.id: user for user in world.users}
        self.groups: dict[str, UserGroup] = {group.id: group for group in world.usergroups}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in world.channels}
        self.messages: dict[str, dict[str, Message]] = {}
        self.ephemerals: dict[tuple[str, str], Message] = {}
        self.files: dict[str, File] = {}
        self.homes: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        self.streams: dict[tuple[str, str], Stream] = {}
        self.pins: dict[str, list[str]] = {}
        self.bookmarks: dict[str, list[Json]] = {}
        self.read_up_to: dict[tuple[str, str], str] = {}
        self._threads: dict[tuple[str, str], list[str]] = {}
        self._last_ts = 0
        self._numbers = count(1)

    @property
    def bot(self) -> User:
        return self.users[self.world.app.bot_user]

    @property
    def team_id(self) -> str:
        return str(self.world.team["id"])

    def new_ts(self) -> str:
        """A timestamp later than every other one given out."""
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """An id that no other object of this run has."""
        return f"{prefix}0{int(time.time() * 1000):X}{next(self._numbers):X}"

    def user(self, user_id: str) -> User:
        if user_id not in self.users:
            raise Refused("user_not_found")
        return self.users[user_id]

    def channel(self, channel_id: str) -> Channel:
        if channel_id not in self.channels:
            raise Refused("channel_not_found")
        return self.channels[channel_id]

    def dm_of(self, user_id: str) -> Channel:
        """The direct conversation of a person with the bot."""
        for channel in self.channels.values():
            if channel.kind == "dm" and user_id in channel.members:
                return channel
        raise Refused("channel_not_found")

    def message(self, channel_id: str, ts: str) -> Message:
        found = self.messages.get(channel_id, {}).get(ts)
        if found is None:
            raise Refused("message_not_found")
        return found

    def find(self, channel_id: str, ts: str, user_id: str) -> Message | None:
        """A message this person can see: an ordinary one, or a whisper to them."""
        whisper = self.ephemerals.get((channel_id, ts))
        if whisper is not None and whisper.ephemeral_to == user_id:
            return whisper
        return self.messages.get(channel_id, {}).get(ts)

    def put(self, message: Message) -> None:
        """Add or replace a message."""
        if message.ephemeral_to:
            self.ephemerals[message.channel, message.ts] = message
        else:
            inside = self.messages.setdefault(message.channel, {})
            if message.ts not in inside and message.is_reply:
                thread = (message.channel, str(message.thread_ts))
                self._threads.setdefault(thread, []).append(message.ts)
            inside[message.ts] = message

    def remove(self, message: Message) -> None:
        """Forget a message."""
        key = (message.channel, message.ts)
        self.ephemerals.pop(key, None)
        self.streams.pop(key, None)
        removed = self.messages.get(message.channel, {}).pop(message.ts, None)
        if removed is not None and removed.is_reply:
            self._threads[removed.channel, str(removed.thread_ts)].remove(removed.ts)

    def replies(self, channel_id: str, root_ts: str) -> list[Message]:
        """The answers under a message, oldest first."""
        inside = self.messages.get(channel_id, {})
        return [inside[ts] for ts in self._threads.get((channel_id, root_ts), ())]

    def is_streaming(self, message: Message) -> bool:
        """Whether the message can still be appended to."""
        stream = self.streams.get((message.channel, message.ts))
        return stream is not None and stream.expires > time.monotonic()

    def view(self, view_id: str) -> View:
        """An open modal or an App Home by its id."""
        stacks = (view for stack in self.modals.values() for view in stack)
        for view in (*stacks, *self.homes.values()):
            if view.id == view_id:
                return view
        raise Refused("not_found")

    def save(self, path: Path) -> None:
        """Write messages, files and channels so that a restart keeps them."""
        state = {
            "messages": [m.dump() for inside in self.messages.values() for m in inside.values()],
            "files": [dump_file(each) for each in self.files.values() if each.content is not None],
            "channels": [dump_channel(each) for each in self.channels.values()],
            "pins": self.pins,
            "bookmarks": self.bookmarks,
        }
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(state), encoding="utf-8")
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        state: Json = json.loads(path.read_text(encoding="utf-8"))
        for saved in state["channels"]:
            channel = Channel(**{**saved, "members": tuple(saved["members"])})
            self.channels[channel.id] = channel
        for saved in state["messages"]:
            self.put(Message.load(saved))
        for saved in state["files"]:
            self.files[saved["id"]] = load_file(saved)
        self.pins, self.bookmarks = state["pins"], state["bookmarks"]


def ts_of(message: Message) -> tuple[int, int]:
    """The order of messages in time."""
    seconds, _, fraction = message.ts.partition(".")
    return int(seconds), int(fraction)


def dump_channel(channel: Channel) -> Json:
    """A channel as JSON."""
    return {name: getattr(channel, name) for name in Channel.__slots__}


def dump_file(file: File) -> Json:
    """A file as JSON; its bytes as latin-1 text, which keeps every byte."""
    saved = {name: getattr(file, name) for name in File.__slots__}
    return {**saved, "content": (file.content or b"").decode("latin-1")}


def load_file(saved: Json) -> File:
    """The file written by `dump_file`."""
    shares = tuple((channel, ts) for channel, ts in saved["shares"])
    return File(**{**saved, "content": saved["content"].encode("latin-1"), "shares": shares})
