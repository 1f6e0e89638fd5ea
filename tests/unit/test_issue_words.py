"""What an issue says: exact steps, inert words of others, masked secrets."""

from collections.abc import Callable

import pytest

from engine.domain.execution import Execution, ExecutionState
from engine.domain.ids import ExecutionId, PlanId, Tenant
from engine.domain.plan import Requirements
from engine.services.issue_words import IssueWords, fenced, plain
from engine.tools.redaction import Redactor
from tests.unit.governing import People, call, version

SECRET = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"


@pytest.fixture
def words() -> IssueWords:
    masked: Callable[[str], str] = Redactor().text
    return IssueWords(People(), masked, "Done", "Cancelled", ("carapulse",))


async def test_it_names_who_may_approve_but_not_who_asked(words: IssueWords) -> None:
    made = version(requirements=Requirements(groups=(("sre", "shop"),)))

    filing = await words.filing(made, "https://acme.slack.com/archives/C1/p1")

    assert "**May approve:** Ann, Bo;" in filing.description
    assert "Dana." in filing.description
    assert "(https://acme.slack.com/archives/C1/p1)" in filing.description


async def test_a_secret_in_somebodys_words_does_not_leave(words: IssueWords) -> None:
    made = version(intent=f"use {SECRET} to push", title=f"push with {SECRET}")

    filing = await words.filing(made, "")

    assert SECRET not in filing.model_dump_json()
    assert SECRET.replace("_", "\\_") not in filing.description


async def test_words_of_others_format_nothing(words: IssueWords) -> None:
    made = version(intent="![x](https://evil.example/p.png)\n# Approved by all @ann")

    filing = await words.filing(made, "")

    assert "![x]" not in filing.description
    assert "\n# Approved" not in filing.description


def test_nothing_in_a_step_ends_its_fence() -> None:
    text = fenced(call(value="```\n**Approved**").model_copy(update={"stdin": "```\n# x"}))

    assert text.count("```") == 2


@pytest.mark.parametrize("given", ["`a`", "*b*", "[c](d)", "<e>", "@f", "line\n# two"])
def test_plain_is_one_line_that_markdown_leaves_alone(given: str) -> None:
    said = plain(given)

    assert "\n" not in said
    assert all(f"\\{char}" in said for char in "`*[]<>@#" if char in given)


def test_an_execution_that_needs_somebody_says_why(words: IssueWords) -> None:
    execution = Execution(
        id=ExecutionId("01998f00-0000-7000-8000-000000000009"),
        reference="X-7",
        tenant=Tenant("default"),
        plan_id=PlanId("01998f00-0000-7000-8000-000000000001"),
        version=1,
        state=ExecutionState.ROLLBACK_FAILED,
        reason="the head moved",
    )

    said = words.ran(execution)

    assert said == "Undoing it failed; somebody has to look (X-7). the head moved"
