"""Make things go wrong in a local Slack, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot.local.slack.asking import ANSWER_WITHIN, NotDone, post
from bot.local.slack.model import Json


class Control:
    """Makes things go wrong in a local Slack. Made by `open_control`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def limit(self, method: str, count: int = 1, retry_after: int = 1) -> None:
        """The next calls of a method get 429."""
        await self.verb("limit", method=method, count=count, retry_after=retry_after)

    async def outage(
        self, seconds: float | None = None, *, on: bool = True, status: int = 503
    ) -> None:
        """The Web API and new connections fail."""
        duration = {"on": on} if seconds is None else {"seconds": seconds}
        await self.verb("outage", status=status, **duration)

    async def lose_answers(self, method: str, count: int = 1) -> None:
        """The next calls of a method take effect but are not answered."""
        await self.verb("lose_answers", method=method, count=count)

    async def latency(self, method: str, seconds: float) -> None:
        """A method takes its time."""
        await self.verb("latency", method=method, seconds=seconds)

    async def disconnect(self, reason: str = "refresh_requested", *, everyone: bool = True) -> None:
        """Ask one connection or all to leave."""
        await self.verb("disconnect", reason=reason, all=everyone)

    async def refuse_links(self, count: int = 1) -> None:
        """The next handshakes fail."""
        await self.verb("refuse_links", count=count)

    async def drop_connections(self) -> None:
        """Cut every websocket without a goodbye."""
        await self.verb("drop_connections")

    async def ghosts(self, count: int = 1) -> None:
        """Connections that Slack still believes in and nobody reads."""
        await self.verb("ghosts", count=count)

    async def redelivery(self, scale: float) -> None:
        """Speed the schedule of redelivery up or down."""
        await self.verb("redelivery", scale=scale)

    async def trigger_lifetime(self, seconds: float) -> None:
        """How long a trigger is good."""
        await self.verb("trigger_lifetime", seconds=seconds)

    async def stream_lifetime(self, seconds: float) -> None:
        """How long a stream lives."""
        await self.verb("stream_lifetime", seconds=seconds)

    async def budgets(self, *, on: bool = True, scale: float = 1.0) -> None:
        """Enforce rate limits, or not."""
        await self.verb("budgets", on=on, scale=scale)

    async def duplicate_events(self, times: int) -> None:
        """Deliver every event this many times."""
        await self.verb("duplicate_events", times=times)

    async def reset(self) -> None:
        """No faults, no counts."""
        await self.verb("reset")

    async def world(self, **added: list[Json]) -> None:
        """Add users, usergroups or channels."""
        await self.verb("world", **added)

    async def stats(self) -> Json:
        """Counters."""
        limit = aiohttp.ClientTimeout(ANSWER_WITHIN)
        async with self._session.get(f"{self._url}/control/stats", timeout=limit) as response:
            stats: Json = await response.json()
            return stats

    async def verb(self, verb: str, **fields: Any) -> None:
        """Any verb, or `NotDone`."""
        answer = await post(self._session, f"{self._url}/control/{verb}", fields)
        if not answer["ok"]:
            raise NotDone(answer)


@asynccontextmanager
async def open_control(url: str) -> AsyncIterator[Control]:
    """Control over a local Slack until the block ends."""
    async with aiohttp.ClientSession() as session:
        yield Control(url, session)
