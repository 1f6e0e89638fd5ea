"""Every payload is stored before it is acknowledged, and carried out afterwards.

The stored payload is dispatched through the same app again; a mark in the request's context lets
it through to the listeners.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import orjson
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.answered import INBOX, WAITS, WHISPERS
from bot.slack.arrivals import Arrival, arrival, direct
from bot.slack.origins import Body
from bot.slack.whispers import Whispers
from engine.errors import Unavailable
from engine.ports import Arrivals, Store

SOURCE = "slack"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Inbox:
    """The global middleware, and the way back in."""

    store: Store
    arrivals: Arrivals
    bot_user: str
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def register(self, app: AsyncApp) -> None:
        """Put the middleware before every listener."""

        @app.middleware
        async def intake(args: AsyncArgs) -> BoltResponse | None:
            args.context[WHISPERS] = Whispers(self.store)
            if INBOX in args.context or direct(args.body):
                await args.next()
                return None
            return await self.take(args.body)

    async def take(self, body: Body) -> BoltResponse:
        """Store and acknowledge. Without storing there is no acknowledgement: Slack redelivers."""
        found = arrival(body, self.bot_user)
        if found is None:
            return BoltResponse(status=200, body="")
        try:
            await self.keep(found, body)
        except Unavailable as error:
            log.warning("not stored", action="slack.not_stored", component=error.component)
            return BoltResponse(status=503, body="")
        return BoltResponse(status=200, body="")

    async def keep(self, found: Arrival, body: Body) -> None:
        """The inbox row; a second delivery changes nothing.

        What comes here in one thread is stored in the order in which it came.
        """
        raw = orjson.dumps(body)
        turn = self.turns.setdefault(found.thread, asyncio.Lock())
        async with turn:
            await self.arrivals.receive(source=SOURCE, key=found.key, thread=found.thread, body=raw)


@dataclass(frozen=True, slots=True)
class Payloads:
    """Runs the listeners for what is stored."""

    app: AsyncApp

    async def carry_out(self, bodies: Sequence[bytes]) -> str:
        """Dispatch again. Raises `Unavailable` when it must be tried once more."""
        for body in bodies:
            request = AsyncBoltRequest(
                mode="socket_mode", body=orjson.loads(body), context={INBOX: True}
            )
            await self.app.async_dispatch(request)
            waits = request.context.get(WAITS)
            if isinstance(waits, Unavailable):
                raise waits
        return "handled"
