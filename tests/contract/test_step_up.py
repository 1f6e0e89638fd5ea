"""High risk asks its approvers to sign in again; every wrong turn is a page that changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.errors import NotAllowed, SignInNeeded
from tests.conftest import Database
from tests.contract.identity_bench import Bench, open_bench
from tests.integration.room import note, write
from tests.unit.governing import ANN, BO, DANA


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(database, tmp_path) as opened:
        yield opened


async def invited(bench: Bench, version: PlanVersion) -> str:
    """Ann presses Approve; the link that she alone gets."""
    with pytest.raises(SignInNeeded) as needed:
        await bench.press(ANN, version)
    return needed.value.url


async def state(bench: Bench, version: PlanVersion) -> VersionState:
    return await bench.room.state(VersionRef(plan_id=version.plan_id, version=version.version))


async def test_an_approver_signs_in_again_and_the_approval_says_so(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)
    before = await state(bench, version)

    shown = await bench.page(link)
    answer = await bench.sign_in(link, "ann")

    assert before is VersionState.WAITING
    assert version.title in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert answer.status == 200, answer.text
    assert "your approval counts" in answer.text
    assert await state(bench, version) is VersionState.APPROVED
    async with bench.room.store.begin() as unit:
        (signed,) = await unit.approvals.of(version.plan_id, version.version)
    assert (signed.statement.step_up, signed.statement.person) == (True, ANN.id)
