"""Every payload is stored before it is acknowledged, and carried out by Bolt afterwards.

Bolt does not see it before: what it costs would be waited for. A mark in the request's context
tells the listeners whether their payload is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.answered import INBOX, WAITS, WHISPERS
from bot.slack.arrivals import Arrival, arrival, direct
from bot.slack.origins import Body
from bot.slack.whispers import Whispers
from engine.errors import Unavailable
from engine.ports import Arrivals

SOURCE = "slack"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What Slack brings comes to `receive`; what is stored goes through `carry_out`."""

    app: AsyncApp
    arrivals: Arrivals
    whispers: Whispers
    bot_user: str

    async def receive(self, body: Body) -> BoltResponse:
        """What Slack is answered. Whatever the connection, one payload comes here once."""
        try:
            if direct(body):
                return await self.app.async_dispatch(self._request(body))
            found = arrival(body, self.bot_user)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            log.warning("not Slack's", action="slack.malformed", error=type(error).__name__)
            return BoltResponse(status=400, body="")
        if found is None:
            return BoltResponse(status=200, body="")
        return await self._keep(found, body)

    async def _keep(self, found: Arrival, body: Body) -> BoltResponse:
        """Without storing there is no acknowledgement: Slack redelivers."""
        raw = orjson.dumps(body)
        try:
            await self.arrivals.receive(source=SOURCE, key=found.key, thread=found.thread, body=raw)
        except Unavailable as error:
            log.warning("not stored", action="slack.not_stored", component=error.component)
            return BoltResponse(status=503, body="")
        return BoltResponse(status=200, body="")

    async def carry_out(self, bodies: Sequence[bytes]) -> str:
        """Run the listeners. Raises `Unavailable` when it must be tried once more."""
        for body in bodies:
            request = self._request(orjson.loads(body), stored=True)
            await self.app.async_dispatch(request)
            waits = request.context.get(WAITS)
            if isinstance(waits, Unavailable):
                raise waits
        return "handled"

    def _request(self, body: Body, *, stored: bool = False) -> AsyncBoltRequest:
        context = {WHISPERS: self.whispers, **({INBOX: True} if stored else {})}
        return AsyncBoltRequest(mode="socket_mode", body=body, context=context)
