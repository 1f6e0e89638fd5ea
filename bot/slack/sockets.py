"""Several Socket Mode connections, so that one is always up."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.socket import Connection, Facts, Receive, ticket
from engine.errors import ConfigurationError, Unavailable

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
CROWDED = (30.0, 120.0)
SWITCHED_OFF = 60.0
DRAIN = 10.0
STEADY = 5.0
POLITE = frozenset({"warning", "refresh_requested"})
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sockets:
    """`count` slots; each dials its next connection before it lets go of the last one."""

    client: AsyncWebClient
    app_token: str
    receive: Receive
    count: int = 2
    facts: Facts = field(default_factory=Facts)
    _open: set[Connection] = field(default_factory=set)
    _stopping: bool = False

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Facts]:
        """Hold the connections for as long as the block lasts, then drain them."""
        async with aiohttp.ClientSession() as session:
            slots = [asyncio.create_task(self._slot(session)) for _ in range(self.count)]
            try:
                yield self.facts
            finally:
                self._stopping = True
                await asyncio.gather(*(each.stop(DRAIN) for each in list(self._open)))
                for slot in slots:
                    slot.cancel()
                await asyncio.wait(slots, timeout=2)

    async def _slot(self, session: aiohttp.ClientSession) -> None:
        """Keep one connection up; back off between failures, with a fresh ticket each time."""
        failures = 0
        last: Connection | None = None
        async with asyncio.TaskGroup() as running:
            while not self._stopping:
                connection = Connection(session, self.receive, self.facts)
                failures += 1
                try:
                    url = await ticket(self.client, self.app_token)
                    if await self._serve(running, connection, url, last):
                        failures = 0
                    last = connection
                except (Unavailable, ConfigurationError) as error:
                    log.warning("no connection", action="slack.no_connection", said=str(error))
                await asyncio.sleep(pause(connection.reason, failures))
                self.facts.reconnects += 1

    async def _serve(
        self, running: asyncio.TaskGroup, new: Connection, url: str, old: Connection | None
    ) -> bool:
        """Until it leaves; what the old one has in hand is finished beside it. True if it held."""
        begun = time.monotonic()
        running.create_task(self._hold(new, url))
        await first_of(new.ready, new.leaving)
        if old is not None and new.ready.is_set():
            running.create_task(old.stop(DRAIN))
        await new.leaving.wait()
        if self._stopping:
            return True
        self.facts.last_reason = new.reason
        self.facts.switched_off = new.reason == "link_disabled"
        log.info("slack disconnects", action="slack.disconnect", reason=new.reason or "dropped")
        return new.ready.is_set() and time.monotonic() - begun > STEADY

    async def _hold(self, connection: Connection, url: str) -> None:
        self._open.add(connection)
        try:
            await connection.run(url)
        except Unavailable as error:
            connection.leaving.set()
            log.warning("connection failed", action="slack.connection_failed", said=str(error))
        finally:
            self._open.discard(connection)


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def pause(reason: str, failures: int) -> float:
    """Refreshes go on at once; crowding and failures wait, with jitter."""
    if reason == "link_disabled":
        return SWITCHED_OFF
    if reason == "too_many_websockets":
        return random.uniform(*CROWDED)  # noqa: S311 - jitter
    if failures == 0 or (reason in POLITE and failures <= 3):
        return 0.0
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures, 8))
    return random.uniform(0.5, 1.0) * longest  # noqa: S311 - jitter
