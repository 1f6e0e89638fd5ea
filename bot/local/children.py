"""Child processes that are watched, restarted when they die, and never outlive us.

Each child runs below `guard.py`, which holds a pipe from us: closing it is how a child is stopped,
and the pipe also closes when we are killed.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from engine.errors import Unavailable

GUARD = Path(__file__).with_name("guard.py")
POLL = 0.02
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0
SETTLED_AFTER = 60.0
LAST_LINES = 12
LAST_BYTES = 16_384
LOG_LIMIT = 8_000_000
FORCE_AFTER = 5.0

Probe = Callable[[], Awaitable[bool]]


async def at_once() -> bool:
    """Readiness of a child that needs none."""
    return True


@dataclass(frozen=True, slots=True)
class Child:
    """One process: how it is started, known to be ready, and stopped."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready: Probe = at_once
    ready_within: float = 30.0
    stop_signal: str = "SIGTERM"
    stop_within: float = 10.0
    user: str | None = None
    """`UID:GID` to become, where we are root and the program refuses to be."""


@dataclass(frozen=True, slots=True)
class ChildEvent:
    """What became of a child, as a sentence; `lines` are the last of its log."""

    name: str
    kind: Literal["ready", "died", "restarted", "failed"]
    text: str
    lines: tuple[str, ...] = ()


OnEvent = Callable[[ChildEvent], None]


class Children:
    """The processes of one start, in the order in which they were started."""

    def __init__(self, logs: Path, lock: Path, on_event: OnEvent) -> None:
        self._logs = logs
        self._lock = lock
        self._on_event = on_event
        self._running: dict[str, _Running] = {}

    async def start(self, child: Child) -> None:
        """Start a child and return when it is ready; from then on it is restarted when it dies.

        Raises:
            Unavailable: it ended early or was not ready in time; its last log lines say why.
        """
        running = _Running(child, self._logs / f"{child.name}.log", self._lock, self._on_event)
        self._running[child.name] = running
        await running.launch()
        running.keep()

    async def run(self, child: Child) -> None:
        """Run a child to its end, which must be a good one within its `ready_within`.

        Raises:
            Unavailable: it failed or took too long.
        """
        running = _Running(child, self._logs / f"{child.name}.log", self._lock, self._on_event)
        await running.finish()

    async def stop(self, name: str) -> None:
        """Stop one child for good."""
        await self._running.pop(name).stop()

    async def stop_all(self) -> None:
        """Stop every child, the last started first."""
        while self._running:
            _, running = self._running.popitem()
            await running.stop()

    def pid(self, name: str) -> int:
        """Return the pid of the child's guard, whose one child it is."""
        return self._running[name].pid


@asynccontextmanager
async def open_children(logs: Path, lock: Path, on_event: OnEvent) -> AsyncIterator[Children]:
    """Yield a supervisor; on the way out every child is stopped."""
    logs.mkdir(parents=True, exist_ok=True)
    children = Children(logs, lock, on_event)
    try:
        yield children
    finally:
        await children.stop_all()


class _Running:
    """One child over all its restarts."""

    def __init__(self, child: Child, log: Path, lock: Path, on_event: OnEvent) -> None:
        self._child = child
        self._log = log
        self._began_at = 0
        self._lock = lock
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    async def launch(self) -> None:
        """Start the process and wait until it is ready."""
        process = await self._spawn()
        try:
            async with asyncio.timeout(self._child.ready_within):
                while not await self._child.ready():
                    if process.returncode is not None:
                        raise self._unavailable(f"{_ended(process.returncode)} before it was ready")
                    await asyncio.sleep(POLL)
        except TimeoutError:
            await self._end(process)
            limit = f"{self._child.ready_within:g} s"
            raise self._unavailable(f"was not ready after {limit}") from None

    async def finish(self) -> None:
        """Run the process to its end."""
        process = await self._spawn()
        try:
            async with asyncio.timeout(self._child.ready_within):
                code = await process.wait()
        except TimeoutError:
            raise self._unavailable(f"took over {self._child.ready_within:g} s") from None
        finally:
            await self._end(process)
        if code != 0:
            raise self._unavailable(_ended(code))

    def keep(self) -> None:
        """Restart the process from now on whenever it dies."""
        self._say("ready", "is ready")
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self._child.name}")

    async def stop(self) -> None:
        """End the process and stop restarting it."""
        if self._keeper:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._process:
            await self._end(self._process)

    async def _keep(self) -> None:
        delay = FIRST_RETRY
        while True:
            assert self._process
            since = time.monotonic()
            code = await self._process.wait()
            if time.monotonic() - since > SETTLED_AFTER:
                delay = FIRST_RETRY
            text = f"{_ended(code)}; starting it again in {delay:g} s"
            self._say("died", text, last_lines(self._log, self._began_at))
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY)
            try:
                await self.launch()
            except Unavailable as error:
                self._say("failed", str(error).removeprefix(f"{self._child.name} "))
            else:
                self._say("restarted", "is running again")

    async def _spawn(self) -> asyncio.subprocess.Process:
        child = self._child
        own = ["--signal", child.stop_signal, "--grace", str(child.stop_within)]
        own += ["--lock", str(self._lock)]
        own += ["--user", child.user] if child.user else []
        with _opened(self._log) as log:
            self._began_at = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(GUARD), *own, "--", *child.argv),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **child.env},
                cwd=child.cwd,
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
            )
        return self._process

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Close the guard's pipe, and kill the guard should it not do its work."""
        assert process.stdin
        process.stdin.close()
        try:
            async with asyncio.timeout(self._child.stop_within + FORCE_AFTER):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _say(
        self,
        kind: Literal["ready", "died", "restarted", "failed"],
        text: str,
        lines: tuple[str, ...] = (),
    ) -> None:
        name = self._child.name
        self._on_event(ChildEvent(name=name, kind=kind, text=f"{name} {text}", lines=lines))

    def _unavailable(self, what: str) -> Unavailable:
        said = "\n".join(f"  {line}" for line in last_lines(self._log, self._began_at))
        text = f"{self._child.name} {what}. Its log, {self._log}, ends with:\n{said or '  nothing'}"
        return Unavailable(self._child.name, text)


def last_lines(log: Path, began_at: int) -> tuple[str, ...]:
    """Return the last lines of a log since a start, without control characters."""
    with log.open("rb") as file:
        file.seek(max(began_at, log.stat().st_size - LAST_BYTES))
        text = file.read().decode(errors="replace")
    lines = (
        "".join(c for c in line if c.isprintable()) for line in text.splitlines()[-LAST_LINES:]
    )
    return tuple(lines)


def _opened(log: Path) -> IO[bytes]:
    """Open a log for appending; a large one is set aside first, and only one such is kept."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    return log.open("ab")


def _ended(code: int) -> str:
    if code > 128:
        return f"was ended by signal {code - 128}"
    return f"ended with code {code}"
