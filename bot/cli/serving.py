"""Runs a process until it is told to stop."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeVar

from bot.cli.up import stop_on_signals

Opened = TypeVar("Opened")


async def until_stopped(
    open_process: Callable[[], AbstractAsyncContextManager[Opened]],
) -> None:
    """Hold the process open until Ctrl-C or SIGTERM, then close it in good order."""
    stop_on_signals()
    with suppress(asyncio.CancelledError):
        async with open_process():
            await asyncio.Event().wait()
