"""What a team writes down, as the settings ask for it."""

import asyncio
from pathlib import Path

from engine.context.runbooks import Shelf, content, read_folder
from engine.domain.ids import Tenant
from engine.domain.knowledge import DocumentKind, Words
from engine.errors import Invalid
from engine.llm.playbooks import checked_title
from engine.ports import Clock, Store
from engine.services.mirror import Files, Mirror, Source
from engine.settings import Settings
from engine.tools.checkout import checkout
from engine.tools.command_lines import CommandLines
from engine.tools.loading import CATALOG, load_tools


def mirroring(settings: Settings, store: Store, clock: Clock, tenant: Tenant) -> Mirror:
    """Runbooks and playbooks that are kept as files."""
    knowledge, playbooks = settings.knowledge, settings.context.playbooks_folder
    sources: list[Source] = []
    if playbooks:

        async def plays() -> Files:
            return await asyncio.to_thread(playbook_files, playbooks)

        sources.append(Source(f"folder {playbooks.name}", plays, DocumentKind.PLAYBOOK))
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


def playbook_files(folder: Path) -> Files:
    """The playbooks of a folder, as the planner reads them too."""
    found: list[tuple[str, Words]] = []
    wrong: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            body = content(path)
            found.append((path.name, Words(title=checked_title(body), body=body)))
        except Invalid as error:
            wrong.append(f"{path.name}: {error}")
    return found, wrong


def as_files(shelf: Shelf) -> Files:
    """What a folder holds, as the mirror takes it."""
    return shelf.runbooks, shelf.left_out


def command_lines(folder: Path | None) -> CommandLines:
    """What runbooks may say."""
    return CommandLines(load_tools(CATALOG, *([folder] if folder else [])))
