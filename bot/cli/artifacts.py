"""`carapulse execution artifacts` and `download`: complete outputs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.operating import answer
from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.domain.artifact import Artifact
    from engine.services.downloads import Downloads

PART = ".part"


@asynccontextmanager
async def open_downloads(folder: Path) -> "AsyncIterator[Downloads]":
    """The configured store, or that of the `carapulse up` that runs in `folder`."""
    from bot.cli.records import configured, open_records
    from engine.domain.ids import Tenant
    from engine.filing import filing
    from engine.ground import now
    from engine.services.downloads import Downloads

    settings = configured(folder)
    async with open_records(folder) as views:
        yield Downloads(views.store, now, Tenant(settings.tenant), filing(settings.artifacts))


async def artifacts(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List the complete outputs of an execution, and of the looks that its plan came from.

    Args:
        reference: X-311, or the execution's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: as the API answers it, without links.
    """
    from bot.http.artifacts import file

    async with open_downloads(folder) as downloads:
        found = await of(downloads, reference)
    answer(
        "\n".join(map(told, found)) or "It left no files.",
        {"items": [file(one) for one in found]} if json else None,
    )


async def download(
    reference: str, name: str = "", *, to: Path = Path(), folder: Path = DEFAULT_FOLDER
) -> None:
    """Save complete outputs of an execution.

    Args:
        reference: X-311, or the execution's id.
        name: of the one file that is wanted, such as step-2-act.log; all without it.
        to: the folder that they are saved in.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    import asyncio

    from engine.errors import NotFound

    async with open_downloads(folder) as downloads:
        found = [one for one in await of(downloads, reference) if name in ("", one.name)]
        if not found:
            raise NotFound(f"There is no such file of {reference}.")
        await asyncio.to_thread(to.mkdir, parents=True, exist_ok=True)
        for one in found:
            path = to / f"{reference}-{one.name}"
            await save(downloads, one, path)
            answer(f"{path}  {one.size} bytes", None)


async def save(downloads: "Downloads", artifact: "Artifact", path: Path) -> None:
    """Whole, or not at all. Raises `Tampered` where it is not what was stored."""
    import asyncio
    from hashlib import sha256

    from engine.errors import Tampered

    _, pieces = await downloads.content(artifact.id)
    draft, digest = path.with_name(path.name + PART), sha256()
    with draft.open("wb") as opened:
        async for piece in pieces:
            digest.update(piece)
            await asyncio.to_thread(opened.write, piece)
    if digest.hexdigest() != artifact.sha256:
        draft.unlink()
        raise Tampered(f"{artifact.name} is not what was stored: its digest differs. Not saved.")
    draft.replace(path)


async def of(downloads: "Downloads", reference: str) -> "list[Artifact]":
    """The files of an execution by its reference. Raises `NotFound`."""
    async with downloads.store.begin() as unit:
        execution_id = await unit.executions.find(reference)
    return await downloads.of_execution(execution_id)


def told(artifact: "Artifact") -> str:
    """`step-2-act.log  91 MB  stored`."""
    from engine.domain.artifact import said_size

    cut = "  its end is lost" if artifact.partial else ""
    return f"{artifact.name}  {said_size(artifact.size)}  {artifact.state.value}{cut}"
