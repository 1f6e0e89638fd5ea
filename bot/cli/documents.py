"""What `carapulse runbook` and `carapulse playbook` have in common: list, show, write, remove."""

import json as jsons
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.domain.knowledge import Words

COLUMNS = ("name", "title", "services", "tags", "source", "revision")
Several = Annotated[tuple[str, ...], Parameter(negative=())]


def documents(noun: str) -> App:
    """The command of one kind of document."""
    app = App(name=noun, help=f"List, show, write and remove {noun}s.")
    looking(app, noun)
    writing(app, noun)
    removing(app, noun)
    return app


def looking(app: App, noun: str) -> None:
    """`list` and `show`."""

    @app.command(name="list")
    async def list_them(
        *words: str,
        service: str = "",
        tag: str = "",
        limit: int = 50,
        folder: Path = DEFAULT_FOLDER,
        json: bool = False,
    ) -> None:
        """List them, newest first; with words the best first.

        Args:
            words: what to search for.
            service: only those of this service.
            tag: only those with this tag.
            limit: how many at most.
            folder: of the `carapulse up` that runs, when no database is configured.
            json: one object per line, for scripts.
        """
        from bot.cli.library import open_library
        from bot.cli.library import shown as table
        from engine.domain.knowledge import DocumentKind

        async with open_library(folder) as library:
            found = await library.knowledge.listed(
                DocumentKind(noun), query=" ".join(words), service=service, tag=tag, limit=limit
            )
        rows = [
            {**one.document.model_dump(mode="json", exclude={"body"}), "excerpt": one.excerpt}
            for one in found
        ]
        print(table(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer

    @app.command
    async def show(name: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
        """Print one.

        Args:
            name: its name, title or id.
            folder: of the `carapulse up` that runs, when no database is configured.
            json: with all its fields, for scripts.
        """
        from bot.cli.library import open_library, printable
        from engine.domain.knowledge import DocumentKind

        async with open_library(folder) as library:
            found = await library.knowledge.get(DocumentKind(noun), name)
        print(found.model_dump_json(indent=2) if json else printable(found.body))  # noqa: T201


def writing(app: App, noun: str) -> None:
    """`add` and `change`."""

    @app.command
    async def add(
        file: Path,
        *,
        tag: Several = (),
        service: Several = (),
        environment: Several = (),
        folder: Path = DEFAULT_FOLDER,
        json: bool = False,
    ) -> None:
        """Keep a file; what its head says counts where nothing is given here.

        Args:
            file: Markdown for a runbook, YAML for a playbook.
            tag: may be given several times.
            service: which it is for; may be given several times.
            environment: where it is for; may be given several times.
            folder: of the `carapulse up` that runs, when no database is configured.
            json: print all its fields, for scripts.
        """
        from bot.cli.library import open_library
        from engine.domain.knowledge import DocumentKind

        given = {"tags": tag, "services": service, "environments": environment}
        words = read(noun, file).model_copy(update={k: v for k, v in given.items() if v})
        async with open_library(folder) as library:
            made = await library.knowledge.write(library.actor, DocumentKind(noun), words)
        print(made.model_dump_json(indent=2) if json else f"Kept as {made.name}.")  # noqa: T201

    @app.command
    async def change(
        name: str, file: Path, *, revision: int | None = None, folder: Path = DEFAULT_FOLDER
    ) -> None:
        """Replace what one says with a file.

        Args:
            name: its name, title or id.
            file: Markdown for a runbook, YAML for a playbook.
            revision: change it only if it is still at this one.
            folder: of the `carapulse up` that runs, when no database is configured.
        """
        from bot.cli.library import open_library
        from engine.domain.knowledge import DocumentKind

        words = read(noun, file)
        async with open_library(folder) as library:
            made = await library.knowledge.change(
                library.actor, DocumentKind(noun), name, words, revision=revision
            )
        print(f"{made.name} is at revision {made.revision}.")  # noqa: T201 - the command's answer


def removing(app: App, noun: str) -> None:
    """`remove`."""

    @app.command
    async def remove(name: str, *, folder: Path = DEFAULT_FOLDER) -> None:
        """Remove one.

        Args:
            name: its name, title or id.
            folder: of the `carapulse up` that runs, when no database is configured.
        """
        from bot.cli.library import open_library
        from engine.domain.knowledge import DocumentKind

        async with open_library(folder) as library:
            gone = await library.knowledge.remove(library.actor, DocumentKind(noun), name)
        print(f"Removed {gone.name}.")  # noqa: T201 - the command's answer


def read(noun: str, file: Path) -> "Words":
    """A file as words. Raises `Invalid`."""
    from engine.context.runbooks import content, parse_runbook
    from engine.domain.knowledge import Words
    from engine.errors import Invalid

    if not file.is_file():
        raise Invalid(f"{file} is no file.")
    text = content(file)
    if noun == "runbook":
        return parse_runbook(text, file.name)
    return Words(title="playbook", body=text)


def lines(items: list[dict[str, object]], *, json: bool) -> str:
    """Commands of a runbook, one per line."""
    if json:
        return "\n".join(jsons.dumps(item) for item in items)
    rows = []
    for item in items:
        said = f"-> {item['tool']}.{item['action']}" if item["ok"] else f"no step: {item['reason']}"
        rows.append(f"{item['number']}. {item['text']}\n   {said}")
    return "\n".join(rows)
