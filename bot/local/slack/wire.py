"""What people type, in Slack's wire form: escaped, with ids for names, and as rich text."""

import re

from bot.local.slack.model import Json
from bot.local.slack.workspace import Workspace

TOKEN = re.compile(
    r"(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'\"])"
    r"|@(?P<name>[A-Za-z0-9][\w.-]*)"
    r"|#(?P<channel>[a-z0-9][a-z0-9_-]*)"
    r"|:(?P<emoji>[a-z0-9_+-]+(?:::skin-tone-[2-6])?):"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?P<bold>[^*\n]+)\*(?![\w*])"
)
FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
BROADCAST = frozenset({"here", "channel", "everyone"})


def escape(text: str) -> str:
    """The three characters that Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Typed:
    """One message as somebody typed it."""

    def __init__(self, workspace: Workspace, text: str) -> None:
        self._workspace = workspace
        self._source = text
        self._parts: list[Json] = []
        self._wire: list[str] = []
        self._read()

    @property
    def text(self) -> str:
        """The `text` field of the message."""
        return "".join(self._wire)

    @property
    def blocks(self) -> list[Json]:
        """The rich_text block that Slack's clients attach."""
        if not self._parts:
            return []
        return [{"type": "rich_text", "elements": self._parts}]

    def _read(self) -> None:
        """Code between fences stays as it is; the rest is read word by word."""
        for index, piece in enumerate(FENCE.split(self._source)):
            if index % 2:
                self._wire.append(f"```{escape(piece)}```")
                inner: Json = {"type": "text", "text": piece}
                self._parts.append({"type": "rich_text_preformatted", "elements": [inner]})
            elif piece:
                section = self._section(piece)
                self._parts.append({"type": "rich_text_section", "elements": section})

    def _section(self, piece: str) -> list[Json]:
        elements: list[Json] = []
        done = 0
        for match in TOKEN.finditer(piece):
            found = self._element(match)
            if found is None:
                continue
            self._plain(piece[done : match.start()], elements)
            wire, element = found
            self._wire.append(wire)
            elements.append(element)
            done = match.end()
        self._plain(piece[done:], elements)
        return elements

    def _plain(self, text: str, elements: list[Json]) -> None:
        if text:
            self._wire.append(escape(text))
            elements.append({"type": "text", "text": text})

    def _element(self, match: re.Match[str]) -> tuple[str, Json] | None:
        """The wire form and the rich text of one token; None if it names nothing."""
        kind, word = str(match.lastgroup), match[str(match.lastgroup)]
        if kind == "url":
            return f"<{escape(word)}>", {"type": "link", "url": word}
        if kind == "name":
            return self._mention(word)
        if kind == "channel":
            return self._channel(word)
        if kind == "emoji":
            known = word.partition("::")[0] in self._workspace.world.emoji
            return (f":{word}:", {"type": "emoji", "name": word}) if known else None
        mark = "`" if kind == "code" else "*"
        styled: Json = {"type": "text", "text": word, "style": {kind: True}}
        return f"{mark}{escape(word)}{mark}", styled

    def _mention(self, name: str) -> tuple[str, Json] | None:
        for user in self._workspace.users.values():
            if user.name == name:
                return f"<@{user.id}>", {"type": "user", "user_id": user.id}
        for group in self._workspace.groups.values():
            if group.handle == name:
                mention: Json = {"type": "usergroup", "usergroup_id": group.id}
                return f"<!subteam^{group.id}>", mention
        if name in BROADCAST:
            return f"<!{name}>", {"type": "broadcast", "range": name}
        return None

    def _channel(self, name: str) -> tuple[str, Json] | None:
        for channel in self._workspace.channels.values():
            if channel.name == name and channel.kind != "dm":
                mention: Json = {"type": "channel", "channel_id": channel.id}
                return f"<#{channel.id}|{name}>", mention
        return None
