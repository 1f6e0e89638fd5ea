"""The newest state of a branch of a git remote, in a folder for as long as a block lasts."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from engine.errors import Unavailable
from engine.tools.process import PROGRAMS, Limits, Stream, environment, run

SECONDS = 60.0


@asynccontextmanager
async def checkout(remote: str, branch: str) -> AsyncIterator[tuple[Path, str]]:
    """Clone without history, hooks, submodules or symbolic links; the folder and the commit.

    Raises:
        Unavailable: git is missing, or the remote does not answer or has no such branch.
    """
    git = shutil.which("git", path=PROGRAMS)
    if git is None:
        raise Unavailable("git", "git is not installed, so no runbooks can be fetched.")
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="carapulse-runbooks-"))
    try:
        clone = ["clone", "--quiet", "--depth", "1", "--single-branch", "--no-tags"]
        options = ["-c", "core.symlinks=false", "--branch", branch, "--", remote, "files"]
        await said(git, folder, *clone, *options)
        commit = await said(git, folder, "-C", "files", "rev-parse", "HEAD")
        yield folder / "files", commit.strip()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def said(git: str, folder: Path, *arguments: str) -> str:
    """What git prints. Raises `Unavailable`; its own words may name the remote's login."""

    async def on_line(stream: Stream, line: str) -> None:
        return None

    ended = await run(
        [git, *arguments],
        folder=folder,
        environment=environment(folder, {}),
        limits=Limits(seconds=SECONDS),
        on_line=on_line,
    )
    if ended.exit_code != 0:
        why = "took too long" if ended.exit_code is None else f"ended with {ended.exit_code}"
        raise Unavailable("git", f"The runbooks can't be fetched: git {arguments[0]} {why}.")
    return ended.stdout.decode("utf-8", "replace")
