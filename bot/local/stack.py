"""Everything that Carapulse stands on, started on this machine: Postgres, Redis, Temporal, policy.

What is configured is used; the rest is started, all at once, and kept in one folder.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.local.children import ChildEvent, Children, OnEvent, open_children
from bot.local.folder import Folder, open_folder
from bot.local.policy import start_policy
from bot.local.postgres import start_postgres
from bot.local.redis import NONE_FOUND, start_redis
from bot.local.temporal import start_temporal
from engine.errors import CarapulseError


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What is there already, and what is not wanted at all."""

    owner_dsn: str | None = None
    app_dsn: str | None = None
    redis_url: str | None = None
    temporal_address: str | None = None
    opa_url: str | None = None
    engine: Literal["temporal", "direct"] = "temporal"
    temporal: bool = True
    redis: bool = True
    policy: bool = True
    durable: bool = True
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the components are; None is a component that this start does without.

    `purge_dsn` is empty for a database that is not ours.
    """

    folder: Folder
    children: Children
    owner_dsn: str
    app_dsn: str
    purge_dsn: str
    redis_url: str | None
    temporal_address: str | None
    opa_url: str | None
    engine: Literal["temporal", "direct"]
    notes: tuple[str, ...]


def silent(_event: ChildEvent) -> None:
    """Take no notice of what becomes of the children."""


@asynccontextmanager
async def open_stack(
    path: Path, *, wanted: StackOptions | None = None, on_event: OnEvent = silent
) -> AsyncIterator[Stack]:
    """Start what is missing, yield where all of it is, and stop it in reverse order.

    Raises:
        Conflict: another start is using the folder.
        Unavailable: a component did not become ready; its last log lines are in the text.
        ConfigurationError: a component can't be had on this platform.
    """
    wanted = wanted or StackOptions()
    async with (
        open_folder(path, reset=wanted.reset) as folder,
        open_children(folder.logs, folder.children_lock, on_event) as children,
    ):
        yield await _started(children, folder, wanted)


async def _started(children: Children, folder: Folder, wanted: StackOptions) -> Stack:
    """Start everything at once; of several failures the first is told."""
    try:
        async with asyncio.TaskGroup() as group:
            postgres = group.create_task(_postgres(children, folder, wanted))
            redis = group.create_task(_redis(children, folder, wanted))
            temporal = group.create_task(_temporal(children, folder, wanted))
            policy = group.create_task(_policy(children, folder, wanted))
    except* CarapulseError as failures:
        raise _first(failures) from None
    owner_dsn, app_dsn, purge_dsn = postgres.result()
    return Stack(
        folder=folder,
        children=children,
        owner_dsn=owner_dsn,
        app_dsn=app_dsn,
        purge_dsn=purge_dsn,
        redis_url=redis.result(),
        temporal_address=temporal.result(),
        opa_url=policy.result(),
        engine=wanted.engine,
        notes=(NONE_FOUND,) if wanted.redis and redis.result() is None else (),
    )


async def _postgres(
    children: Children, folder: Folder, wanted: StackOptions
) -> tuple[str, str, str]:
    if wanted.owner_dsn:
        return wanted.owner_dsn, wanted.app_dsn or wanted.owner_dsn, ""
    server = await start_postgres(children, folder, durable=wanted.durable)
    return server.owner_dsn, server.app_dsn, server.purge_dsn


async def _redis(children: Children, folder: Folder, wanted: StackOptions) -> str | None:
    if wanted.redis_url or not wanted.redis:
        return wanted.redis_url
    return await start_redis(children, folder)


async def _temporal(children: Children, folder: Folder, wanted: StackOptions) -> str | None:
    if wanted.engine == "direct":
        return None
    if wanted.temporal_address or not wanted.temporal:
        return wanted.temporal_address
    return await start_temporal(children, folder)


async def _policy(children: Children, folder: Folder, wanted: StackOptions) -> str | None:
    if wanted.opa_url or not wanted.policy:
        return wanted.opa_url
    return await start_policy(children, folder)


def _first(failures: BaseExceptionGroup[CarapulseError]) -> CarapulseError:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
