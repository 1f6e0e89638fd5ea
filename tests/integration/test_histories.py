"""Generated histories of approvals, on the real store and policy, against an account of its own."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.approval import Verdict
from engine.domain.call import Effect
from engine.domain.conversation import Conversation, Place, PostKind
from engine.domain.ids import PersonId, PlanId, new_id
from engine.domain.plan import PlanVersion, Requirements, VersionState
from engine.errors import CarapulseError, Tampered
from engine.services.approvals import Approvals
from engine.services.authority import Authority
from engine.store.connection import Pool, open_pool
from engine.store.unit import PostgresStore
from tests.conftest import Database
from tests.integration.oracle import PEOPLE, Act, Rules, Story, Version, possible
from tests.unit.governing import NOW, People, open_hall, person, step, version

DIRECTORY = People(*(person(name, *groups) for name, groups in PEOPLE.items()))
# Not of the directory, whatever they say they are: a guest, a stranger, a bot, our own services.
OTHERS = {
    "guest": person("guest", "sre"),
    "mallory": person("mallory", "sre", "shop-owners"),
    "bot": Actor(kind=ActorKind.SERVICE, id=PersonId("service:bot"), name="Bot", groups=("sre",)),
    "gate": Actor(kind=ActorKind.SERVICE, id=PersonId("service:gate"), name="Gate"),
    "worker": Actor(kind=ActorKind.SERVICE, id=PersonId("service:worker"), name="Worker"),
}
SRE, OWNERS, SECURITY = frozenset({"sre"}), frozenset({"shop-owners"}), frozenset({"security"})
RULES = (
    Rules(1, (SRE,), emoji=False),
    Rules(1, (SRE,), emoji=True),
    Rules(2, (SRE,), emoji=False),
    Rules(2, (SRE, OWNERS), emoji=True),
    Rules(2, (SRE, SECURITY), emoji=False),
    Rules(2, (SRE | OWNERS,), emoji=True),
    Rules(3, (SRE,), emoji=False),
    Rules(1, (SRE,), emoji=False, writes=False),
)
SAYS = ("approve",) * 8 + ("reject", "withdraw", "withdraw")
SHOWN_AT = "100.0"
KINDS = ("one",) * 9 + ("together", "together", "later version", "later", "slipped in")


@dataclass
class Stage:
    """One gate and its store for many plans."""

    gate: Approvals
    store: PostgresStore
    pool: Pool
    hours: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    async def open(self, first: Version) -> PlanVersion:
        """A plan of its own, whose card shows its first version."""
        conversation_id = new_id()
        made = written(first, PlanId(new_id()), conversation_id, 1)
        async with self.store.begin() as unit:
            await unit.conversations.add(
                Conversation(
                    id=made.conversation_id,
                    tenant=made.tenant,
                    place=Place(channel="C0INC", thread=conversation_id),
                    created_at=NOW,
                )
            )
            await unit.plans.add_version(made, VersionState.WAITING)
            await unit.posts.want(
                PostKind.PLAN, made.plan_id, Place(channel="C0INC", thread=conversation_id)
            )
        await self.show(made)
        return made

    async def show(self, made: PlanVersion) -> None:
        await self.pool.execute(
            "UPDATE posts SET shown_version = $2, shown_at = $3 WHERE subject = $1",
            made.plan_id,
            made.version,
            SHOWN_AT,
        )

    async def act(self, plan_id: PlanId, act: Act) -> None:
        actor = OTHERS.get(act.who) or DIRECTORY.people[PersonId(act.who)]
        claiming = actor.model_copy(update={"groups": ("sre", "shop-owners", "security")})
        try:
            await self.gate.decide(
                claiming,
                plan_id,
                act.version,
                Verdict(act.says),
                surface=Surface(act.surface),
                acted_at="101.0" if act.shown else "99.0",
            )
        except CarapulseError as error:
            self.seen[type(error).__name__] += 1


def written(version_: Version, plan_id: PlanId, conversation_id: str, number: int) -> PlanVersion:
    """The version as it is stored."""
    rules = version_.rules
    groups = tuple(tuple(sorted(names)) for names in rules.groups)
    made = version(
        plan_id=plan_id,
        reference=f"P-{plan_id}",
        conversation_id=conversation_id,
        version=number,
        editors=tuple(sorted(version_.editors)),
        requirements=Requirements(people=rules.people, groups=groups, emoji=rules.emoji),
        decide_before=NOW + timedelta(hours=rules.hours),
    )
    if rules.writes:
        return made
    look = step(effect=Effect.READ, undo=False).model_copy(update={"probe": None})
    return version(**{**dict(made), "steps": (look,)})


@pytest.fixture
async def stage(database: Database, tmp_path: Path) -> AsyncIterator[Stage]:
    pool = await open_pool(database.app_dsn, size=8, statement_timeout=9, connect_timeout=5)
    store = PostgresStore(pool, "default")
    hall = open_hall(tmp_path, emoji_max_risk="medium")
    gate = replace(
        hall.gate,
        store=store,
        directory=DIRECTORY,
        clock=lambda: NOW + timedelta(hours=stage_.hours),
    )
    stage_: Stage = Stage(gate, store, pool)
    try:
        yield stage_
    finally:
        await pool.close()


def any_act(dice: random.Random, number: int, hour: int) -> Act:
    """Mostly people of the directory, mostly about the newest version, by every way there is."""
    who = dice.choice([*PEOPLE, *PEOPLE, "ann", "bo", *OTHERS])
    surface = dice.choice(["button", "button", "emoji", "emoji", *(one.value for one in Surface)])
    about = number if dice.random() < 0.85 else max(1, number - 1)
    shown = dice.random() < 0.75
    return Act(who, dice.choice(SAYS), surface, about, hour, shown)


async def play(stage: Stage, seed: int) -> str:
    """One history; how it ended."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    editors = frozenset(dice.choice([(), (), ("ann",), ("bo",), ("ann", "dana")]))
    story = Story((Version(dice.choice(RULES), editors=editors),))
    stage.hours = 0
    made = await stage.open(story.versions[0])
    plan_id, history = made.plan_id, []
    for _ in range(dice.randint(2, 7)):
        number = len(story.versions)
        kind = dice.choice(KINDS)
        if kind == "later":
            stage.hours += dice.choice([1, 3])
        elif kind == "later version" and story.now(number).state == "waiting":
            made, story = await revised(stage, made, story, dice)
        elif kind == "slipped in" and await slipped_in(stage, plan_id, number):
            story = replace(story, forged=story.forged | {number})
        else:
            size = dice.randint(2, 3) if kind == "together" else 1
            acts = [any_act(dice, number, stage.hours) for _ in range(size)]
            history.append(acts)
            await asyncio.gather(*(stage.act(plan_id, act) for act in acts))
            story = await matching(stage, plan_id, possible(story, acts), (seed, history))
    await trusted(stage, plan_id, story, (seed, history))
    return story.versions[-1].state


