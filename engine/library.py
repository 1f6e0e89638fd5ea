"""What a team writes down, as the settings ask for it."""

import asyncio
from pathlib import Path

from engine.context.runbooks import Shelf, read_folder
from engine.domain.ids import Tenant
from engine.ports import Clock, Store
from engine.services.mirror import Files, Mirror, Source
from engine.settings import KnowledgeSettings
from engine.tools.checkout import checkout
from engine.tools.command_lines import CommandLines
from engine.tools.loading import CATALOG, load_tools


def mirroring(knowledge: KnowledgeSettings, store: Store, clock: Clock, tenant: Tenant) -> Mirror:
    """Runbooks that are kept as files."""
    sources: list[Source] = []
    if folder := knowledge.runbooks_folder:

        async def read() -> Files:
            return as_files(await asyncio.to_thread(read_folder, folder, knowledge.language))

        sources.append(Source(f"folder {folder.name}", read))
    if remote := knowledge.runbooks_remote:

        async def fetch() -> Files:
            async with checkout(remote, knowledge.runbooks_branch) as (cloned, _):
                inside = cloned / knowledge.runbooks_path
                return as_files(await asyncio.to_thread(read_folder, inside, knowledge.language))

        name = remote.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        sources.append(Source(f"git {name}", fetch))
    return Mirror(store, clock, tenant, tuple(sources), knowledge.refresh_seconds)


def as_files(shelf: Shelf) -> Files:
    """What a folder holds, as the mirror takes it."""
    return shelf.runbooks, shelf.left_out


def command_lines(folder: Path | None) -> CommandLines:
    """What runbooks may say."""
    return CommandLines(load_tools(CATALOG, *([folder] if folder else [])))
