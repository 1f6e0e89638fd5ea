"""`carapulse memory`: short facts that operators want remembered."""

from datetime import UTC, datetime
from pathlib import Path

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER

memory = App(name="memory", help="List, add and forget facts.")
COLUMNS = ("id", "text", "service", "environment", "author_name", "expires_at")


@memory.command(name="list")
async def list_them(
    *words: str,
    service: str = "",
    session: str = "",
    limit: int = 50,
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """List facts, newest first.

    Args:
        words: what to search for.
        service: only those of this service.
        session: only those of this session.
        limit: how many at most.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import open_library, shown

    async with open_library(folder) as library:
        found = await library.memory.listed(
            library.viewer, query=" ".join(words), service=service, session=session, limit=limit
        )
    rows = [fact.model_dump(mode="json") for fact in found]
    print(shown(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer


@memory.command
async def add(
    text: str,
    *,
    service: str = "",
    environment: str = "",
    session: str = "",
    until: datetime | None = None,
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """Remember a fact.

    Args:
        text: one or two sentences.
        service: which it is about.
        environment: where it holds.
        session: keep it inside this session.
        until: when to forget it, as 2026-12-24 or with a time.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: print the whole record, for scripts.
    """
    from pydantic import ValidationError

    from bot.cli.library import open_library
    from engine.domain.knowledge import Told
    from engine.errors import Invalid

    at = until.replace(tzinfo=UTC) if until and until.tzinfo is None else until
    async with open_library(folder) as library:
        given = {"text": text, "service": service, "environment": environment, "expires_at": at}
        if session:
            given["session"] = (await library.sessions.find(library.viewer, session)).id
        try:
            told = Told.model_validate(given)
        except ValidationError as error:
            raise Invalid(error.errors(include_url=False)[0]["msg"]) from None
        fact = await library.memory.remember(library.actor, library.viewer, told)
    print(fact.model_dump_json(indent=2) if json else f"Remembered as {fact.id}.")  # noqa: T201


@memory.command
async def forget(fact: str, *, folder: Path = DEFAULT_FOLDER) -> None:
    """Forget a fact.

    Args:
        fact: its id.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from bot.cli.library import open_library, printable

    async with open_library(folder) as library:
        gone = await library.memory.forget(library.actor, library.viewer, fact)
    print(f"Forgot: {printable(gone.text)}")  # noqa: T201 - the command's answer
