"""Prints a channel of the local Slack while people write in it."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from bot.local.children import ChildEvent
    from bot.local.slack.person import Person

LOOK_EVERY = 0.3


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
            state = await reader.state()
            self._names = {user["id"]: user["real_name"] for user in state["users"]}
            for message in state["messages"].get(self._channel, []):
                self.show(message)
            await asyncio.sleep(LOOK_EVERY)

    def show(self, message: dict[str, Any]) -> None:
        """Print a new message whole, an edited one by its new lines."""
        from bot.local.slack.person import plain

        lines = plain(message).splitlines()
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
