"""The things a workspace is made of: people, channels, messages, files and views."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class User:
    """A person or the bot. A stranger belongs to another organisation."""

    id: str
    name: str
    real_name: str
    team_id: str
    email: str = ""
    tz: str = "Etc/UTC"
    tz_offset: int = 0
    locale: str = "en-US"
    color: str = "808080"
    is_bot: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class UserGroup:
    """People who can be mentioned together."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, or the direct conversation of one person with the bot."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    kind: str = "channel"
    is_private: bool = False
    is_ext_shared: bool = False
    is_archived: bool = False
    topic: str = ""
    purpose: str = ""
    creator: str = ""
    created: int = 0

    @property
    def type(self) -> str:
        """Slack's `channel_type` of events."""
        if self.kind == "dm":
            return "im"
        return "group" if self.is_private else "channel"


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji under a message and who put it there."""

    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is now; every change makes a new value."""

    channel: str
    ts: str
    text: str = ""
    user: str | None = None
    bot_id: str | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    reactions: tuple[Reaction, ...] = ()
    files: tuple[str, ...] = ()
    edited: Json | None = None
    ephemeral_to: str | None = None
    metadata: Json | None = None
    unfurl: Json = field(default_factory=dict)
    client_msg_id: str | None = None

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def all_blocks(self) -> list[Json]:
        """Its own blocks and those of its attachments."""
        attached = [block for each in self.attachments for block in each.get("blocks") or []]
        return [*self.blocks, *attached]

    def reacted(self, name: str, user: str) -> bool:
        return any(user in each.users for each in self.reactions if each.name == name)

    def with_reaction(self, name: str, user: str) -> "Message":
        """The message with one more reaction."""
        if all(each.name != name for each in self.reactions):
            return replace(self, reactions=(*self.reactions, Reaction(name, (user,))))
        return replace(
            self,
            reactions=tuple(
                Reaction(name, (*each.users, user)) if each.name == name else each
                for each in self.reactions
            ),
        )

    def without_reaction(self, name: str, user: str) -> "Message":
        """The message without that person's reaction."""
        left = (
            Reaction(each.name, tuple(u for u in each.users if u != user or each.name != name))
            for each in self.reactions
        )
        return replace(self, reactions=tuple(each for each in left if each.users))

    def dump(self) -> Json:
        return asdict(self)

    @staticmethod
    def load(saved: Json) -> "Message":
        """The message written by `dump`."""
        reactions = tuple(Reaction(r["name"], tuple(r["users"])) for r in saved["reactions"])
        return Message(**{**saved, "reactions": reactions, "files": tuple(saved["files"])})


@dataclass(frozen=True, slots=True)
class File:
    """An upload. It has content once it was sent, and a channel once it was shared."""

    id: str
    name: str
    title: str
    user: str
    length: int
    mimetype: str = "application/octet-stream"
    snippet_type: str = ""
    created: int = 0
    content: bytes | None = None
    shares: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A modal or an App Home as the app last described it."""

    id: str
    user: str
    type: str
    hash: str
    blocks: list[Json]
    title: Json | None = None
    submit: Json | None = None
    close: Json | None = None
    callback_id: str = ""
    external_id: str = ""
    private_metadata: str = ""
    clear_on_close: bool = False
    notify_on_close: bool = False
    root_id: str = ""
    previous_id: str | None = None
    values: Json = field(default_factory=dict)
