"""Prints a channel of the local Slack while people write in it."""

import asyncio
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from bot.local.children import ChildEvent
    from bot.local.slack.person import Person

LOOK_EVERY = 0.3
DATE = re.compile(r"<!date\^(\d+)\^([^|>]*)(?:\|[^>]*)?>")
PERSON = re.compile(r"<@(\w+)>")
GROUP = re.compile(r"<!subteam\^(\w+)(?:\|[^>]*)?>")
SIGNS = {
    "large_green_circle": "🟢",
    "large_yellow_circle": "🟡",
    "large_blue_circle": "🔵",
    "red_circle": "🔴",
    "warning": "⚠️",
    "mag": "🔍",
}


class Thread:
    """What was printed of each message, so that an edit prints only what is new."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._console = Console(highlight=False, soft_wrap=True)
        self._shown: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}

    def tell(self, who: str, what: str) -> None:
        """A line of our own: what somebody does."""
        line = Text(f"{clock()}  ", style="dim")
        line.append(f"{who} " if who else "", style="bold")
        line.append(what)
        self._console.print(line)

    async def follow(self, reader: "Person") -> None:
        """Print until cancelled what the reader sees."""
        while True:
            await self.look(reader)
            await asyncio.sleep(LOOK_EVERY)

    async def look(self, reader: "Person") -> None:
        """Print what is new now."""
        state = await reader.state()
        self._names = {user["id"]: user["real_name"] for user in state["users"]}
        self._names |= {group["id"]: group["handle"] for group in state["usergroups"]}
        seen = [*state["messages"].get(self._channel, []), *reader.whispers()]
        for message in sorted(seen, key=lambda one: float(one["ts"])):
            self.show(message)

    def readable(self, text: str) -> str:
        """Slack's wire forms as its clients show them."""
        text = DATE.sub(date_there, text)
        text = PERSON.sub(lambda found: f"@{self._names.get(found[1], found[1])}", text)
        text = GROUP.sub(lambda found: f"@{self._names.get(found[1], found[1])}", text)
        for name, sign in SIGNS.items():
            text = text.replace(f":{name}:", sign)
        return text

    def show(self, message: dict[str, Any]) -> None:
        """Print a new message whole, an edited one by its new lines."""
        from bot.local.slack.person import plain

        lines = self.readable(plain(message)).splitlines()
        before = self._shown.get(message["ts"], [])
        if lines == before:
            return
        new = [line for line in lines if line not in before]
        self._shown[message["ts"]] = lines
        if not new:
            return
        who = "carapulse" if message["bot_id"] else self._names.get(message["user"], "")
        if message["ephemeral_to"]:
            who = f"{who} (only {self._names.get(message['ephemeral_to'], '')} sees this)"
        edited = " (edits)" if before else ""
        self._console.print(Text(f"{clock()}  {who}{edited}", style="bold"))
        for line in new:
            self._console.print(Text(f"          {line}"))


def date_there(found: re.Match[str]) -> str:
    """A moment in the reader's zone, as Slack shows it."""
    at = datetime.fromtimestamp(int(found[1])).astimezone()
    return at.strftime("%H:%M" if found[2].strip() == "{time}" else "%d %b at %H:%M")


def tell_event(event: "ChildEvent") -> None:
    """Print what became of a process, when it is bad news."""
    if event.kind in ("ready", "started", "stopped"):
        return
    console = Console(stderr=True, highlight=False)
    console.print(f"{event.text}.", markup=False)
    for line in event.lines:
        console.print(f"  {line}", markup=False, style="dim", soft_wrap=True)


def clock() -> str:
    """The time as it stands at the left."""
    return datetime.now().astimezone().strftime("%H:%M:%S")
