"""`carapulse freeze`: hold changes, list what holds them, and lift it."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.domain.actor import Actor
    from engine.services.freezes import Freezes

freeze = App(name="freeze", help="List, set and lift freezes: nothing starts to change.")
COLUMNS = ("id", "what", "from", "until", "by", "reason")


@freeze.command(name="list")
async def list_them(*, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List the freezes in force, and those to come.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import shown

    async with opened(folder) as (_, freezes):
        found = await freezes.open()
    rows = [
        one.model_dump(mode="json")
        if json
        else {
            "id": one.id,
            "what": one.what,
            "from": f"{one.starts_at:%Y-%m-%d %H:%M} UTC",
            "until": f"{one.ends_at:%Y-%m-%d %H:%M} UTC" if one.ends_at else "no end",
            "by": one.set_by_name,
            "reason": one.reason,
        }
        for one in found
    ]
    print(shown(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer


@freeze.command(name="set")
async def set_one(
    reason: str,
    *,
    environment: str = "",
    service: str = "",
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False,
    until: str = "",
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """Hold changes: what is approved waits until it is over.

    Args:
        reason: why; everybody whose change waits reads it.
        environment: where; with a service alone, everywhere.
        service: of what; with an environment alone, of everything there.
        everything: all changes everywhere, when neither is given.
        until: 18:00, 2026-12-24, "2026-12-24 18:00", 2h, 3d; else until it is lifted.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: print the whole record, for scripts.
    """
    from pydantic import ValidationError

    from bot.cli.library import printable
    from engine.domain.freeze import FreezeWords
    from engine.domain.until import until as read
    from engine.errors import Invalid

    if everything == bool(environment or service):
        raise Invalid("Say what is frozen: --environment prod, --service checkout, or --all.")
    async with opened(folder) as (actor, freezes):
        try:
            end = read(until, freezes.clock(), freezes.timezone)[0] if until else None
            words = FreezeWords(
                environment=environment, service=service, reason=reason, ends_at=end
            )
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise Invalid(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
        except (ValueError, OverflowError):
            raise Invalid(f"{until} is no end: write 18:00, 2026-12-24, 2h or 3d.") from None
        made = await freezes.set(actor, words)
    said = f"{printable(made.what)} are frozen: {made.id}"
    print(made.model_dump_json(indent=2) if json else said)  # noqa: T201 - the command's answer


@freeze.command
async def lift(name: str, *, folder: Path = DEFAULT_FOLDER) -> None:
    """Lift one; what waited for it goes on.

    Args:
        name: its id, or the last six characters of it.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from bot.cli.library import printable

    async with opened(folder) as (actor, freezes):
        lifted = await freezes.lift(actor, name)
    print(f"Lifted: {printable(lifted.what)}.")  # noqa: T201 - the command's answer


@asynccontextmanager
async def opened(folder: Path) -> "AsyncIterator[tuple[Actor, Freezes]]":
    """Act as this machine's user, under the same policy as everybody."""
    import getpass

    from bot.cli.records import configured
    from engine.domain.actor import Actor, ActorKind
    from engine.domain.ids import PersonId
    from engine.wiring import open_engine

    name = getpass.getuser()
    actor = Actor(
        kind=ActorKind.SERVICE, id=PersonId(f"cli:{name}"), name=name, scopes=("freeze.write",)
    )
    async with open_engine(configured(folder), gate=False) as engine:
        yield actor, engine.freezes
