"""One checkout instance: its settings, its connections and its recent failures."""

import asyncio
import random
import time
from datetime import UTC, datetime

from bot.local.demo.shop.meters import FAILED, OK, Meters
from bot.local.demo.shop.pool import Pool, PoolExhausted
from bot.local.demo.shop.settings import CheckoutSettings
from bot.local.demo.shop.window import Window

WORK_SECONDS = (0.015, 0.045)
PAYMENTS_FAIL = 250  # nothing is perfect: payments refuses one checkout in so many
RESTART_SECONDS = 0.25


class Instance:
    """Serves checkouts with the settings of one commit."""

    def __init__(self, number: int, window: float, meters: Meters) -> None:
        self.name = f"checkout-{number}"
        self.revision: str | None = None
        self.settings: CheckoutSettings | None = None
        self.ready = False
        self.since = datetime.now(UTC)
        self.window = Window(window, time.monotonic)
        self._meters = meters
        self._pool: Pool | None = None
        self._until_refused = number * PAYMENTS_FAIL // 3  # not all at the same moment
        self._chance = random.Random(number)  # noqa: S311 - repeatable, not secret
        meters.start(self.name)

    async def roll(self, revision: str, settings: CheckoutSettings) -> None:
        """Restart with other settings; requests under way keep the old pool until they end."""
        self.ready = False
        await asyncio.sleep(RESTART_SECONDS)
        self._meters.rolled(self.name, self.revision, revision, settings.pool_size)
        self._pool = Pool(settings.pool_size, settings.timeout_ms / 1000)
        self.revision, self.settings = revision, settings
        self.since = datetime.now(UTC)
        self.window.clear()
        self.ready = True

    async def checkout(self) -> int:
        """Do one checkout and return its status code."""
        started = time.monotonic()
        code = await self._attempt()
        self.window.add(failed=code == FAILED)
        self._meters.request(self.name, code, time.monotonic() - started)
        return code

    async def _attempt(self) -> int:
        if self._pool is None:
            return FAILED
        try:
            async with self._pool.connection():
                await asyncio.sleep(self._chance.uniform(*WORK_SECONDS))
        except PoolExhausted:
            return FAILED
        return self._paid()

    def _paid(self) -> int:
        self._until_refused -= 1
        if self._until_refused > 0:
            return OK
        self._until_refused = PAYMENTS_FAIL
        return FAILED
