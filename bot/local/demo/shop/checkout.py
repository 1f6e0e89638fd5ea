"""The checkout service: three instances that take each commit one after the other."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.local.demo.shop.follower import Change, Follower
from bot.local.demo.shop.instance import Instance
from bot.local.demo.shop.meters import FAILED, Meters
from bot.local.demo.shop.settings import BadSettings, CheckoutSettings
from bot.local.demo.shop.window import Counts, Window

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly things happen, in seconds; tests shorten it.

    `limit` is the error rate that is too high, `hold` how long it must be so before the alert
    fires, `rate` the number of customers a second.
    """

    window: float = 15.0
    poll: float = 0.75
    rollout_pause: float = 1.0
    limit: float = 0.05
    hold: float = 3.0
    rate: float = 25.0


class Checkout:
    """What the instances share: the commit they should run, and the service's own counts."""

    def __init__(self, pace: Pace, instances: int = 3) -> None:
        self.pace = pace
        self.meters = Meters()
        self.instances: Sequence[Instance] = [
            Instance(number, pace.window, self.meters) for number in range(1, instances + 1)
        ]
        self.last_change: Change | None = None
        self.settings_problem: str | None = None
        self._wanted: tuple[str, CheckoutSettings] | None = None
        self._news = asyncio.Event()
        self._window = Window(pace.window, time.monotonic)

    @property
    def revision(self) -> str | None:
        """The commit that all instances run, or None while they differ."""
        found = {instance.revision for instance in self.instances}
        return found.pop() if len(found) == 1 else None

    @property
    def settings(self) -> CheckoutSettings | None:
        """What the newest rolled instance runs with (instances roll in order)."""
        return self.instances[0].settings

    def counts(self) -> Counts:
        """Requests of the last window, over all instances."""
        return self._window.counts()

    @property
    def degraded(self) -> bool:
        """Whether someone should look."""
        return (
            self.settings is None
            or self.settings_problem is not None
            or float(self.counts().error_rate) > self.pace.limit
        )

    async def sell(self, instance: Instance) -> int:
        """Do one checkout on `instance`; the status code."""
        code = await instance.checkout()
        self._window.add(failed=code == FAILED)
        return code

    async def follow(self, follower: Follower) -> None:
        """Take every new commit whose settings can be used; keep the old ones otherwise."""
        async for change in follower.changes():
            self.last_change = change
            try:
                settings = CheckoutSettings.parse(change.text)
            except BadSettings as error:
                self.settings_problem = f"{change.revision[:7]} is not used: {error}"
                log.warning(
                    "settings refused", action="shop.settings_refused", reason=self.settings_problem
                )
                continue
            self.settings_problem = None
            self._wanted = (change.revision, settings)
            self._news.set()

    async def roll_out(self) -> None:
        """Bring the instances to the wanted commit one by one; a newer commit takes over."""
        while True:
            await self._news.wait()
            self._news.clear()
            while (behind := self._behind()) and self._wanted:
                first_start = behind.revision is None
                await behind.roll(*self._wanted)
                log.info(
                    "instance rolled",
                    action="shop.rolled",
                    instance=behind.name,
                    revision=behind.revision,
                )
                await asyncio.sleep(0 if first_start else self.pace.rollout_pause)

    def _behind(self) -> Instance | None:
        wanted = self._wanted[0] if self._wanted else None
        return next((one for one in self.instances if one.revision != wanted), None)
