"""A room whose prod/eu-1 is served by a runner with a login of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from engine.domain.actor import Actor, ActorKind
from engine.domain.conversation import Place
from engine.domain.ids import PersonId
from engine.domain.move import Move, MoveKind
from engine.domain.plan import VersionRef
from engine.domain.site import Site
from engine.services.steps import Steps
from engine.store.connection import Pool, open_pool
from engine.store.runner_logins import make_login, remove_login
from engine.store.unit import PostgresStore
from tests.conftest import Database
from tests.integration.room import Room, open_room
from tests.integration.script import TENANT
from tests.unit.governing import PROD

HERE = Site(environment="prod", cluster="eu-1")
US = PROD.model_copy(update={"cluster": "us-1"})
ELSEWHERE = Place(channel="C0INC", thread="1700000009.000100")
ADMIN = Actor(kind=ActorKind.SERVICE, id=PersonId("cli:admin"), name="admin")


@dataclass(frozen=True, slots=True)
class Bench:
    """A room whose prod/eu-1 is served by a runner with a login of its own."""

    room: Room
    pool: Pool
    steps: Steps

    async def beat(self) -> None:
        async with self.steps.store.begin() as unit:
            await unit.runners.beat(self.steps.worker)

    async def handed(self, ref: VersionRef) -> Move:
        """The next move, which is a call for the runner."""
        await self.beat()
        move = await self.room.next(ref)
        assert move.kind is MoveKind.CALL
        assert [one.queue for one in move.requests] == [HERE.queue] * len(move.requests)
        return move

    async def work(self, ref: VersionRef) -> Move:
        """Calls of this place by the runner, the others by the worker."""
        for _ in range(40):
            await self.beat()
            move = await self.room.next(ref)
            if move.kind is not MoveKind.CALL:
                return move
            for one in move.requests:
                steps = self.steps if one.queue else self.room.steps
                await steps.perform(one)
        raise AssertionError("it goes on for ever")


@asynccontextmanager
async def open_bench(database: Database, folder: Path) -> AsyncIterator[Bench]:
    dsn = await make_login(database.owner_dsn, TENANT, HERE, ADMIN)
    async with open_room(database, folder) as room:
        pool = await open_pool(dsn, size=4, statement_timeout=5, connect_timeout=5)
        try:
            yield Bench(room, pool, at_site(room, PostgresStore(pool, TENANT)))
        finally:
            await pool.close()
            await remove_login(database.owner_dsn, TENANT, HERE, ADMIN)


def at_site(room: Room, store: PostgresStore) -> Steps:
    """What a runner has: the room's services on the login of the runner."""
    lines = room.steps.loglines
    outputs = replace(lines.outputs, store=store)
    loglines = replace(lines, store=store, outputs=outputs)
    return replace(room.steps, store=store, loglines=loglines, worker="runner-1", site=HERE)
