"""The one place that starts programs: no shell, a clean environment, limits, and nothing left."""

import asyncio
import os
import resource
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import psutil

from engine.crossing import crossing
from engine.tools.lines import LineCutter

Stream = Literal["out", "err"]
OnRawLine = Callable[[Stream, str], Awaitable[None]]

PROGRAMS = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin"
LIMITS = Path(__file__).with_name("limits.py")
CALL_MARK = "CARAPULSE_CALL"
READ_SIZE = 64 * 1024
GONE_WITHIN = 3.0
# git reads no configuration of the machine, asks nobody, runs no hook and speaks three protocols.
GIT_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "protocol.allow": "never",
    "protocol.file.allow": "always",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "http.followRedirects": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use. `captured` and `shown` are bytes of output, sizes are bytes."""

    seconds: float = 60
    kill_grace: float = 5
    memory: int = 4 << 30
    file_size: int = 1 << 30
    open_files: int = 1024
    processes: int = 8192
    captured: int = 1 << 20
    shown: int = 2 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended; `exit_code` is None when its time was over and it was killed."""

    exit_code: int | None
    stdout: bytes
    captured_all: bool = True


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """All variables that a program gets; nothing of our own environment is among them."""
    settings = {
        f"GIT_CONFIG_{part}_{number}": text
        for number, pair in enumerate(GIT_SETTINGS.items())
        for part, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {
        **extra,
        "PATH": PROGRAMS,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "false",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10",
        "GIT_CONFIG_COUNT": str(len(GIT_SETTINGS)),
        **settings,
    }


async def run(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limits: Limits,
    on_line: OnRawLine,
) -> Ended:
    """Run a program to its end, and leave none of its children behind, whatever ends it.

    Args:
        argv: the program by its whole path, and its arguments.
        folder: its working folder.
        environment: all of its variables.
        limits: what it may use.
        on_line: is awaited for every line; a slow reader slows the program down.

    Raises:
        CancelledError: it was cancelled; the program and its children are dead by then.
        Exception: what `on_line` raised; the program is dead then too.
    """
    mark = secrets.token_hex(16)
    variables = {**environment, CALL_MARK: mark}
    output = Output(limits, on_line)
    crossing("K10")
    async with _started(_limited(argv, limits), folder, variables, limits, mark) as program:
        process = program.process
        try:
            async with asyncio.timeout(limits.seconds), asyncio.TaskGroup() as group:
                group.create_task(output.read("out", process.stdout))
                group.create_task(output.read("err", process.stderr))
                group.create_task(_close(program))
        except TimeoutError:
            return Ended(None, bytes(output.captured), captured_all=False)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return Ended(process.returncode, bytes(output.captured), output.captured_all)


class Output:
    """Takes both streams: keeps the start of stdout, hands on lines until there are too many."""

    def __init__(self, limits: Limits, on_line: OnRawLine) -> None:
        self.captured = bytearray()
        self.captured_all = True
        self._limits = limits
        self._on_line = on_line
        self._cutters: dict[Stream, LineCutter] = {"out": LineCutter(), "err": LineCutter()}
        self._shown = 0

    async def read(self, stream: Stream, reader: asyncio.StreamReader | None) -> None:
        """Read one stream to its end."""
        assert reader
        while data := await reader.read(READ_SIZE):
            await self.take(stream, data)
        await self._rest(stream)

    async def take(self, stream: Stream, data: bytes) -> None:
        """Keep and hand on what came."""
        if stream == "out":
            room = max(0, self._limits.captured - len(self.captured))
            self.captured += data[:room]
            self.captured_all = self.captured_all and len(data) <= room
        if self._shown < self._limits.shown:
            await self._show(stream, self._cutters[stream].feed(data))

    async def finish(self) -> None:
        """Hand on the last lines, also those without an end."""
        await self._rest("out")
        await self._rest("err")

    async def _rest(self, stream: Stream) -> None:
        if self._shown < self._limits.shown:
            await self._show(stream, self._cutters[stream].end())

    async def _show(self, stream: Stream, lines: list[str]) -> None:
        for line in lines:
            self._shown += len(line) + 1
            await self._on_line(stream, line)
            crossing("K11")
            if self._shown >= self._limits.shown:
                size = f"{self._limits.shown >> 20} MiB"
                await self._on_line(stream, f"… (output cut after {size}, the rest is not kept)")
                return


def _limited(argv: Sequence[str], limits: Limits) -> list[str]:
    """A launcher that sets the limits and becomes the program."""
    settings = {
        "CPU": int(limits.seconds) + 5,
        "AS": limits.memory,
        "FSIZE": limits.file_size,
        "NOFILE": limits.open_files,
        "NPROC": limits.processes,
        "CORE": 0,
    }
    prlimit = _prlimit()
    if prlimit:
        given = [f"--{name.lower()}={_lowered(name, value)}" for name, value in settings.items()]
        return [prlimit, *given, "--", *argv]
    given = [f"{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-I", "-S", str(LIMITS), *given, "--", *argv]


@cache
def _prlimit() -> str:
    """Starts in 2 ms where our own launcher needs 10; every Linux has it, macOS has not."""
    return shutil.which("prlimit", path=PROGRAMS) or ""


def _lowered(name: str, value: int) -> int:
    """A limit that is lower already stays; raising it would be refused."""
    hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


class Watched(asyncio.subprocess.SubprocessStreamProtocol):
    """Tells when the program itself has ended, also while its children hold the pipes open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=READ_SIZE, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs."""

    process: asyncio.subprocess.Process
    transport: asyncio.SubprocessTransport
    exited: asyncio.Event


@asynccontextmanager
async def _started(
    argv: Sequence[str], folder: Path, variables: Mapping[str, str], limits: Limits, mark: str
) -> AsyncIterator[Program]:
    """Start the program as the head of its own session; at the end all of it is dead."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: Watched(loop),
        *argv,
        cwd=folder,
        env=dict(variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    process = asyncio.subprocess.Process(transport, protocol, loop)
    program = Program(process, transport, protocol.exited)
    try:
        yield program
    finally:
        ending = asyncio.ensure_future(_end(program, limits.kill_grace, mark))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending
            raise


async def _close(program: Program) -> None:
    """When the program ends, end what it left running: that would hold our pipes open."""
    await program.exited.wait()
    _signal(program.process.pid, signal.SIGKILL)


async def _end(program: Program, grace: float, mark: str) -> None:
    """Ask, wait, kill; then find those that left the group, and wait until all are gone."""
    group = program.process.pid
    if not program.exited.is_set():
        _signal(group, signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                await program.exited.wait()
        except TimeoutError:
            pass  # it gets SIGKILL with all others now
    _signal(group, signal.SIGKILL)
    await program.exited.wait()
    deadline = asyncio.get_running_loop().time() + GONE_WITHIN
    while left := await asyncio.to_thread(_marked, group, mark):
        for pid in left:
            _kill(pid)
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.02)
    program.transport.close()


def _marked(group: int, mark: str) -> list[int]:
    """Living processes of this call: they carry its mark in their environment, or its group."""
    found = []
    for one in psutil.process_iter():
        try:
            mine = os.getpgid(one.pid) == group or one.environ().get(CALL_MARK) == mark
            if mine and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
    return found


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass  # nobody of the group is left; macOS says "not permitted" for a dead group


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
