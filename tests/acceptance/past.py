"""The half hour before a test: what Prometheus would know of a shop that ran well until now."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.local.demo.monitoring import installed
from bot.local.demo.shop.meters import FAILED, OK

MINUTES = 30
TAKES = 60.0
# As `Pace.rate` and `PAYMENTS_FAIL` make them: 8 checkouts a second and instance, 1 of 250 fails.
SOLD, REFUSED_EVERY = 8, 31
PROMTOOL = "promtool"


async def remember(folder: Path) -> None:
    """Write it into the data folder of a Prometheus that has not been started yet."""
    if installed() is None or shutil.which(PROMTOOL) is None or folder.exists():
        return
    folder.mkdir(parents=True)
    told = folder.with_suffix(".past")
    told.write_text("\n".join(lines(datetime.now(UTC))) + "\n")
    argv = (PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", str(told), str(folder))
    process = await asyncio.create_subprocess_exec(*argv, stdout=DEVNULL, stderr=DEVNULL)
    async with asyncio.timeout(TAKES):
        assert await process.wait() == 0, "promtool did not take the past"


def lines(until: datetime) -> Iterator[str]:
    """OpenMetrics: one sample a second of each counter of each instance."""
    start = int((until - timedelta(minutes=MINUTES)).timestamp())
    yield "# TYPE checkout_requests counter"
    for number in (1, 2, 3):
        for code in (OK, FAILED):
            labels = f'code="{code}",instance="checkout-{number}",job="shop"'
            for second in range(MINUTES * 60):
                failed = (second + 10 * number) // REFUSED_EVERY
                count = failed if code == FAILED else SOLD * second - failed + REFUSED_EVERY
                yield f"checkout_requests_total{{{labels}}} {count} {start + second}"
    yield "# EOF"


__all__ = ["remember"]
