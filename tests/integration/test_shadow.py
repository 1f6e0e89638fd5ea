"""A candidate of the policy beside the live one: listed where it differs, and never in the way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli.policy_shadow import told
from engine.domain.policy import Answer, Question, Ruling
from engine.errors import Unavailable
from engine.policy.rego import RegoPolicy
from engine.policy.shadow import MOST, Candidate, Shadow, ShadowedPolicy, candidate
from engine.store.connection import Pool, open_pool
from engine.store.shadows import DIFFERENCES, PostgresShadows
from engine.telemetry.metrics import Metrics
from engine.tools.redaction import Redactor
from tests.acceptance.waiting import until
from tests.conftest import Database
from tests.contract.test_policy import decide
from tests.unit.governing import ANN, BO, CY, DANA, NOW, POLICIES

SECRET = "AKIA" + "IOSFODNN7EXAMPLE"  # in two parts, for this file holds no secret
STRICTER = """
package policy.assistant.v1

import rego.v1

refusals contains concat("", ["Ask with SECRET about ", input.actor.id]) if {
	input.action == "plan.approve"
	"sre" in input.actor.groups
}
""".replace("SECRET", SECRET)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.app_dsn, size=4, statement_timeout=5, connect_timeout=5)
    yield opened
    await asyncio.wait_for(opened.close(), 5)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "candidate"
    folder.mkdir()
    (folder / "stricter.rego").write_text(STRICTER)
    return folder


def shadow(pool: Pool, tried: Candidate, metrics: Metrics | None = None) -> Shadow:
    kept = PostgresShadows(pool, "default")
    return Shadow(tried, kept, metrics or Metrics(), lambda: NOW, Redactor().text)


def asked(metrics: Metrics, outcome: str) -> float:
    labels = {"outcome": outcome}
    return metrics.registry.get_sample_value("carapulse_policy_shadow_total", labels) or 0


async def drained(running: Shadow, within: float = 10) -> None:
    async def idle() -> bool:
        return running.idle

    await until(idle, within=within, what="the candidate to be asked")


async def test_only_differences_are_listed_and_all_is_counted(pool: Pool, rules: Path) -> None:
    metrics, live = Metrics(), RegoPolicy([POLICIES])
    beside = shadow(pool, candidate([POLICIES, rules]), metrics)
    policy = ShadowedPolicy(live, beside)
    task = asyncio.create_task(beside.run())

    answers = [await policy.ask(decide(who)) for who in (ANN, ANN, BO, CY, DANA)]
    await drained(beside)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await beside.write()

    assert [one.decision for one in answers[:3]] == [Answer.ALLOW] * 3
    (found,) = await PostgresShadows(pool, "default").report()
    assert (found.tally.asked, found.tally.different, found.tally.dropped) == (5, 3, 0)
    assert sum(one.count for one in found.differences) == 3
    assert {one.live.decision for one in found.differences} == {Answer.ALLOW}
    assert {one.shadow.decision for one in found.differences} == {Answer.DENY}
    assert (asked(metrics, "different"), asked(metrics, "same")) == (3, 2)
    lines = "\n".join(told(found))
    assert "5 questions since 2026-11-22 14:09, 3 answered differently" in lines
    assert "plan.approve by person (sre) on checkout in prod" in lines


async def test_what_is_kept_holds_no_secret_and_no_name(pool: Pool, rules: Path) -> None:
    beside = shadow(pool, candidate([POLICIES, rules]))
    question = decide(DANA.model_copy(update={"groups": ("sre",), "name": "Dana Secret"}))

    await beside.look(question, await RegoPolicy([POLICIES]).ask(question))
    await beside.write()

    rows = await pool.fetch(
        "SELECT question::text, live::text, shadow::text FROM shadow_differences"
    )
    text = "".join("".join(row.values()) for row in rows)
    assert rows
    assert SECRET not in text
    assert "Dana" not in text
    assert '"own": true' in text


async def test_rules_that_cannot_be_loaded_say_so_and_the_live_ones_decide(
    pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "broken.rego").write_text("package policy.assistant.v1\n\ngranted if {\n")
    beside = shadow(pool, candidate([POLICIES, tmp_path]))
    policy = ShadowedPolicy(RegoPolicy([POLICIES]), beside)

    answer = await policy.ask(decide(ANN))
    await beside.write()

    assert answer.decision is Answer.ALLOW
    (found,) = await PostgresShadows(pool, "default").report()
    assert "broken.rego can't be read" in found.tally.problem
    assert found.tally.asked == 0
    assert any("not used: " in line for line in told(found))


async def test_a_candidate_that_would_allow_ones_own_change_is_not_used(
    pool: Pool, tmp_path: Path
) -> None:
    wide = 'package policy.assistant.v1\n\nimport rego.v1\n\nresult := {"decision": "allow"}\n'
    (tmp_path / "wide.rego").write_text(wide)

    tried = candidate([tmp_path])

    assert tried.policy is None
    assert "known question" in tried.problem


@pytest.mark.parametrize("folder", ["missing", "forbidden"])
def test_a_folder_that_cannot_be_read_is_a_problem_and_no_error(
    tmp_path: Path, folder: str
) -> None:
    if folder == "forbidden":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.rego").write_text("package a\n\nx := opa.runtime()\n")

    tried = candidate([POLICIES, tmp_path / folder])

    assert tried.policy is None
    assert tried.problem


async def test_a_full_queue_drops_and_counts(pool: Pool) -> None:
    metrics, live = Metrics(), RegoPolicy([POLICIES])
    beside = shadow(pool, Candidate("one", live), metrics)
    ruling = await live.ask(decide(ANN))

    for _ in range(MOST + 7):
        beside.offer(decide(ANN), ruling)

    assert asked(metrics, "dropped") == 7


class Away:
    """A server that does not answer."""

    async def ask(self, question: Question) -> Ruling:
        raise Unavailable("policy", "The server is away.")


async def test_a_candidate_that_does_not_answer_is_counted_and_said(pool: Pool) -> None:
    beside = shadow(pool, Candidate("http://opa.example:8181", Away()))
    ruling = await RegoPolicy([POLICIES]).ask(decide(ANN))

    await beside.look(decide(ANN), ruling)
    await beside.write()

    (found,) = await PostgresShadows(pool, "default").report()
    assert (found.tally.failed, found.tally.problem) == (1, "The server is away.")


async def test_a_candidate_that_is_slow_is_left_alone(
    pool: Pool, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.policy.shadow.SLOWEST", 0.0)
    beside = shadow(pool, candidate([POLICIES, rules]))
    ruling = await RegoPolicy([POLICIES]).ask(decide(ANN))

    await beside.look(decide(ANN), ruling)
    await beside.look(decide(ANN), ruling)
    await beside.write()

    (found,) = await PostgresShadows(pool, "default").report()
    assert found.tally.asked == 1
    assert "is not asked any more" in found.tally.problem


async def test_what_is_kept_is_bounded_and_every_difference_is_counted(
    pool: Pool, rules: Path
) -> None:
    beside = shadow(pool, candidate([POLICIES, rules]))
    live = RegoPolicy([POLICIES])
    for number in range(DIFFERENCES + 40):
        who = ANN.model_copy(update={"groups": ("sre", f"team-{number}")})
        await beside.look(decide(who), await live.ask(decide(who)))
        if number % 50 == 49:
            await beside.write()
    await beside.write()

    (found,) = await PostgresShadows(pool, "default").report(limit=1000)
    assert len(found.differences) == DIFFERENCES
    assert found.tally.different == DIFFERENCES + 40
    assert len((await PostgresShadows(pool, "default").report(limit=3))[0].differences) == 3
    assert await PostgresShadows(pool, "other").report() == []
