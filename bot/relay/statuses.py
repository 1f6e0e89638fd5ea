"""The line under a thread that says that we are looking; Slack drops it unless it is renewed."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bot.slack.writer import Limited, Refused, Writer
from engine.errors import Unavailable

# Slack lets it go after two minutes. What nobody ends is given up.
RENEW, LONGEST = 90.0, 1800.0
EVERY = 5.0
METHOD = "agents.sessions.setStatus"
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Working:
    """Since when a thread is being worked on, and when Slack was last told."""

    since: float
    told: float


@dataclass(slots=True)
class Statuses:
    """Nothing depends on it: what Slack refuses is left out, the edited message says the same."""

    writer: Writer
    clock: Callable[[], float] = time.monotonic
    off: bool = False
    _threads: dict[tuple[str, str], Working] = field(default_factory=dict)

    async def show(self, channel: str, thread: str, *, working: bool) -> None:
        """Say that we look, or that we are done."""
        key, now = (channel, thread), self.clock()
        if working and key not in self._threads:
            self._threads[key] = Working(now, now)
            await self._tell(key, working=True)
        elif not working and key in self._threads:
            del self._threads[key]
            await self._tell(key, working=False)

    async def run(self) -> None:
        """Renew what lasts longer than Slack remembers, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self.renew()

    async def renew(self) -> None:
        """Tell again what Slack is about to forget; give up what has taken too long."""
        now = self.clock()
        for key, each in list(self._threads.items()):
            if now - each.since > LONGEST:
                del self._threads[key]
            elif now - each.told >= RENEW:
                each.told = now
                await self._tell(key, working=True)

    async def _tell(self, key: tuple[str, str], *, working: bool) -> None:
        if self.off or self.writer.budgets.take(METHOD) > 0:
            return
        try:
            await self.writer.status(*key, working=working)
        except Refused as error:
            self.off = str(error) in ("unknown_method", "missing_scope", "not_allowed_token_type")
            log.info("no status", action="slack.no_status", error=str(error))
        except (Limited, Unavailable):
            log.info("no status", action="slack.no_status")
