"""Tells every open page what has changed, and only what its person may see."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bot.local.slack.model import Json
from bot.local.slack.workspace import Workspace

MOST_WAITING = 10_000
LAST: Json = {"type": "goodbye"}

Subscription = asyncio.Queue[Json]


class Feed:
    """The open pages. A page that does not read is dropped rather than waited for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._open: list[tuple[str, Subscription]] = []

    @contextmanager
    def subscribed(self, user_id: str) -> Iterator[Subscription]:
        """A queue of events for this person."""
        entry = (user_id, Subscription(MOST_WAITING))
        self._open.append(entry)
        try:
            yield entry[1]
        finally:
            if entry in self._open:
                self._open.remove(entry)

    def to_channel(self, channel_id: str, event: Json) -> None:
        """Everybody in the channel sees this."""
        members = self._workspace.channel(channel_id).members
        for entry in list(self._open):
            if entry[0] in members:
                self._send(entry, event)

    def to_user(self, user_id: str, event: Json) -> None:
        """One person sees this."""
        for entry in list(self._open):
            if entry[0] == user_id:
                self._send(entry, event)

    def to_all(self, event: Json) -> None:
        """Every page sees this."""
        for entry in list(self._open):
            self._send(entry, event)

    def close(self) -> None:
        """Every page is told that this was the last event."""
        self.to_all(LAST)

    def _send(self, entry: tuple[str, Subscription], event: Json) -> None:
        if entry[1].full():
            self._open.remove(entry)
        else:
            entry[1].put_nowait(event)
