"""`carapulse runbook`: what to do, in words."""

from pathlib import Path

from bot.cli.documents import documents, lines
from bot.cli.up import DEFAULT_FOLDER

runbook = documents("runbook")


@runbook.command
async def steps(name: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Say for each command of a runbook which step it could be, or why it can't be one.

    Args:
        name: its name, title or id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import open_library, printable
    from engine.domain.context import ContextRef
    from engine.domain.knowledge import DocumentKind

    async with open_library(folder) as library:
        document = await library.knowledge.get(DocumentKind.RUNBOOK, name)
        found = library.steps().read(document, ContextRef())
    items: list[dict[str, object]] = [
        {**line.model_dump(), "ok": read.ok, **read.model_dump(mode="json")} for line, read in found
    ]
    print(printable(lines(items, json=json)))  # noqa: T201 - the command's answer


@runbook.command
async def sync(*, folder: Path = DEFAULT_FOLDER) -> None:
    """Read the configured folder and git remote again, now.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from bot.cli.library import open_library
    from engine.errors import ConfigurationError

    async with open_library(folder) as library:
        if not library.mirror.sources:
            raise ConfigurationError(
                "No runbooks are configured. Set CARAPULSE_KNOWLEDGE__RUNBOOKS_FOLDER or "
                "CARAPULSE_KNOWLEDGE__RUNBOOKS_REMOTE."
            )
        for source in library.mirror.sources:
            kept = await library.mirror.refresh(source)
            print(  # noqa: T201 - the command's answer
                f"{source.name}: {kept.added} added, {kept.changed} changed, {kept.removed} removed"
            )
            for each in kept.left_out:
                print(f"  left out: {each}")  # noqa: T201 - the command's answer
