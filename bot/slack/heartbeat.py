"""Says every few seconds that people can be heard, so that a silence is noticed afterwards."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from engine.errors import Unavailable

BEAT = 10.0
POLL = 0.5
log = structlog.get_logger(__name__)


async def beating(beat: Callable[[], Awaitable[object]], there: Callable[[], bool]) -> None:
    """Beat while `there`, until cancelled; what can't be recorded counts as silence."""
    while True:
        if not there():
            await asyncio.sleep(POLL)
            continue
        try:
            await beat()
        except Unavailable as error:
            log.warning("no heartbeat", action="slack.no_heartbeat", component=error.component)
        await asyncio.sleep(BEAT)
