"""The one place of the demo that starts git: a fixed environment, a deadline, bounded output."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import ConfigurationError, ToolFailed

MAX_OUTPUT = 256 * 1024
KILL_GRACE = 2.0


class GitFailed(ToolFailed):
    """git ended with an error, took too long or said too much; the text is fit for a log."""


@dataclass(frozen=True, slots=True)
class Git:
    """git in one folder, blind to the configuration of the person whose machine this is."""

    folder: Path
    timeout: float = 10.0
    environment: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run `git <arguments>` and return its output, or raise `GitFailed`."""
        process = await asyncio.create_subprocess_exec(
            _executable(),
            *arguments,
            cwd=self.folder,
            env={**_environment(), **self.environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self.timeout):
                output, errors = await _talk(process, stdin)
        except TimeoutError:
            raise GitFailed(f"git {arguments[0]} took longer than {self.timeout:g} s") from None
        finally:
            await _end(process)
        if process.returncode != 0:
            raise GitFailed(f"git {arguments[0]} failed: {errors.decode(errors='replace')[-500:]}")
        return output.decode(errors="replace")


def _executable() -> str:
    found = shutil.which("git")
    if found is None:
        raise ConfigurationError("The demo needs git, which is not on the PATH. Install it first.")
    return found


def _environment() -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


async def _talk(process: asyncio.subprocess.Process, stdin: bytes) -> tuple[bytes, bytes]:
    assert process.stdin
    assert process.stdout
    assert process.stderr
    async with asyncio.TaskGroup() as group:
        group.create_task(_feed(process.stdin, stdin))
        output = group.create_task(_read(process.stdout))
        errors = group.create_task(_read(process.stderr))
    await process.wait()
    if len(output.result()) > MAX_OUTPUT:
        raise GitFailed(f"git printed more than {MAX_OUTPUT} bytes")
    return output.result(), errors.result()


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    try:
        stream.write(data)
        await stream.drain()
        stream.close()
        await stream.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        pass  # git ended without reading; its return code tells why


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Read to the end, keeping a little more than allowed so that too much is noticed."""
    kept = bytearray()
    while chunk := await stream.read(65536):
        kept += chunk[: max(0, MAX_OUTPUT + 1 - len(kept))]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no git behind, whatever ended the call."""
    if process.returncode is None:
        process.kill()
        async with asyncio.timeout(KILL_GRACE):
            await process.wait()
