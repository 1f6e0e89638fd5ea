"""A stack in a process of its own, to be killed."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot.local.stack import StackOptions, open_stack

READY_WITHIN = 30


@asynccontextmanager
async def in_a_process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Start Postgres, Redis and Temporal below another Python; yield it and the owner's address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.stack_process", str(folder)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(READY_WITHIN):
            line = await process.stdout.readline()
        yield process, line.decode().strip()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def main() -> None:
    async with open_stack(Path(sys.argv[1]), wanted=StackOptions(policy=False)) as stack:
        print(stack.owner_dsn, flush=True)  # noqa: T201 - read by the test
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
