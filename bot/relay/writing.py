"""One post onto Slack: which call it needs, and what is recorded about it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.relay.glances import METHOD as REACT
from bot.relay.glances import Glances, key_of
from bot.relay.rendering import File, Rendered, Rendering
from bot.relay.statuses import Statuses
from bot.slack.writer import Limited, Refused, Shown, Vanished, Writer
from engine.crossing import crossing
from engine.domain.conversation import Post, PostKind

BEFORE = {PostKind.PLAN: "K05", PostKind.OUTCOME: "K16"}
METHODS = {
    PostKind.WHISPER: "chat.postEphemeral",
    PostKind.REACTION: REACT,
    PostKind.HOME: "views.publish",
    PostKind.FILE: "files.upload",
}


class Records(Protocol):
    """What the table of posts is told; a result of an older epoch changes nothing."""

    async def claim(self, post_id: str, epoch: int) -> bool: ...
    async def posted(
        self,
        post_id: str,
        *,
        shown: int,
        ts: str,
        epoch: int,
        shown_version: int = 0,
        shown_at: str = "",
    ) -> bool: ...


def method_of(post: Post) -> str:
    """The budget that a post needs."""
    return METHODS.get(post.kind) or ("chat.update" if post.ts else "chat.postMessage")


@dataclass(slots=True)
class Writing:
    """Writes posts. `surely_absent` are those whose first post is known to have failed."""

    records: Records
    rendering: Rendering
    writer: Writer
    statuses: Statuses
    surely_absent: set[str] = field(default_factory=set)
    glances: Glances = field(init=False)

    def __post_init__(self) -> None:
        self.glances = Glances(self.writer)

    async def show(self, post: Post, epoch: int) -> None:
        """Bring one post up to date. Whatever fails, the post stays due."""
        special: dict[PostKind, Callable[[Post], Awaitable[None]]] = {
            PostKind.WHISPER: self._whisper,
            PostKind.REACTION: self._react,
            PostKind.HOME: self._publish,
            PostKind.FILE: self._upload,
        }
        write = special.get(post.kind)
        if write is not None:
            await write(post)
            await self.records.posted(post.id, shown=post.wanted, ts=post.ts, epoch=epoch)
            return
        await self._message(post, epoch)

    async def _message(self, post: Post, epoch: int) -> None:
        if not post.ts and not await self.records.claim(post.id, epoch):
            return
        if post.unsure and not post.ts and post.id not in self.surely_absent:
            post = await self._found(post)
        rendered = await self.rendering.message(post)
        if point := BEFORE.get(post.kind):
            crossing(point)
        shown = await self._place(post, rendered)
        if post.kind is PostKind.LOG:
            crossing("K13")
        self.surely_absent.discard(post.id)
        await self.records.posted(
            post.id,
            shown=post.wanted,
            ts=shown.ts,
            shown_version=rendered.version,
            shown_at=shown.at,
            epoch=epoch,
        )
        thread = post.place.thread or shown.ts
        if rendered.file and rendered.version != post.shown_version:
            await self._give(post, thread, rendered.file)
        if rendered.working is not None:
            await self.statuses.show(post.place.channel, thread, working=rendered.working)
            await self.rendering.ask_for_pictures(post, thread, drawn=shown.drawn)

    async def _found(self, post: Post) -> Post:
        """The post with its place on Slack, if an attempt of unknown outcome got through."""
        method = "conversations.replies" if post.place.thread else "conversations.history"
        await self._allowed(method)
        ts = await self.writer.find(post.place.channel, post.place.thread, post.id)
        if ts:
            await self._allowed("chat.update")
        return post.model_copy(update={"ts": ts})

    async def _place(self, post: Post, rendered: Rendered) -> Shown:
        """Edit what is there; post what is not."""
        if post.ts:
            try:
                return await self.writer.update(post.place.channel, post.ts, rendered.message)
            except Vanished:
                await self._allowed("chat.postMessage", post.place.channel)
        try:
            return await self.writer.post(
                post.place.channel,
                post.place.thread,
                rendered.message,
                post.id,
                broadcast=post.body.get("broadcast") is True,
            )
        except (Limited, Refused):
            self.surely_absent.add(post.id)
            raise

    async def _allowed(self, method: str, channel: str = "") -> None:
        """Wait for a budget in the middle of a post; rare, and always short."""
        wait = self.writer.budgets.take(method, channel, urgent=True)
        while wait > 0:
            await asyncio.sleep(wait)
            wait = self.writer.budgets.take(method, channel, urgent=True)

    async def _whisper(self, post: Post) -> None:
        rendered = await self.rendering.message(post)
        user = post.recipient.rsplit(":", 1)[-1]
        await self.writer.whisper(post.place.channel, post.place.thread, user, rendered.message)

    async def _react(self, post: Post) -> None:
        if self.glances.begun(post):
            if await self.glances.shown(post):
                return
            if (wait := self.writer.budgets.take(REACT, urgent=True)) > 0:
                raise Limited(wait)
        await self.writer.react(*key_of(post))

    async def _publish(self, post: Post) -> None:
        user = post.recipient.rsplit(":", 1)[-1]
        await self.writer.publish(user, await self.rendering.home(post))

    async def _upload(self, post: Post) -> None:
        await self._give(post, post.place.thread, await self.rendering.file(post))

    async def _give(self, post: Post, thread: str, file: File) -> None:
        await self.writer.upload(post.place.channel, thread, file.name, file.title, file.content)
