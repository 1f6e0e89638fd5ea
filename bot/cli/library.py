"""Opens what a team writes down, for the commands about it; and how they answer."""

import getpass
import json as jsons
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.cli.records import configured
from bot.cli.up import DEFAULT_FOLDER
from engine.context.services import loaded_services
from engine.domain.actor import Actor, ActorKind
from engine.domain.ids import PersonId, Tenant
from engine.domain.session import Viewer
from engine.library import command_lines, mirroring
from engine.llm.playbooks import checked_title
from engine.ports import Store
from engine.services.knowledge import Knowledge
from engine.services.memory import Memory
from engine.services.mirror import Mirror
from engine.services.runbook_steps import RunbookSteps
from engine.services.sessions import Sessions
from engine.store.connection import open_pool
from engine.store.unit import PostgresStore


@dataclass(frozen=True, slots=True)
class Library:
    """The services, and as whom they are asked: who holds the database sees all of it."""

    store: Store
    knowledge: Knowledge
    memory: Memory
    sessions: Sessions
    steps: Callable[[], RunbookSteps]
    mirror: Mirror
    actor: Actor
    viewer: Viewer


def now() -> datetime:
    """The `Clock` port."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_library(folder: Path = DEFAULT_FOLDER) -> AsyncIterator[Library]:
    """The configured database, or that of the `carapulse up` that runs in `folder`."""
    settings = configured(folder)
    postgres = settings.postgres
    pool = await open_pool(
        postgres.dsn.get_secret_value(),
        size=2,
        statement_timeout=postgres.statement_timeout_seconds,
        connect_timeout=postgres.connect_timeout_seconds,
    )
    try:
        tenant = Tenant(settings.tenant)
        store = PostgresStore(pool, settings.tenant)
        services = loaded_services(settings.context.services_file)
        name = getpass.getuser()
        actor = Actor(kind=ActorKind.SERVICE, id=PersonId(f"cli:{name}"), name=name, tenant=tenant)
        yield Library(
            store,
            Knowledge(store, now, tenant, services, checked_title),
            Memory(store, now, tenant, services),
            Sessions(store, now, tenant),
            # The definitions of all tools take a while to read, and few commands need them.
            lambda: RunbookSteps(
                store, command_lines(settings.tools.folder), services, now, tenant
            ),
            mirroring(settings, store, now, tenant),
            actor,
            Viewer(person=actor.id, everything=True),
        )
    finally:
        await pool.close()


def shown(rows: Iterable[dict[str, Any]], columns: Sequence[str], *, json: bool) -> str:
    """A table for people, or one object per line for scripts."""
    found = list(rows)
    if json:
        return "\n".join(jsons.dumps(row, ensure_ascii=False) for row in found)
    cells = [[cell(row.get(name)) for name in columns] for row in found]
    cells.insert(0, [name.upper() for name in columns])
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def cell(value: Any) -> str:
    """A value on one line, without what a terminal would obey."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")
    return printable(" ".join(text.split()))[:80]


def printable(text: str) -> str:
    """Text from anywhere for a terminal: line breaks and tabs stay, other controls go."""
    return "".join(each for each in text if each.isprintable() or each in "\n\t")
