"""The table of utterances: what is understood, where, and with which tool; nothing is looked at."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli.draft import Drafter
from engine.context.services import ServiceFile
from engine.domain.context import ContextRef

HERE = Path(__file__).parent
TABLE: list[dict[str, Any]] = yaml.safe_load((HERE / "utterances.yaml").read_text())
REFUSED_OR_ASKED = [row for row in TABLE if row["kind"] in ("ask", "refuse")]


@pytest.fixture(scope="module", name="drafter")
def load_drafter() -> Drafter:
    return Drafter(ServiceFile.load(HERE / "utterances_services.yaml"))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["say"])
def test_an_utterance_is_understood(row: dict[str, Any], drafter: Drafter) -> None:
    answer = drafter.draft(row["say"], ContextRef())

    assert answer["kind"] == row["kind"], answer
    context = answer["context"]
    place = (
        f"{context['environment']}/{context['cluster']}"
        if "/" in row.get("place", "")
        else context["environment"]
    )
    assert (place, context["service"]) == (row.get("place", ""), row.get("service", "")), answer
    assert row.get("says", "") in answer["reason"]
    assert answer["choices"] == row["choices"] if "choices" in row else len(answer["choices"]) <= 4
    for wanted in row.get("steps", []):
        assert any(_is(step, wanted) for step in answer["steps"]), answer


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row["kind"] == "plan"], ids=lambda row: row["say"]
)
def test_a_plan_writes_nothing_more_and_looks_at_its_end(
    row: dict[str, Any], drafter: Drafter
) -> None:
    steps = drafter.draft(row["say"], ContextRef())["steps"]

    for step in steps:
        if step["effect"] != "read":
            assert any(_is(step, wanted) for wanted in row["steps"]), step
    assert steps[-1].get("expectation") or steps[-1]["action"] == "rollout_pause"


def test_the_table_is_long_enough_and_a_third_of_it_asks_or_refuses() -> None:
    assert len(TABLE) >= 150
    assert len(REFUSED_OR_ASKED) * 3 >= len(TABLE)


def _is(step: dict[str, Any], wanted: dict[str, Any]) -> bool:
    given = {name: str(value) for name, value in step["input"].items()}
    return f"{step['tool']}.{step['action']}" == wanted["tool"] and all(
        given.get(name) == str(value) for name, value in wanted.items() if name != "tool"
    )
