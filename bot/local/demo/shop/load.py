"""Customers: real HTTP requests over loopback, at random moments."""

import asyncio
import random
from collections.abc import Callable, Sequence

import aiohttp

MOST_AT_ONCE = 64
TIMEOUT = aiohttp.ClientTimeout(total=5)


async def customers(rate: float, targets: Callable[[], Sequence[str]]) -> None:
    """Send `rate` requests a second, in turn to the URLs that `targets` names just then."""
    chance = random.Random("customers")  # noqa: S311 - repeatable, not secret
    room = asyncio.Semaphore(MOST_AT_ONCE)
    turn = 0
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session, asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(chance.expovariate(rate))
            urls = targets()
            if urls and not room.locked():
                turn += 1
                group.create_task(_buy(session, urls[turn % len(urls)], room))


async def _buy(session: aiohttp.ClientSession, url: str, room: asyncio.Semaphore) -> None:
    async with room:
        try:
            async with session.get(url) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            pass  # a customer goes away; the shop's own counters hold what it answered
