"""`carapulse workflow`: the catalog listed, shown, checked and started."""

import getpass
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from bot.cli.plan_create import WAIT, show, with_fields
from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.domain.actor import Actor
    from engine.domain.model import Json
    from engine.services.templates import Templates

workflow = App(name="workflow", help="List, show, check and start workflows of the catalog.")
COLUMNS = ("name", "version", "title", "source", "enabled")


@workflow.command(name="list")
async def listed(*, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List them, by name.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import shown
    from bot.http.workflows import short

    async with open_templates(folder) as templates:
        rows: list[dict[str, Any]] = [short(one) for one in await templates.listed()]
    told = rows if json else [{**row, "enabled": "yes" if row["enabled"] else "no"} for row in rows]
    print(shown(told, COLUMNS, json=json))  # noqa: T201 - the command's answer


@workflow.command(name="show")
async def show_one(
    name: str, *, version: int | None = None, folder: Path = DEFAULT_FOLDER, json: bool = False
) -> None:
    """Print one.

    Args:
        name: its name.
        version: an older one.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: with all its fields, for scripts.
    """
    import orjson

    from bot.cli.library import printable
    from bot.http.workflows import whole

    async with open_templates(folder) as templates:
        record = await templates.get(name, version)
    text = orjson.dumps(whole(record), option=orjson.OPT_INDENT_2).decode()
    print(text if json else printable(record.body))  # noqa: T201 - the command's answer


@workflow.command
def check(*files: Path, tools: Path | None = None) -> None:
    """Read files, and name every fault; exit code 1 when there is one.

    Args:
        files: YAML files.
        tools: the folder with definitions of your own.
    """
    from engine.errors import ConfigurationError, Invalid
    from engine.templates.loading import read_template
    from engine.templating import every_tool, finding

    if not files:
        raise Invalid("Name a file to check.")
    find, wrong = finding(every_tool(tools)), 0
    for path in files:
        try:
            record = read_template(path, find, path.name)
        except ConfigurationError as error:
            wrong += 1
            print(error)  # noqa: T201 - the command's answer
            continue
        template = record.template
        print(f"{path.name}: {template.workflow} v{template.version} is right.")  # noqa: T201
    if wrong:
        raise SystemExit(1)


@workflow.command
async def start(
    name: str,
    *given: str,
    service: str = "",
    place: Annotated[str, Parameter(name=("--place", "--environment"))] = "",
    words: str = "",
    session: str = "",
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
    wait: bool = True,
) -> None:
    """Ask for the plan of a workflow; its card goes to the channel, others approve it.

    Exit code 1 when nothing came of it but a refusal.

    Args:
        name: its name.
        given: its inputs, each as NAME=VALUE.
        service: what it is about.
        place: the environment, and the cluster behind a slash.
        words: why; they stand above the plan.
        session: id or name of the session to work in.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: as the API answers it.
        wait: with --no-wait do not wait until it is drafted.
    """
    from engine.errors import CarapulseError, Invalid
    from engine.services.templates import Start, about

    async with open_templates(folder) as templates:
        try:
            begun = Start(pairs(given), about(service, place), words, session)
            draft_id = await templates.start(operator(), name, begun)
        except Invalid as error:
            raise CarapulseError(with_fields(error)) from None
        seconds = WAIT if wait else 0
        found = await templates.requests.settled(operator(), draft_id, seconds=seconds)
    show(found, json)


@workflow.command
async def add(file: Path, *, folder: Path = DEFAULT_FOLDER) -> None:
    """Keep a workflow of a file; where its name is there already, as its next version.

    Args:
        file: YAML.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    body = text_of(file)
    async with open_templates(folder) as templates:
        name = templates.check(body).workflow
        there = {one.template.workflow for one in await templates.listed() if one.ours}
        kept = (
            await templates.change(operator(), name, body)
            if name in there
            else await templates.write(operator(), body)
        )
    print(f"Kept as {name} v{kept.template.version}.")  # noqa: T201 - the command's answer


@workflow.command
async def remove(name: str, *, folder: Path = DEFAULT_FOLDER) -> None:
    """Remove one that was written here; plans that were made of it stay.

    Args:
        name: its name.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    async with open_templates(folder) as templates:
        await templates.remove(operator(), name)
    print(f"Removed {name}.")  # noqa: T201 - the command's answer


def text_of(file: Path) -> str:
    """A file's text. Raises `Invalid`."""
    from engine.context.runbooks import content
    from engine.errors import Invalid

    if not file.is_file():
        raise Invalid(f"{file} is no file.")
    return content(file)


@asynccontextmanager
async def open_templates(folder: Path) -> "AsyncIterator[Templates]":
    """The catalog of the configured deployment."""
    from bot.cli.records import configured
    from engine.wiring import open_engine

    async with open_engine(configured(folder), gate=False) as engine:
        yield engine.templates


def operator() -> "Actor":
    """This machine's user, who decides nothing."""
    from engine.domain.actor import Actor, ActorKind
    from engine.domain.ids import PersonId

    name = getpass.getuser()
    return Actor(kind=ActorKind.SERVICE, id=PersonId(f"cli:{name}"), name=name)


def pairs(given: tuple[str, ...]) -> "dict[str, Json]":
    """`NAME=VALUE` of the command line. Raises `Invalid`."""
    from engine.errors import Invalid

    found: dict[str, Json] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise Invalid(f"{one} is no input; say it as NAME=VALUE.")
        found[name] = value
    return found
