"""Looks at this machine: programs that tools need, and room to work in."""

import shutil
import tempfile
from pathlib import Path

from bot.cli.doctor_finding import Finding, fail, ok, warn
from engine.settings import Settings
from engine.tools.process import PROGRAMS
from engine.tools.sandbox import ProcessSandbox

GIB = 1024**3
LITTLE = 1.0
TOO_LITTLE = 0.2


async def git(settings: Settings) -> list[Finding]:
    """The git tool's program, in the places where tools look."""
    if found := shutil.which("git", path=PROGRAMS):
        return [ok("git", found)]
    return [fail("git", "is not installed where the worker runs", "Install git.")]


async def sandbox(settings: Settings) -> list[Finding]:
    """Whether tools run in a closed world, or only in a folder of their own."""
    detected = await ProcessSandbox.detect(settings.tools.work_folder)
    if detected.bwrap:
        return [ok("sandbox", f"tools run inside {detected.bwrap}")]
    return [
        warn(
            "sandbox",
            "tools run in a folder and environment of their own, but can read this machine's files",
            "Install bubblewrap, and allow it to make user namespaces.",
        )
    ]


async def disk(settings: Settings) -> list[Finding]:
    """Room for what tools write while they work."""
    folder = settings.tools.work_folder or Path(tempfile.gettempdir())
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    found = f"{free:.1f} GiB free where tools work ({folder})"
    if free < TOO_LITTLE:
        return [fail("disk", found, "Make room, or set CARAPULSE_TOOLS__WORK_FOLDER elsewhere.")]
    if free < LITTLE:
        return [warn("disk", found, "Make room, or set CARAPULSE_TOOLS__WORK_FOLDER elsewhere.")]
    return [ok("disk", found)]
