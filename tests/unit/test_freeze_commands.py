"""`/carapulse freeze` as people type it."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from bot.slack.commands import Asked
from bot.slack.freezes import NOTHING, FreezeCommands
from bot.slack.origins import Origin
from engine.context.services import ServiceFile
from engine.domain.actor import Actor
from engine.domain.freeze import Freeze, FreezeWords
from engine.domain.ids import FreezeId, Tenant
from engine.errors import Invalid, NotFound
from engine.services.freezes import Freezes
from tests.unit.governing import ANN

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
GRAPH = """
environments: {prod: {clusters: [eu-1]}, staging: {clusters: [eu-9]}}
services:
- {name: checkout, namespace: shop, environments: [prod, staging], aliases: [shop checkout]}
"""


class Kept:
    """The service without its database: what was asked of it."""

    def __init__(self) -> None:
        self.services = ServiceFile.parse(GRAPH)
        self.timezone = "UTC"
        self.made: list[Freeze] = []
        self.lifted: list[str] = []

    def clock(self) -> datetime:
        return NOW

    async def set(self, actor: Actor, words: FreezeWords) -> Freeze:
        scope = words.model_dump(include={"environment", "service", "reason", "ends_at"})
        self.made.append(
            Freeze(
                id=FreezeId("01a205b3-dc5e-76d3-ac16-11fb476ce350"),
                tenant=Tenant("default"),
                set_by=actor.id,
                set_by_name=actor.name,
                starts_at=NOW,
                **scope,
            )
        )
        return self.made[-1]

    async def open(self) -> list[Freeze]:
        return self.made

    async def lift(self, actor: Actor, name: str) -> Freeze:
        if not self.made:
            raise NotFound("There is no such freeze.")
        self.lifted.append(name)
        return self.made[-1]


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def say(kept: Kept, words: str) -> str:
    commands = FreezeCommands(cast(Freezes, cast(Any, kept)))
    who = Origin("U0ANN", "T0LOCAL", "C0INC", "")
    return await commands.answer(Asked(ANN, who, words, "once", words))


@pytest.mark.parametrize(
    ("words", "scope", "hours", "reason"),
    [
        ("prod until 18:00 release day", ("prod", ""), 4, "release day"),
        ("set prod for 2h release day", ("prod", ""), 2, "release day"),
        ("checkout until 3d the books", ("", "checkout"), 72, "the books"),
        ("checkout in prod until 2h x", ("prod", "checkout"), 2, "x"),
        ("checkout in the sale", ("the", "checkout"), None, "sale"),
        ("prod for the winter sale", ("prod", ""), None, "for the winter sale"),
        ("all release day", ("", ""), None, "release day"),
        ("prod   until\n18:00\trelease", ("prod", ""), 4, "release"),
        ("prod until 2026-11-20 20:00 x", ("prod", ""), 6, "x"),
    ],
)
async def test_what_is_typed_is_what_is_set(
    kept: Kept, words: str, scope: tuple[str, str], hours: int | None, reason: str
) -> None:
    told = await say(kept, words)

    [made] = kept.made
    assert (made.environment, made.service, made.reason) == (*scope, reason)
    assert made.ends_at == (NOW + timedelta(hours=hours) if hours else None)
    assert made.hold.text in told
    assert "`/carapulse freeze lift 6ce350` lifts it." in told


@pytest.mark.parametrize(
    "words", ["prod", "prod until 18:00", "prod until soon x", "set", "prod until"]
)
async def test_what_can_not_be_read_is_explained_and_nothing_is_set(kept: Kept, words: str) -> None:
    with pytest.raises(Invalid, match="Write `/carapulse freeze prod until 18:00 REASON`"):
        await say(kept, words)

    assert kept.made == []


@pytest.mark.parametrize("words", ["", "list", "LIST"])
async def test_the_list_says_what_would_be_there(kept: Kept, words: str) -> None:
    assert await say(kept, words) == NOTHING


async def test_a_freeze_is_listed_with_its_mark_and_lifted_by_it(kept: Kept) -> None:
    await say(kept, "prod until 18:00 release day")

    listed = await say(kept, "list")
    told = await say(kept, "lift `6ce350`")

    assert listed.startswith("`6ce350` Changes to prod are frozen until {@when:")
    assert told == "Lifted: Changes to prod. What waited for it goes on."
    assert kept.lifted == ["`6ce350`"]


async def test_lifting_without_a_name_says_which_are_there(kept: Kept) -> None:
    with pytest.raises(Invalid, match="freeze lift NAME"):
        await say(kept, "lift")
