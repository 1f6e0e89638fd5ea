"""Waiting for what must become true, never for time to pass."""

import asyncio
from collections.abc import Awaitable, Callable

POLL = 0.05


async def until(true: Callable[[], Awaitable[bool]], *, within: float, what: str) -> None:
    """Ask again until it is true, or fail with what was waited for."""
    try:
        async with asyncio.timeout(within):
            while not await true():  # noqa: ASYNC110 - another process knows, and only answers
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise AssertionError(f"waited {within:g} s in vain for {what}") from None
