"""A plan that its card can't show whole: the file beside it, and no approval by emoji."""

from collections.abc import AsyncIterator

import pytest

from bot.local.slack.person import Person, open_person, plain
from engine.domain.conversation import Place, PostKind
from tests.conftest import Database
from tests.contract.bot_slack import FixedViews, Rig, open_rig
from tests.unit.cards import PLAN, WRITE, version, view


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    steps = tuple(WRITE.model_copy(update={"number": number}) for number in range(1, 61))
    views = FixedViews({PLAN: view(version=version(steps=steps))})
    async with open_rig(database.app_dsn, views=views) as opened:
        yield opened


@pytest.fixture
async def ann(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0ANN") as person:
        yield person


async def test_sixty_steps_bring_a_file_and_need_the_button(rig: Rig, ann: Person) -> None:
    async with rig.store.begin() as unit:
        await unit.posts.want(PostKind.PLAN, PLAN, Place(channel="C0INC", thread=""))
    card = await ann.wait_for(lambda m: "only in the file" in plain(m))
    file = await ann.wait_for(lambda m: "The whole plan P-1042-v2" in plain(m))

    await ann.react("C0INC", card["ts"], "+1")
    told = await ann.wait_for(lambda m: m["ephemeral_to"] == "U0ANN")

    assert file["thread_ts"] == card["ts"]
    assert "only in the file. Press Approve instead." in told["text"]
    assert rig.decisions.seen == []
    assert (await rig.control.stats())["invalid"] == []
