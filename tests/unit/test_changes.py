"""What differs between two versions, and what becomes of a version whose steps are changed."""

from datetime import timedelta

import pytest

from engine.domain import revising
from engine.domain.call import Effect
from engine.domain.changes import ChangeKind, changes, sentences
from engine.domain.draft import Evidence
from engine.domain.execution import ExecutionState, StepState
from engine.domain.ids import DraftId, EvidenceId
from engine.domain.plan import PlanVersion, Step, StepKind
from engine.errors import Invalid
from engine.services.views import effects
from tests.unit.cards import NOW, PLAN, VERIFY, call, execution, record, version


def write(number: int, *, action: str = "set_value", **given: str | int) -> Step:
    title = ", ".join(f"{name} {value}" for name, value in given.items() if name != "mark")
    made = call(Effect.WRITE, "x", action=action, input=dict(given))
    return Step(number=number, kind=StepKind.ACT, title=f"{action} {title}", call=made)


def v(number: int, *steps: Step, **more: str) -> PlanVersion:
    return version(version=number, steps=steps, **more)


def told(before: PlanVersion, after: PlanVersion) -> list[str]:
    return list(sentences(changes(before, after)))


def test_a_setting_is_named_by_its_key_and_the_mark_does_not_count() -> None:
    before = v(1, write(1, key="pool_size", value="10", mark=f"{PLAN}.1.1"))
    after = v(2, write(1, key="pool_size", value="20", mark=f"{PLAN}.2.1"))

    assert told(before, after) == ["step 1 pool_size 10 -> 20"]
    assert told(before, v(2, write(1, key="pool_size", value="10", mark=f"{PLAN}.2.1"))) == []


def test_another_setting_is_one_change() -> None:
    before = v(1, write(1, key="timeout_ms", value="20"))
    other = v(2, write(1, key="pool_size", value="20"))
    both = v(2, write(1, key="pool_size", value="30"))

    assert told(before, other) == ["step 1 key timeout_ms -> pool_size"]
    assert told(before, both) == ["step 1 key timeout_ms -> pool_size, value 20 -> 30"]


def test_another_action_replaces_a_step() -> None:
    before = v(1, write(1, action="revert_commit", commit="abc"))
    after = v(2, write(1, key="pool_size", value="20"))

    assert told(before, after) == [
        "step 1 revert_commit commit abc -> set_value key pool_size, value 20"
    ]


def test_a_step_dropped_from_the_middle_changes_nothing_else() -> None:
    many = [write(number, replicas=number) for number in range(1, 6)]
    less = [one.model_copy(update={"number": at}) for at, one in enumerate(many[:2] + many[3:], 1)]

    assert told(v(1, *many), v(2, *less)) == ["step 3 removed: set_value replicas 3"]


def test_a_reference_that_only_got_another_number_is_no_change() -> None:
    wait = write(2, action="wait", commit="{steps.1.commit}")
    later = write(3, action="wait", commit="{steps.2.commit}")
    first, added = write(1, value="a"), write(1, value="new")

    found = changes(v(1, first, wait), v(2, added, first.model_copy(update={"number": 2}), later))

    assert [(each.kind, each.step) for each in found] == [(ChangeKind.ADDED, 1)]


def test_a_step_that_went_elsewhere_has_moved() -> None:
    a, b, c = (write(at, action=name, value=name) for at, name in enumerate("abc", 1))
    moved = v(2, *(x.model_copy(update={"number": at}) for at, x in enumerate((b, c, a), 1)))

    assert told(v(1, a, b, c), moved) == ["step 1 is now step 3: a value a"]


def test_another_place_is_told_first() -> None:
    before = v(1, write(1, value="a"))
    staging = before.context.model_copy(update={"environment": "staging"})
    after = before.model_copy(update={"version": 2, "context": staging})

    assert told(before, after) == ["place prod / eu-1 / shop -> staging / eu-1 / shop"]


def test_new_values_stand_in_the_title_where_the_old_ones_stood() -> None:
    before = version(
        steps=(write(1, key="pool_size", value="20"),), title="Set pool_size to 20 in prod/eu-20"
    )

    after = revising.with_values(before, {1: {"value": "30"}})

    assert after.title == "Set pool_size to 30 in prod/eu-20"
    assert after.steps[0].input == {"key": "pool_size", "value": "30"}


def test_a_commit_in_the_title_is_the_new_one() -> None:
    before = version(steps=(write(1, revision="a" * 40),), title="Put checkout back to aaaaaaa")

    after = revising.with_values(before, {1: {"revision": "b" * 40}})

    assert after.title == "Put checkout back to bbbbbbb"


def test_a_dropped_step_takes_its_number_along() -> None:
    before = v(1, write(1, value="a"), write(2, value="b"), write(3, commit="{steps.2.commit}"))

    after = revising.revised(before, gone=[1])

    assert [step.input for step in after.steps] == [{"value": "b"}, {"commit": "{steps.1.commit}"}]


def test_a_step_that_another_one_needs_does_not_go_alone() -> None:
    before = v(1, write(1, value="a"), write(2, commit="{steps.1.commit}"))

    with pytest.raises(Invalid, match=r"step 1 can't go alone. Drop step 2 too"):
        revising.revised(before, gone=[1])
    with pytest.raises(Invalid, match="nothing is left"):
        revising.revised(before, gone=[1, 2])
    with pytest.raises(Invalid, match="no step 7"):
        revising.revised(before, gone=[7])


def test_a_check_that_is_none_is_refused_by_its_field() -> None:
    before = version(steps=(VERIFY.model_copy(update={"number": 1}),))

    with pytest.raises(Invalid) as refused:
        revising.with_values(before, {1: {"expect.hold_seconds": "soon"}})

    assert refused.value.fields == {"expect.hold_seconds": "a whole number is expected"}
    with pytest.raises(Invalid) as beyond:
        revising.with_values(before, {1: {"expect.within_seconds": "9000"}})
    assert beyond.value.fields == {"expect.within_seconds": "has to be at most 3600"}


def test_what_runs_again_keeps_what_it_was_drafted_from() -> None:
    before = version(evidence=(EvidenceId("e1"),))

    assert revising.again(before).evidence == before.evidence


def test_an_old_reading_is_not_told_as_what_a_run_changed() -> None:
    expect = VERIFY.expect
    assert expect is not None
    done = [record(number, StepState.SUCCEEDED) for number in (1, 2)]
    checked = record(3, StepState.SUCCEEDED, outputs={expect.output: "0.4"})
    ended = execution(ExecutionState.SUCCEEDED, *done, checked)
    read = Evidence(
        id=EvidenceId("e1"),
        draft_id=DraftId("d"),
        number=1,
        tool=VERIFY.call.tool,
        action=VERIFY.call.action,
        title="error rate",
        summary="37 %",
        facts={expect.output: "37"},
        input=VERIFY.call.input,
        at=NOW - timedelta(seconds=9),
    )

    fresh = effects(version(), ended, [read])
    stale = effects(version(created_at=NOW + timedelta(minutes=12)), ended, [read])

    assert len(fresh) == 1
    assert stale == ()
