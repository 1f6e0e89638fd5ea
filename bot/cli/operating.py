"""Opens what verbs of the command line act on: as this machine's user, under the same policy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.domain.actor import Actor
    from engine.domain.execution import Choice
    from engine.wiring import Engine

SCOPES = ("execution.operate", "plan.create")


@dataclass(frozen=True, slots=True)
class Hands:
    """Whoever may write to the database may operate; people's rights are theirs in chat alone."""

    engine: "Engine"
    actor: "Actor"


@asynccontextmanager
async def open_hands(folder: Path) -> AsyncIterator[Hands]:
    """The configured engine, or that of the `carapulse up` that runs in `folder`."""
    import getpass

    from bot.cli.records import configured
    from engine.domain.actor import Actor, ActorKind
    from engine.domain.ids import PersonId
    from engine.wiring import open_engine

    name = getpass.getuser()
    actor = Actor(kind=ActorKind.SERVICE, id=PersonId(f"cli:{name}"), name=name, scopes=SCOPES)
    async with open_engine(configured(folder), gate=False) as engine:
        yield Hands(engine, actor)


async def tell(
    reference: str, choice: "Choice", folder: Path, *, step: int | None = None, json: bool = False
) -> None:
    """Tell an execution what to do, and print the answer."""
    from bot.http import bodies
    from engine.errors import NotFound

    async with open_hands(folder) as hands:
        async with hands.engine.store.begin() as unit:
            execution_id = await unit.executions.find(reference)
            execution = await unit.executions.get(execution_id)
        if step is not None and not 1 <= step <= len(execution.steps):
            raise NotFound(f"{execution.reference} has no step {step}.")
        said = await hands.engine.operating.choose(hands.actor, execution_id, choice, step=step)
        async with hands.engine.store.begin() as unit:
            body = bodies.execution(await unit.executions.get(execution_id))
    answer(said, {**body, "said": said} if json else None)


def answer(said: str, body: object = None) -> None:
    """The sentence, or the record for scripts."""
    import orjson

    text = said if body is None else orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
    print(text)  # noqa: T201 - the command's answer
