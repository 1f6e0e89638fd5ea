"""Programs that stay, and are asked one JSON line at a time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

Json = dict[str, Any]
Answer = Callable[[Json], Awaitable[Json]]
STOP_WITHIN = 5.0
LINE_LIMIT = 16 * 1024 * 1024


class Program:
    """A child that answers a line with a line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, question: Json | None = None, *, within: float = 120) -> Json:
        """Ask, or without a question wait for what it says by itself."""
        assert self._process.stdin
        assert self._process.stdout
        if question is not None:
            self._process.stdin.write(orjson.dumps(question) + b"\n")
            await self._process.stdin.drain()
        async with asyncio.timeout(within):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a floor ended early; what it said is above")
        said: Json = orjson.loads(line)
        return said


@asynccontextmanager
async def open_program(module: str, *arguments: str) -> AsyncIterator[tuple[Program, Json]]:
    """Start `python -m MODULE`; yields it with the line that it greets with."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT,
    )
    try:
        program = Program(process)
        yield program, await program.ask(within=30)
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def converse(answer: Answer, greeting: Json) -> None:
    """The other side: greet, then answer until nobody asks any more."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say(greeting)
    while line := await reader.readline():
        say(await answer(orjson.loads(line)))


def say(what: Json) -> None:
    """One line, at once."""
    sys.stdout.write(orjson.dumps(what).decode() + "\n")
    sys.stdout.flush()
