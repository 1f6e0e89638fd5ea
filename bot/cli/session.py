"""`carapulse session`: working contexts that people share."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from bot.cli.up import DEFAULT_FOLDER

session = App(name="session", help="List, open, share and close sessions.")
COLUMNS = ("name", "state", "visibility", "owner_name", "members", "groups", "id")
Several = Annotated[tuple[str, ...], Parameter(negative=())]


@session.command(name="list")
async def list_them(*, limit: int = 50, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List sessions, newest first.

    Args:
        limit: how many at most.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import open_library, shown

    async with open_library(folder) as library:
        found = await library.sessions.listed(library.viewer, limit=limit)
    rows = [one.model_dump(mode="json") for one in found]
    print(shown(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer


@session.command(name="open")
async def open_one(
    name: str,
    *,
    visibility: Literal["private", "members", "everyone"] = "members",
    member: Several = (),
    group: Several = (),
    channel: str = "",
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """Open a session.

    Args:
        name: what people call it.
        visibility: who may see and use it.
        member: a person's id in the directory; may be given several times.
        group: a group of the directory; may be given several times.
        channel: the Slack channel whose threads belong to it from now on.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: print the whole record, for scripts.
    """
    from bot.cli.library import open_library
    from engine.domain.session import SessionWords, Visibility

    words = SessionWords(name=name, visibility=Visibility(visibility), members=member, groups=group)
    async with open_library(folder) as library:
        made = await library.sessions.open(library.actor, words, channel=channel)
    print(made.model_dump_json(indent=2) if json else f"Opened {made.name} ({made.id}).")  # noqa: T201


@session.command
async def close(name: str, *, folder: Path = DEFAULT_FOLDER) -> None:
    """Close a session: nothing more is planned or started in it.

    Args:
        name: its name or id.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from bot.cli.library import open_library, printable

    async with open_library(folder) as library:
        closed = await library.sessions.close(library.actor, library.viewer, name)
    print(f"Closed {printable(closed.name)}.")  # noqa: T201 - the command's answer


@session.command
async def add(name: str, member: str, *, folder: Path = DEFAULT_FOLDER) -> None:
    """Let somebody in.

    Args:
        name: of the session.
        member: a person's id, or group:NAME.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    await _enter(folder, name, member, out=False)


@session.command
async def remove(name: str, member: str, *, folder: Path = DEFAULT_FOLDER) -> None:
    """Take somebody out.

    Args:
        name: of the session.
        member: a person's id, or group:NAME.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    await _enter(folder, name, member, out=True)


async def _enter(folder: Path, name: str, member: str, *, out: bool) -> None:
    from bot.cli.library import open_library, shown

    async with open_library(folder) as library:
        changed = await library.sessions.enter(library.actor, library.viewer, name, member, out=out)
    print(shown([changed.model_dump(mode="json")], COLUMNS, json=False))  # noqa: T201
