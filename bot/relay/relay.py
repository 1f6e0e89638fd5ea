"""Keeps every card, log and sentence on Slack true, in whichever bot holds the lease.

Rows are the queue: whatever is not shown as it is stays due. A post is rendered only when its
budget allows the call, so the latest state wins and nothing is queued that could be stale.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from bot.relay.writing import Records, Writing, method_of
from bot.slack.writer import Limited, Refused
from engine.domain.conversation import Post, PostKind
from engine.errors import NotFound, Unavailable

LEASE = 12.0
RENEW = 2.0
# No write starts that could end after the lease does.
MARGIN = 9.0
POLL = 1.0
AT_ONCE = 16
DUE = 300
SLOWEST = 60.0
# A card's edits; where the budget has less for all of them, they take turns.
FASTEST_EDIT = 2.0
EDITED = frozenset({PostKind.PLAN, PostKind.LOG, PostKind.FINDINGS, PostKind.PROBLEM})
PRIVATE = frozenset({PostKind.WHISPER, PostKind.REACTION, PostKind.HOME})
RETRYABLE = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked"})
log = structlog.get_logger(__name__)


class Surface(Records, Protocol):
    """`engine.store.surface.PostgresSurface`."""

    async def lease(self, name: str, holder: str, seconds: float) -> int | None: ...
    async def release(self, name: str, holder: str) -> None: ...
    async def due(self, limit: int, *, kinds: Sequence[PostKind] | None = None) -> list[Post]: ...
    async def failed(
        self, post_id: str, *, error: str, retry_in: float | None, epoch: int
    ) -> None: ...
    def listening(self, wake: Callable[[], None]) -> AbstractAsyncContextManager[object]: ...


@dataclass(slots=True)
class Relay:
    """`run` until cancelled. `leading` says whether this bot is the one that writes."""

    surface: Surface
    writing: Writing
    name: str
    holder: str
    clock: Callable[[], float] = time.monotonic
    leading: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _edited: dict[str, float] = field(default_factory=dict)
    _resting: dict[str, float] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _left: bool = False

    async def run(self) -> None:
        """Take the lease, write while it holds, and begin again when it is lost."""
        try:
            while True:
                try:
                    await self._try_to_lead()
                except Unavailable as error:
                    log.warning("relay waits", action="relay.waits", component=error.component)
                await asyncio.sleep(POLL)
        finally:
            await self._stop()

    def glance(self, channel: str, ts: str, name: str) -> None:
        """Show a reaction whose row is on its way."""
        if self.leading:
            self.writing.glances.begin(channel, ts, name)

    async def _try_to_lead(self) -> None:
        begun = self.clock()
        epoch = await self.surface.lease(self.name, self.holder, LEASE)
        if epoch is None:
            return
        log.info("relay leads", action="relay.leads", epoch=epoch)
        self.leading = True
        try:
            async with self.surface.listening(self._wake.set):
                await self._lead(epoch, begun + LEASE)
        finally:
            self.leading = False

    async def _lead(self, epoch: int, until: float) -> None:
        """Rounds until the lease is lost; renewed long before it ends."""
        while True:
            if until - self.clock() < LEASE - RENEW:
                begun = self.clock()
                if await self.surface.lease(self.name, self.holder, LEASE) != epoch:
                    return
                until = begun + LEASE
            self._wake.clear()
            pause = await self._round(epoch) if until - self.clock() > MARGIN else 0.0
            try:
                async with asyncio.timeout(min(max(pause, 0.01), POLL)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _round(self, epoch: int) -> float:
        """Start what may be written now; seconds until something else may."""
        pause = POLL
        self._ended.clear()
        due = await self.surface.due(DUE)
        self._left = len(due) == DUE
        for post in self._startable(due):
            if len(self._busy) >= AT_ONCE:
                self._left = True
                break
            pause = min(pause, self._start(post, epoch))
        return pause

    def _startable(self, due: list[Post]) -> Iterator[Post]:
        """What may start, in turn. A thread gets its new messages one after the other.

        What has to wait for another is looked for again when that one ends; so is what ended while
        the rows were read, since they may tell of the time before.
        """
        taken = {added_to(post) for post in due if post.id in self._busy} - {None}
        for post in self._in_turn(due):
            thread = added_to(post)
            if post.id in self._ended:
                self._wake.set()
                continue
            if post.id in self._busy:
                self._left = True
                continue
            if self._resting.get(post.id, 0) > self.clock():
                continue
            if thread in taken:
                self._left = True
            else:
                yield post
            if thread:
                taken.add(thread)

    def _start(self, post: Post, epoch: int) -> float:
        """Start one post, or say how long it has to wait."""
        wait = self._pace(post)
        if wait <= 0 and not self.writing.glances.begun(post):
            budgets = self.writing.writer.budgets
            wait = budgets.take(method_of(post), post.place.channel, urgent=post.urgent)
        if wait > 0:
            return wait
        task = asyncio.create_task(self._show(post, epoch))
        self._busy[post.id] = task
        task.add_done_callback(lambda done: self._finished(post, done))
        return POLL

    def _in_turn(self, posts: list[Post]) -> list[Post]:
        """What needs a person first, then whatever has waited longest for an edit."""
        return sorted(posts, key=lambda each: (not each.urgent, self._edited.get(each.id, 0.0)))

    def _pace(self, post: Post) -> float:
        """How long a card that was edited just now has to rest; urgent ones never do."""
        last = self._edited.get(post.id)
        if not post.ts or post.urgent or last is None:
            return 0.0
        return last + FASTEST_EDIT - self.clock()

    async def _show(self, post: Post, epoch: int) -> None:
        """Write one post; a failure keeps it due, and says for when."""
        try:
            await self.writing.show(post, epoch)
            if post.kind in EDITED:
                self._rests(post.id)
        except Limited as error:
            await self._failed(post, epoch, str(error), error.seconds)
        except Unavailable as error:
            await self._failed(post, epoch, str(error), backoff(post.attempts))
        except (Refused, NotFound) as error:
            later = SLOWEST if str(error) in RETRYABLE else None
            log.error("post refused", action="relay.refused", post=post.id, error=str(error))  # noqa: TRY400 - the word is all there is
            await self._failed(post, epoch, str(error), later)

    def _rests(self, post_id: str) -> None:
        now = self.clock()
        for each in [each for each, at in self._edited.items() if now - at > SLOWEST]:
            del self._edited[each]
        self._edited[post_id] = now

    async def _failed(self, post: Post, epoch: int, error: str, retry_in: float | None) -> None:
        """If even this can't be recorded, the post is due at once, which is right."""
        try:
            await self.surface.failed(post.id, error=error, retry_in=retry_in, epoch=epoch)
        except Unavailable:
            log.warning("not recorded", action="relay.not_recorded", post=post.id)

    def _finished(self, post: Post, done: asyncio.Task[None]) -> None:
        """A bug in one post must not hold up the others; it rests, so that it can't spin."""
        self._busy.pop(post.id, None)
        self._ended.add(post.id)
        if self._left:
            self._wake.set()
        if done.cancelled() or (bug := done.exception()) is None:
            return
        log.error("post failed", action="relay.bug", post=post.id, exc_info=bug)
        self._resting[post.id] = self.clock() + SLOWEST

    async def _stop(self) -> None:
        """Let writes that are under way be recorded, then give the lease back."""
        tasks = list(self._busy.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=2)
            for task in late:
                task.cancel()
        try:
            await self.surface.release(self.name, self.holder)
        except Unavailable:
            log.warning("lease kept", action="relay.lease_kept")


def added_to(post: Post) -> tuple[str, str] | None:
    """The thread that a post adds a message to, for everybody to read in order."""
    if post.ts or not post.place.thread or post.kind in PRIVATE:
        return None
    return post.place.channel, post.place.thread


def backoff(attempts: int) -> float:
    """One second first, a minute at most."""
    return min(SLOWEST, 2.0 ** min(attempts, 10))
