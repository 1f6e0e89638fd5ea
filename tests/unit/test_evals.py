"""Scenarios: those that ship are kept, and what is broken is noticed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli.eval import as_json, as_table, chosen, saved, worlds
from engine.domain.draft import Outcome, OutcomeKind
from engine.domain.feedback import Rating, Thumb
from engine.domain.ids import PersonId, Tenant
from engine.errors import ConfigurationError
from engine.evals.exporting import scenario_of, written
from engine.evals.playing import Played
from engine.evals.scenario import Scenario, load_scenarios
from engine.evals.scoring import Score, score
from engine.evals.table import mean, played
from engine.resources import shipped
from engine.services.feedback import Rated
from tests.unit.models import world
from tests.unit.planning import briefing

HOME = shipped("evals")
SCENARIOS = {one.name: one for one in load_scenarios(HOME)}


async def outcome_of(text: str) -> Outcome:
    return await world()[2].plan(briefing(text))


async def scored(text: str, **expected: Any) -> Score:
    """What the offline planner makes of a request, against this expectation."""
    scenario = Scenario.model_validate({"title": "t", "request": {"text": text}, **expected})
    return score(Played(scenario, await outcome_of(text), briefing(text).evidence, 0.1))


async def test_every_scenario_is_kept_whole() -> None:
    scores = await played(list(SCENARIOS.values()), worlds(HOME), chosen(live=False))

    assert {one.played.scenario.name: one.broken for one in scores if one.broken} == {}
    assert all(one.points for one in scores)


def test_there_are_enough_scenarios_and_each_expects_something() -> None:
    assert len(SCENARIOS) >= 25
    assert all(one.must.kind for one in SCENARIOS.values())


@pytest.mark.parametrize(
    ("must", "missing"),
    [
        ({"kind": ["answer"]}, "is answer"),
        ({"steps": [{"action": "git.restore"}]}, "has a step git.restore"),
        ({"steps": [{"action": "git.revert_commit", "input": {"commit": "x"}}]}, "has a step"),
        (
            {"steps": [{"action": "prometheus.query"}, {"action": "git.revert_commit"}]},
            "has a step git.revert_commit",
        ),
        ({"looks": ["vault.kv_metadata"]}, "looks at vault.kv_metadata"),
        ({"says": ["lunch"]}, "says 'lunch'"),
        ({"rules_out": ["payments"]}, "rules out 'payments'"),
        ({"service": "payments"}, "is about payments"),
    ],
)
async def test_what_is_missing_is_named(must: dict[str, Any], missing: str) -> None:
    found = await scored("roll back checkout", must=must)

    assert len(found.broken) == 1
    assert found.broken[0].startswith(missing)
    assert found.value < 1


@pytest.mark.parametrize("never", [{"kind": ["plan"]}, {"steps": ["git.*"]}, {"looks": ["shop.*"]}])
async def test_what_must_not_be_leaves_nothing(never: dict[str, Any]) -> None:
    found = await scored("roll back checkout", must={"kind": ["plan"]}, must_not=never)

    assert found.fatal
    assert found.value == 0


def test_a_cause_is_ruled_out_only_where_a_sentence_excludes_it() -> None:
    def of(text: str) -> list[str]:
        scenario = Scenario.model_validate(
            {"title": "t", "request": {"text": "why?"}, "must": {"rules_out": ["payments"]}}
        )
        outcome = Outcome(kind=OutcomeKind.ANSWER, text=text)
        return score(Played(scenario, outcome, (), 0)).broken

    assert of("It is payments. Nothing else is.") == ["rules out 'payments'"]
    assert of("Latency of payments is normal.") == []


async def test_the_table_tells_what_is_missing_and_how_good_it_is() -> None:
    scores = [
        await scored("roll back checkout", must={"kind": ["plan"]}),
        await scored("roll back checkout", must={"kind": ["answer"], "service": "checkout"}),
    ]

    told = as_table(scores, good=False)

    assert "missing: is answer" in told
    assert told.endswith("1 of 2 whole, mean 75.0%: not good enough")
    assert '"score": 0.5' in as_json(scores, good=False)
    assert mean([]) == 0


def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("title: x\nrequest: {text: y}\nmust: {kind: [shell]}\n")

    with pytest.raises(ConfigurationError, match=r"bad\.yaml is wrong: must\.kind"):
        load_scenarios(tmp_path)


def test_a_folder_without_scenarios_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no scenarios"):
        load_scenarios(tmp_path)


async def test_a_thumbs_down_becomes_a_scenario_without_names_and_secrets(
    tmp_path: Path,
) -> None:
    given = briefing("roll back checkout, the password is hunter2")
    rating = Rating(
        id="r1",
        tenant=Tenant("default"),
        subject="answer:d1",
        person=PersonId("dana"),
        person_name="Dana",
        verdict=Thumb.DOWN,
        words="too eager",
        at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    rated = Rated(
        rating=rating,
        draft=given.draft,
        evidence=given.evidence,
        outcome=await outcome_of("roll back checkout"),
    )

    scenario = scenario_of(rated, lambda text: text.replace("hunter2", "[redacted]"))
    assert scenario
    assert saved(tmp_path, {scenario.name: written(scenario)}) == 1
    assert saved(tmp_path, {scenario.name: "other"}) == 0
    (again,) = load_scenarios(tmp_path)

    assert again.must_not.steps == ("git.revert_commit",)
    assert [one.action for one in again.tools][:1] == ["shop.health"]
    assert again.note == "too eager"
    assert "Dana" not in yaml.safe_load(written(scenario))["request"].values()
    assert "hunter2" not in written(scenario)


async def test_an_exported_scenario_fails_while_the_same_plan_comes(tmp_path: Path) -> None:
    disliked = SCENARIOS["offline-roll-back"].model_copy(
        update={
            "must_not": SCENARIOS["offline-roll-back"].must_not.model_copy(
                update={"steps": ("git.revert_commit",)}
            )
        }
    )

    (found,) = await played([disliked], worlds(HOME), chosen(live=False))

    assert found.broken == ["has no step git.revert_commit"]