async def revised(
    stage: Stage, before: PlanVersion, story: Story, dice: random.Random
) -> tuple[PlanVersion, Story]:
    """A correction makes the next version; whoever made it is an editor from then on."""
    old = story.versions[-1]
    editor = dice.choice(["ann", "bo", "eve"])
    new = Version(old.rules, editors=old.editors | {editor})
    made = written(new, before.plan_id, before.conversation_id, before.version + 1)
    async with stage.store.begin() as unit:
        await unit.plans.lock(before.plan_id)
        await unit.plans.add_version(made, VersionState.WAITING)
    await stage.pool.execute(
        "UPDATE version_states SET state = 'superseded' WHERE plan_id = $1 AND version = $2",
        before.plan_id,
        before.version,
    )
    await stage.show(made)
    ended = story.becomes(before.version, replace(old, state="superseded"))
    return made, replace(ended, versions=(*ended.versions, new))


async def slipped_in(stage: Stage, plan_id: PlanId, number: int) -> bool:
    """A genuine decision stored once more, which the application's role could do."""
    status = await stage.pool.execute(
        "INSERT INTO approvals (plan_id, version, person, verdict, nonce, body, at) "
        "SELECT plan_id, version, 'bo', verdict, gen_random_uuid()::text, body, at FROM approvals "
        "WHERE plan_id = $1 AND version = $2 ORDER BY id LIMIT 1",
        plan_id,
        number,
    )
    return bool(status.endswith(" 1"))


async def matching(stage: Stage, plan_id: PlanId, endings: list[Story], where: object) -> Story:
    """The ending that the records tell; none of them is a wrong accept or a wrong refusal."""
    rows = await stage.pool.fetch(
        "SELECT s.version, s.state, (SELECT count(DISTINCT body) FROM approvals a "
        "WHERE a.plan_id = s.plan_id AND a.version = s.version) AS recorded "
        "FROM version_states s WHERE s.plan_id = $1 ORDER BY s.version",
        plan_id,
    )
    found = [(row["state"], row["recorded"]) for row in rows]
    for ending in endings:
        if [(one.state, one.recorded) for one in ending.versions] == found:
            return ending
    expected = [[(one.state, one.recorded) for one in each.versions] for each in endings]
    raise AssertionError(f"the records say {found}, the design {expected}: {where}")


async def trusted(stage: Stage, plan_id: PlanId, story: Story, where: object) -> None:
    """A worker starts what the design says is approved, and nothing else."""
    authority = Authority(stage.gate.verifier)
    number = len(story.versions)
    current = story.versions[-1]
    async with stage.store.begin() as unit:
        stored = await unit.plans.version(plan_id, number)
        try:
            approvers = await authority.verify_to_start(unit, stored)
        except Tampered:
            assert current.state != "approved" or number in story.forged, where
            return
    assert current.state == "approved", where
    assert set(approvers) == set(current.votes), where


async def test_no_history_is_decided_otherwise_than_the_design_says(stage: Stage) -> None:
    ends = Counter([await play(stage, seed) for seed in range(150)])

    assert min(ends[end] for end in ("approved", "rejected", "withdrawn", "waiting")) >= 5
    assert {"NotAllowed", "Refused", "Conflict", "Tampered"} <= set(stage.seen)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_nor_is_any_of_a_thousand(stage: Stage) -> None:
    ends = Counter([await play(stage, seed) for seed in range(1000, 2000)])

    sys.stdout.write(f"{dict(ends)} {dict(stage.seen)}\n")
    assert ends["approved"] >= 100
