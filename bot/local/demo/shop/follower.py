"""Follows the head of a branch in a git remote and reads checkout's settings from it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.local.demo.git import Git, GitFailed
from bot.local.demo.repository import SETTINGS_PATH

LONGEST_PAUSE = 5.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """One commit of the settings repository."""

    revision: str
    author: str
    message: str
    at: str
    text: str


class Follower:
    """Asks the remote again and again; a remote that does not answer only delays."""

    def __init__(self, remote: str, branch: str, folder: Path, poll: float) -> None:
        self._remote = remote
        self._ref = f"refs/heads/{branch}"
        self._git = Git(folder)
        self._poll = poll
        self._seen: str | None = None
        self.problem: str | None = None

    async def changes(self) -> AsyncIterator[Change]:
        """Yield the head now, and each later head once."""
        pause = self._poll
        while True:
            try:
                change = await self._next()
                self.problem, pause = None, self._poll
            except GitFailed as error:
                change, pause = None, min(pause * 2, LONGEST_PAUSE)
                self.problem = str(error)[:300]
                log.warning("remote unreadable", action="shop.follow_failed", reason=self.problem)
            if change is not None:
                yield change
            await asyncio.sleep(pause)

    async def _next(self) -> Change | None:
        listed = await self._git("ls-remote", "--", self._remote, self._ref)
        head = listed.partition("\t")[0].strip()
        if not head:
            raise GitFailed(f"the remote has no {self._ref}")
        if head == self._seen:
            return None
        change = await self._read(head)
        self._seen = head
        return change

    async def _read(self, head: str) -> Change:
        await self._git("init", "--quiet", "--bare", ".")
        await self._git(
            "fetch", "--quiet", "--no-tags", "--", self._remote, f"+{self._ref}:{self._ref}"
        )
        about = await self._git("log", "-1", "--format=%an%x00%s%x00%cI", head)
        author, message, at = about.rstrip("\n").split("\0")
        try:
            text = await self._git("show", f"{head}:{SETTINGS_PATH}")
        except GitFailed:
            text = ""  # the file is gone: refused by the settings' own check, and said in /health
        return Change(head, author[:100], message[:200], at, text)
