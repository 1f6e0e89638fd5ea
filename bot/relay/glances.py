"""Reactions shown before the row that asks for them is there; the row makes sure of them."""

import asyncio
from dataclasses import dataclass, field

from bot.slack.writer import Writer
from engine.domain.conversation import Post, PostKind

METHOD = "reactions.add"
MOST = 1000


@dataclass(slots=True)
class Glances:
    """Adding one twice does no harm, so these need no lease; they take from the same budget."""

    writer: Writer
    _begun: dict[tuple[str, str, str], asyncio.Task[None]] = field(default_factory=dict)

    def begin(self, channel: str, ts: str, name: str) -> None:
        """Show it now, if the budget allows."""
        key = (channel, ts, name)
        if key in self._begun or self.writer.budgets.take(METHOD, channel, urgent=True) > 0:
            return
        if len(self._begun) >= MOST:
            del self._begun[next(iter(self._begun))]
        self._begun[key] = asyncio.create_task(self.writer.react(*key))
        self._begun[key].add_done_callback(failed)

    def begun(self, post: Post) -> bool:
        """Whether this row's reaction was begun, so that it needs no budget."""
        return post.kind is PostKind.REACTION and key_of(post) in self._begun

    async def shown(self, post: Post) -> bool:
        """Whether it is there; told once."""
        task = self._begun.pop(key_of(post), None)
        if task is None:
            return False
        await asyncio.wait({task})
        return not failed(task)


def key_of(post: Post) -> tuple[str, str, str]:
    """The message, and the emoji on it."""
    return post.place.channel, str(post.body["ts"]), str(post.body["name"])


def failed(task: "asyncio.Task[None]") -> bool:
    """Nobody has to hear why: its row is shown as if this had never been tried."""
    return task.cancelled() or task.exception() is not None
