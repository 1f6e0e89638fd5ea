"""The gate on the real store: many presses at one moment decide once."""

import asyncio
from dataclasses import replace
from pathlib import Path

from engine.domain.actor import Surface
from engine.domain.approval import Decided, Verdict
from engine.domain.conversation import Conversation, Place
from engine.domain.plan import VersionRef, VersionState
from engine.errors import Conflict
from engine.services.authority import Authority
from engine.store.connection import open_pool
from engine.store.unit import PostgresStore
from tests.conftest import Database
from tests.unit.governing import ANN, BO, NOW, PLAN, open_hall, version


async def test_fifty_presses_at_one_moment_decide_once(database: Database, tmp_path: Path) -> None:
    pool = await open_pool(database.app_dsn, size=8, statement_timeout=20, connect_timeout=10)
    try:
        store = PostgresStore(pool, "default")
        gate = replace(open_hall(tmp_path).gate, store=store)
        made = version()
        async with store.begin() as unit:
            await unit.conversations.add(
                Conversation(
                    id=made.conversation_id,
                    tenant=made.tenant,
                    place=Place(channel="C0INC", thread="1.0"),
                    created_at=NOW,
                )
            )
            await unit.plans.add_version(made, VersionState.WAITING)

        results = await asyncio.gather(
            *(
                gate.decide(actor, PLAN, 1, Verdict.APPROVE, surface=Surface.BUTTON)
                for actor in (ANN, BO) * 25
            ),
            return_exceptions=True,
        )

        assert all(isinstance(one, Decided | Conflict) for one in results), results
        async with store.begin() as unit:
            assert len(await unit.approvals.of(PLAN, 1)) == 1
            assert await unit.plans.state(PLAN, 1) is VersionState.APPROVED
            ref = VersionRef(plan_id=PLAN, version=1)
            approvers = await Authority(gate.verifier).verify_version(
                unit, await unit.plans.version(ref.plan_id, ref.version)
            )
            allowed = [e for e in await unit.audit.of(PLAN) if e.decision == "allow"]
        assert approvers[0] in (ANN.id, BO.id)
        assert len(allowed) == 1
    finally:
        await pool.close()
