"""A plan and its issue: the real store, gate and policy, against Linear as it is played here."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import aiohttp
import asyncpg
import pytest

from engine.domain.breaker import Breaker
from engine.domain.conversation import Place
from engine.domain.execution import ExecutionState
from engine.domain.ids import PersonId
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.errors import Unavailable
from engine.outside.asking import Asking
from engine.outside.linear import Linear, Names
from engine.services.issue_moves import IssueMoves
from engine.services.issue_words import IssueWords
from engine.services.issues import Issues
from engine.store.surface import PostgresSurface
from engine.tools.redaction import Redactor
from tests.conftest import Database
from tests.contract.played_linear import (
    ANN_THERE,
    BO_THERE,
    KEY,
    STRANGER_THERE,
    PlayedLinear,
    open_linear,
)
from tests.integration.room import Room, note, open_room, proposed, write
from tests.integration.script import TENANT
from tests.unit.governing import ANN, BO, DANA, People

DANA_THERE = "44444444-4444-4444-8444-444444444444"
BOUND = {ANN_THERE: ANN.id, BO_THERE: BO.id, DANA_THERE: DANA.id}


class Bound:
    """What a directory file says of accounts in Linear."""

    def linear(self, user: str) -> PersonId | None:
        return BOUND.get(user)


@dataclass
class Bench:
    """A room whose plans have issues."""

    room: Room
    linear: PlayedLinear
    tracker: Linear
    issues: Issues
    moves: IssueMoves
    owner: str
    counted: list[str] = field(default_factory=list)

    async def planned(self) -> PlanVersion:
        """A version that waits, whose card is shown and whose issue is open."""
        version = await self.room.planned(write())
        await self.room.pool.execute("UPDATE posts SET ts = '1700000000.000200' WHERE card")
        await self.told()
        return version

    async def told(self) -> None:
        """Everything that is to be said in Linear is."""
        await self.issues.note()
        await self.issues.send()

    async def moved(self, to: str, by: str | None, *, bot: str = "") -> str:
        """Somebody moves the issue, and we look."""
        self.linear.moves(to, by, bot=bot)
        return await self.look()

    async def look(self) -> str:
        said = await self.moves.look(self.linear.only().id)
        await self.told()
        return said

    async def state(self, version: PlanVersion) -> VersionState:
        ref = VersionRef(plan_id=version.plan_id, version=version.version)
        return await self.room.state(ref)

    async def revised(self, version: PlanVersion) -> PlanVersion:
        """Another version of the same plan."""
        draft = await self.room.draft(await self.room.say("make it 6"))
        base = {"plan_id": version.plan_id, "based_on": version.version}
        changed = draft.model_copy(update=base)
        made = await self.room.plans.propose(changed, proposed(write("6")), [])
        assert made is not None
        return made


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        open_room(database, tmp_path) as room,
        open_linear() as linear,
        aiohttp.ClientSession() as session,
    ):
        counted: list[str] = []
        asking = Asking(
            "linear", session, Breaker(5, 30, monotonic), 2, lambda _, how: counted.append(how)
        )
        tracker = Linear(asking, linear.url, KEY, Names("OPS", "Todo", "Done", "Cancelled"))
        people = People()
        words = IssueWords(people, Redactor().text, "Done", "Cancelled", ("carapulse",))
        moves = IssueMoves(room.store, tracker, room.gate, people, Bound(), words, lambda: room.now)
        issues = Issues(
            store=room.store,
            tracker=tracker,
            words=words,
            leases=PostgresSurface(room.pool, TENANT),
            holder="bot-1",
            clock=lambda: room.now,
            link=lambda post: f"https://acme.slack.com/archives/{post.place.channel}/p{post.ts}",
            look=moves.look,
            poll=30,
        )
        yield Bench(room, linear, tracker, issues, moves, database.owner_dsn, counted)


async def test_a_waiting_plan_has_one_issue_with_its_exact_steps_and_labels(bench: Bench) -> None:
    version = await bench.planned()
    await bench.told()

    issue = bench.linear.only()
    labels = {name for name, key in bench.linear.labels.items() if key in issue.labels}
    assert issue.title.startswith(f"{version.reference}: ")
    assert "settings.yaml" in issue.description
    assert "https://acme.slack.com/archives/" in issue.description
    assert "Bo" in issue.description
    assert labels == {"Carapulse", f"risk: {version.risk.name.lower()}", "env: prod"}
    assert bench.linear.state() == "Todo"


async def test_moving_it_to_done_approves_as_the_person_who_moved_it(bench: Bench) -> None:
    version = await bench.planned()

    await bench.moved("Done", BO_THERE)

    assert await bench.state(version) is VersionState.APPROVED
    row = await bench.room.pool.fetchrow(
        "SELECT actor, body FROM audit WHERE action = 'plan.approve' AND decision = 'allow'"
    )
    assert row is not None
    assert row["actor"] == "bo"
    assert '"surface":"linear"' in row["body"].replace(" ", "")
    assert any("Bo approved version 1 here" in said for said in bench.linear.comments())
    assert bench.linear.state() == "Done"


async def test_moving_it_to_cancelled_rejects(bench: Bench) -> None:
    version = await bench.planned()

    await bench.moved("Canceled", BO_THERE)

    assert await bench.state(version) is VersionState.REJECTED
    assert bench.linear.state() == "Canceled"


@pytest.mark.parametrize(
    ("by", "bot", "words"),
    [
        (STRANGER_THERE, "", "which person of our directory you are"),
        (None, "GitHub", "Only people decide"),
        (BO_THERE, "Zapier", "Only people decide"),
        (None, "", "Only people decide"),
        (DANA_THERE, "", "Dana"),
    ],
    ids=["unmapped", "integration", "bot-in-a-name", "automation", "own-request"],
)
async def test_nobody_else_approves_and_the_issue_goes_back(
    bench: Bench, by: str | None, bot: str, words: str
) -> None:
    version = await bench.planned()

    await bench.moved("Done", by, bot=bot)

    assert await bench.state(version) is VersionState.WAITING
    assert bench.linear.state() == "Todo"
    assert "*bold*" not in bench.linear.comments()[-1].replace("\\*", "")
    denied = await bench.room.pool.fetchval(
        "SELECT count(*) FROM audit WHERE action = 'plan.approve' AND decision = 'deny'"
    )
    assert denied == 1
    if by != DANA_THERE:
        assert words in bench.linear.comments()[-1]


async def test_high_risk_is_not_approved_there_and_the_issue_says_where_it_is(
    bench: Bench,
) -> None:
    version = await bench.room.planned(note())
    await bench.room.pool.execute("UPDATE posts SET ts = '1700000000.000200' WHERE card")
    await bench.told()

    await bench.moved("Done", BO_THERE)

    assert version.requirements.break_glass
    assert await bench.state(version) is VersionState.WAITING
    assert "can't be approved here" in bench.linear.only().description
    assert "It can't be approved here" in bench.linear.comments()[-1]
    assert bench.linear.state() == "Todo"


async def test_an_altered_plan_holds_up_no_other_issue(bench: Bench) -> None:
    version = await bench.planned()
    await bench.room.pool.execute("UPDATE posts SET wanted = wanted + 1 WHERE card")
    owner = await asyncpg.connect(bench.owner)
    await owner.execute("UPDATE plan_versions SET body = '{}' WHERE plan_id = $1", version.plan_id)
    await owner.close()
    elsewhere = Place(channel="C0INC", thread="1700000000.000900")
    await bench.room.planned(write(), place=elsewhere)
    await bench.room.pool.execute("UPDATE posts SET ts = '1700000000.000300' WHERE card")

    await bench.told()

    assert len(bench.linear.issues) == 2


async def test_a_move_is_answered_once_however_often_it_is_looked_at(bench: Bench) -> None:
    await bench.planned()
    await bench.moved("Done", STRANGER_THERE)
    said = bench.linear.comments()

    again = await bench.look()

    assert again == "0 moves"
    assert bench.linear.comments() == said


async def test_a_correction_is_the_same_issue_and_takes_it_back_to_waiting(bench: Bench) -> None:
    first = await bench.planned()
    await bench.moved("Done", STRANGER_THERE)

    second = await bench.revised(first)
    await bench.told()

    assert second.version == 2
    assert "version 2" in bench.linear.only().description
    assert any("now shows version 2" in said for said in bench.linear.comments())
    assert bench.linear.state() == "Todo"


async def test_a_move_from_before_the_version_was_shown_does_not_count(bench: Bench) -> None:
    first = await bench.planned()
    second = await bench.revised(first)
    bench.linear.moves("Done", BO_THERE)
    await bench.told()

    await bench.look()

    assert await bench.state(second) is VersionState.WAITING
    assert bench.linear.state() == "Todo"
    assert any("v2" in said or "version 2" in said for said in bench.linear.comments()[-2:])


async def test_what_is_decided_in_slack_closes_the_issue_and_is_told_there(bench: Bench) -> None:
    version = await bench.planned()

    await bench.room.approve(version, BO)
    await bench.told()

    assert bench.linear.state() == "Done"
    assert any("Bo approved version 1 in Slack" in said for said in bench.linear.comments())
    assert await bench.look() == "0 moves"


async def test_the_issue_tells_how_the_execution_ended(bench: Bench) -> None:
    version = await bench.planned()
    await bench.room.approve(version, BO)
    ref = VersionRef(plan_id=version.plan_id, version=1)

    await bench.room.work(ref)
    await bench.told()

    execution = await bench.room.execution(ref)
    assert execution.state is ExecutionState.SUCCEEDED
    assert f"It succeeded ({execution.reference})." in bench.linear.comments()
    assert await bench.room.pool.fetchval("SELECT closed FROM issues")


async def test_while_linear_is_away_others_decide_and_it_hears_of_all_later_in_order(
    bench: Bench,
) -> None:
    version = await bench.room.planned(write())
    await bench.room.pool.execute("UPDATE posts SET ts = '1700000000.000200' WHERE card")
    bench.linear.faults += ["502", "502", "502"]
    for _ in range(3):
        with pytest.raises(Unavailable):
            await bench.told()

    decided = await bench.room.approve(version, BO)
    await bench.told()

    assert decided.complete
    assert [bench.linear.state(), len(bench.linear.issues)] == ["Done", 1]
    assert [said.split(" ")[0] for said in bench.linear.comments()] == ["Bo", "Version"]


async def test_an_answer_that_was_lost_makes_no_second_issue_and_no_second_comment(
    bench: Bench,
) -> None:
    version = await bench.room.planned(write())
    await bench.room.pool.execute("UPDATE posts SET ts = '1700000000.000200' WHERE card")
    bench.linear.labels |= {f"risk: {version.risk.name.lower()}": "l-8", "env: prod": "l-9"}
    bench.linear.faults += ["", "lost"]
    with pytest.raises(Unavailable):
        await bench.told()
    await bench.told()
    await bench.room.approve(version, BO)
    bench.linear.faults += ["lost"]
    with pytest.raises(Unavailable):
        await bench.told()

    await bench.told()

    said = [each for each in bench.linear.comments() if "Bo approved" in each]
    assert len(bench.linear.issues) == 1
    assert len(said) == 1


async def test_where_no_webhook_comes_a_move_is_found_by_asking(bench: Bench) -> None:
    version = await bench.planned()
    await bench.issues.ask()
    bench.linear.moves("Done", BO_THERE)
    bench.room.later(31)

    await bench.issues.ask()

    assert await bench.state(version) is VersionState.APPROVED


async def test_one_process_at_a_time_speaks_in_linear(bench: Bench) -> None:
    await bench.room.planned(write())
    await bench.room.pool.execute("UPDATE posts SET ts = '1700000000.000200' WHERE card")
    assert await bench.issues.leases.lease("linear", "bot-2", 60) is not None

    await bench.issues.once()

    assert not bench.linear.issues
