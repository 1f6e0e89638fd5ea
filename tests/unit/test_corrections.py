"""What is said about a plan: which words change it, which ask, and which do nothing."""

from typing import Any

import pytest

from engine.domain.call import Comparison, Effect, Expectation
from engine.domain.plan import Step, StepKind
from engine.llm.correction_forms import About
from engine.llm.corrections import understood
from tests.unit.cards import VERIFY, WAIT, WRITE, call, version

PLACES = {"prod": "prod", "production": "prod", "staging": "staging"}
SET = WRITE.model_copy(
    update={"call": call(Effect.WRITE, "git", "push", input={"key": "pool_size", "value": "20"})}
)
SCALE = Step(
    number=1,
    kind=StepKind.ACT,
    title="Scale checkout to 3",
    call=call(
        Effect.WRITE,
        "kubectl",
        "scale",
        tool="kubectl",
        action="scale",
        input={"kind": "deployment", "name": "checkout", "replicas": 3},
    ),
)
READY = Step(
    number=2,
    kind=StepKind.VERIFY,
    title="Wait for 3 replicas",
    call=call(Effect.READ, "kubectl", "get", tool="kubectl", action="get", input={"name": "x"}),
    expect=Expectation(output="ready_replicas", comparison=Comparison.EQUALS, value="3"),
)


def said(text: str, *steps: Step) -> Any:
    return understood(text, version(steps=steps or (SET, WAIT, VERIFY)), PLACES)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("use 30 instead", {1: {"value": "30"}}),
        ("make it 30", {1: {"value": "30"}}),
        ("please use 30 then.", {1: {"value": "30"}}),
        ("pool_size 30", {1: {"value": "30"}}),
        ("set pool_size to 30 please", {1: {"value": "30"}}),
        ("set the pool size to 30", {1: {"value": "30"}}),
        ("step 1 value 30", {1: {"value": "30"}}),
        ("in step 1 use 30", {1: {"value": "30"}}),
        ("hold the check for 2 minutes",
         {3: {"expect.hold_seconds": 120, "expect.within_seconds": 300}}),
    ],
)  # fmt: skip
def test_a_value_is_changed_where_it_is(text: str, given: dict[int, dict[str, Any]]) -> None:
    found = said(text)

    assert found is not None
    assert found.given == given


@pytest.mark.parametrize(
    "text",
    ["use 5 replicas", "5 replicas", "make it 5 replicas instead", "scale to 5", "replicas: 5",
     "can you use 5 replicas?"],
)  # fmt: skip
def test_replicas_change_with_the_check_that_counts_them(text: str) -> None:
    found = said(text, SCALE, READY)

    assert found is not None
    assert found.given == {1: {"replicas": "5"}, 2: {"expect.value": "5"}}


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("drop step 2", (2,)),
        ("please remove steps 2 and 3", (2, 3)),
        ("skip step 2 please", (2,)),
        ("drop the last step", (3,)),
        ("drop step 2 and remove step 3", (2, 3)),
    ],
)
def test_steps_are_taken_out(text: str, gone: tuple[int, ...]) -> None:
    found = said(text)

    assert found is not None
    assert found.gone == gone


def test_several_corrections_in_one_message_are_one_change() -> None:
    found = said("use 30 and drop step 2, then add a check")

    assert found is not None
    assert (found.given, found.gone, found.check) == ({1: {"value": "30"}}, (2,), True)


def test_a_wait_before_a_step_is_that_of_the_check_before_it() -> None:
    steps = (SET, VERIFY.model_copy(update={"number": 2}), WAIT.model_copy(update={"number": 3}))
    found = said("wait 2 minutes before step 3", *steps)

    assert found is not None
    assert found.given[2]["expect.hold_seconds"] == 120


def test_a_value_that_fits_two_steps_is_asked_about() -> None:
    found = said("use 5 replicas", SCALE, SCALE.model_copy(update={"number": 2}))

    assert found is not None
    assert found.unclear == ("step 1 replicas 5", "step 2 replicas 5")


@pytest.mark.parametrize(
    ("text", "away", "place"),
    [("not in prod", "prod", ""), ("not in production please", "prod", ""),
     ("in staging instead", "", "staging"), ("only in staging", "", "staging")],
)  # fmt: skip
def test_another_place_is_understood(text: str, away: str, place: str) -> None:
    found = said(text)

    assert found is not None
    assert (found.away, found.place) == (away, place)


@pytest.mark.parametrize(
    ("text", "about", "step"),
    [
        ("why step 2?", About.WHY, 2),
        ("why do we need step 2?", About.WHY, 2),
        ("what does step 1 do exactly?", About.DOES, 1),
        ("explain step 3", About.DOES, 3),
        ("what if it fails?", About.FAILS, None),
        ("and what happens if step 2 fails?", About.FAILS, 2),
        ("can it be undone?", About.FAILS, None),
        ("who can approve?", About.WHO, None),
        ("who has to approve this?", About.WHO, None),
        ("how risky is it?", About.RISK, None),
        ("dry run first", About.DRY_RUN, None),
        ("can you do a dry run first?", About.DRY_RUN, None),
        ("show me the diff", About.DRY_RUN, None),
        ("what exactly would it change?", About.DRY_RUN, None),
        ("what changed since v1?", About.CHANGED, None),
    ],
)
def test_questions_about_the_plan_make_no_version(
    text: str, about: About, step: int | None
) -> None:
    found = said(text)

    assert found is not None
    assert (found.about, found.step) == (about, step)
    assert (found.given, found.gone, found.check) == ({}, (), False)


@pytest.mark.parametrize(
    "text",
    [
        "thanks",
        "lunch in 5 minutes?",
        "Bo, can you drop step 2 in your runbook?",
        "@bo drop step 2",
        "don't drop step 2",
        "should we drop step 2?",
        "I would not drop step 2",
        "the last time we used 5 replicas it was fine",
        "I saw 20 errors",
        "step 2 looks good",
        "30 people are affected",
        "why is checkout slow?",
        "what changed in checkout?",
        "prod is down again",
        "not again",
        "nothing in the logs",
        "we have 3 replicas",
        "is staging ok?",
        "ok",
        "+1",
    ],
)
def test_chatter_about_a_plan_is_left_alone(text: str) -> None:
    assert said(text) is None
    assert said(text, SCALE, READY) is None


@pytest.mark.parametrize(
    "text",
    ["make the limit 2 %", "use error rate limit 2 % instead", "set the threshold to 2%",
     "limit of step 3 to 2 percent", "lower the limit to 2"],
)  # fmt: skip
def test_the_limit_of_a_check_is_changed_by_words(text: str) -> None:
    found = said(text)

    assert found.given == {3: {"expect.value": "2"}}


def test_a_limit_in_per_cent_is_a_fraction_where_the_check_compares_one() -> None:
    assert VERIFY.expect
    expect = VERIFY.expect.model_copy(update={"unit": "ratio", "value": "0.05"})
    check = VERIFY.model_copy(update={"expect": expect})

    assert said("make the limit 2 %", SET, WAIT, check).given == {3: {"expect.value": "0.02"}}


def test_a_limit_of_several_checks_is_asked_about() -> None:
    other = VERIFY.model_copy(update={"number": 2})

    found = said("make the limit 2 %", SET, other, VERIFY)

    assert found.unclear == ("set the limit of step 2 to 2 %", "set the limit of step 3 to 2 %")
    assert said(found.unclear[0], SET, other, VERIFY).given == {2: {"expect.value": "2"}}
