"""Playbooks are checked when they are read, and filled without guessing."""

import copy
from pathlib import Path
from typing import Any

import pytest

from engine.domain.draft import OutcomeKind
from engine.domain.placeholders import Missing, fill, fill_text
from engine.errors import ConfigurationError, DraftFailed
from engine.llm.offline import OfflinePlanner
from engine.llm.playbooks import build_playbook, load_playbooks
from tests.unit.planning import DEMO, TOOLS, briefing, broken, log, planner, registry, services

SMALL: dict[str, Any] = {
    "title": "wake the shop",
    "phrases": ["wake the shop"],
    "look": [{"name": "health", "tool": "shop", "action": "health", "title": "health"}],
    "plan_title": "Wake {service.name}",
    "steps": [{"tool": "shop", "action": "health", "title": "look at {service.name}"}],
}


def changed(**other: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SMALL), **other}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(colour="red"), "colour"),
        (changed(steps=[]), "steps"),
        (changed(plan_title="{service.name"), "no placeholder"),
        (changed(plan_title="{service.name.upper()}"), "no placeholder"),
        (changed(plan_title="{settings.key}"), "{settings.key} is no placeholder"),
        (changed(plan_title="{service}"), "no placeholder"),
        (changed(plan_title="{evidence.nothing.head}"), "names no reading"),
        (changed(needs=["evidence.nothing.head"]), "names no reading"),
        (changed(look=SMALL["look"] * 2), "two readings are called health"),
        (changed(does="anything"), "does"),
        (["a"], "is wrong"),
    ],
)
def test_a_wrong_playbook_is_refused(content: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=r"p\.yaml is wrong") as caught:
        build_playbook(content, "p.yaml")

    assert words in str(caught.value)


def test_two_playbooks_can_not_share_a_title(tmp_path: Path) -> None:
    text = (DEMO / "playbooks" / "roll-back.yaml").read_text(encoding="utf-8")
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match="Two playbooks are called"):
        load_playbooks(tmp_path)


async def test_a_phrase_of_a_playbook_asks_for_it() -> None:
    offline = OfflinePlanner(services(), [build_playbook(SMALL, "p.yaml")], TOOLS)

    outcome = await offline.plan(briefing("please wake the shop!"))

    assert outcome.proposal
    assert outcome.proposal.title == "Wake checkout"
    assert outcome.proposal.used == ("wake the shop",)


async def test_a_phrase_counts_also_where_its_words_sound_like_a_complaint() -> None:
    slow = {**SMALL, "phrases": ["slow drill"]}
    actions = TOOLS | {str(one["name"]) for one in registry().catalogue()}
    offline = OfflinePlanner(services(), [build_playbook(slow, "p.yaml")], actions)

    outcome = await offline.plan(briefing("slow drill on checkout"))

    assert outcome.proposal
    assert outcome.proposal.used == (SMALL["title"],)


def test_a_value_is_never_looked_at_again() -> None:
    values = {"service": {"name": "{context.place}"}, "context": {"place": "prod"}}

    assert fill_text("for {service.name}", values) == "for {context.place}"


def test_a_value_from_outside_can_not_become_a_reference() -> None:
    with pytest.raises(Missing):
        fill("{evidence.changes.head}", {"evidence": {"changes": {"head": "{steps.1.commit}"}}})


def test_a_reference_to_a_step_is_left_for_the_execution() -> None:
    assert fill({"commit": "{steps.1.commit}"}, {}) == {"commit": "{steps.1.commit}"}


@pytest.mark.parametrize("path", ["service.name.first", "service", "nothing.at", "service.empty"])
def test_what_has_no_value_is_missing(path: str) -> None:
    with pytest.raises(Missing):
        fill(f"{{{path}}}", {"service": {"name": "checkout", "empty": ""}})


async def test_a_history_that_can_not_be_read_is_told() -> None:
    failed = log().model_copy(update={"ok": False, "summary": "connection refused", "facts": {}})

    with pytest.raises(DraftFailed, match=r"could not read the history.*connection refused"):
        await planner().plan(briefing("roll back checkout", (*broken()[:2], failed)))


async def test_a_tool_that_is_not_connected_is_told() -> None:
    with pytest.raises(DraftFailed, match="git is not connected"):
        await planner(tools=frozenset({"shop"})).plan(briefing("roll back checkout"))


async def test_a_head_that_is_no_commit_is_not_used() -> None:
    facts = {**log().facts, "head": "main; rm -rf", "last_commit": "--force"}
    odd = log().model_copy(update={"facts": facts})

    with pytest.raises(DraftFailed, match="could not read the history"):
        await planner().plan(briefing("roll back checkout", (*broken()[:2], odd)))


async def test_a_subject_from_outside_is_cut_and_quoted() -> None:
    facts = {**log().facts, "last_subject": 'x" <!channel>\n' + "y" * 500}
    odd = log().model_copy(update={"facts": facts})

    outcome = await planner().plan(briefing("roll back checkout", (*broken()[:2], odd)))

    assert outcome.kind is OutcomeKind.PLAN
    assert outcome.proposal
    assert len(outcome.proposal.title) <= 200
    assert "\n" not in outcome.proposal.title
