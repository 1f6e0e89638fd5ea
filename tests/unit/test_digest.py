"""Whatever would change what runs changes the digest."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from engine.domain.call import Risk
from engine.domain.digest import check, digest, envelope
from engine.domain.plan import Constraints, Origin, PlanVersion, Requirements
from engine.errors import Invalid, Tampered
from tests.unit.governing import NOW, PROD, version

BASE = version()
CHANGES: dict[str, Any] = {
    "schema_version": 2,
    "tenant": "other",
    "plan_id": "01998f00-0000-7000-8000-000000000002",
    "version": 2,
    "requester": "ann",
    "editors": ("ann",),
    "origin": Origin.ALERT,
    "risk": Risk.LOW,
    "session": "01998f00-0000-7000-8000-0000000000aa",
    "intent": "break checkout",
    "context": PROD.model_copy(update={"cluster": "us-1"}),
    "constraints": Constraints(max_targets=1),
    "requirements": Requirements(people=2, groups=(("sre",),)),
    "decide_before": NOW + timedelta(hours=5),
    "start_before": NOW + timedelta(hours=5, microseconds=1),
    "steps": (*BASE.steps, *BASE.steps),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_part_of_the_envelope_changes_the_digest(name: str) -> None:
    changed = BASE.model_copy(update={name: CHANGES[name]})

    assert digest(changed) != BASE.digest
    with pytest.raises(Tampered):
        check(changed)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each leaf of a JSON value that is there."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        yield from paths(one, (*path, key))
    if value is not None and not isinstance(value, dict | list):
        yield path


def altered(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return {"write": "destroy", "read": "write", "cli": "api", "act": "verify", "==": "!="}.get(
        value, f"{value}x"
    )


STEPS = BASE.model_dump(mode="json")["steps"]
SILENT = {"title", "why"}


@pytest.mark.parametrize("path", list(paths(STEPS)), ids=str)
def test_each_leaf_of_a_step_changes_the_digest_but_for_its_words(path: tuple[Any, ...]) -> None:
    steps = BASE.model_dump(mode="json")["steps"]
    target = steps
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = altered(target[path[-1]])
    body = {**BASE.model_dump(mode="json"), "steps": steps}

    changed = PlanVersion.model_validate(body)

    assert (digest(changed) == BASE.digest) is (path[-1] in SILENT)


def test_words_for_people_are_not_in_it() -> None:
    changed = BASE.model_copy(update={"title": "x", "why": "y", "changes": ("z",), "label": "l"})

    assert digest(changed) == BASE.digest


def test_it_survives_storage() -> None:
    stored = PlanVersion.model_validate_json(BASE.model_dump_json())

    check(stored)


def test_times_are_written_in_one_way() -> None:
    assert envelope(BASE)["decide_before"] == "2026-11-22T18:09:00.000000Z"


def test_what_has_no_canonical_form_is_refused() -> None:
    call = BASE.steps[0].call.model_copy(update={"input": {"x": 0.5}})
    changed = BASE.steps[0].model_copy(update={"call": call})

    with pytest.raises(Invalid, match="decimals as strings"):
        digest(BASE.model_copy(update={"steps": (changed,)}))


# What only helps people to read; everything that a decision reads is hashed.
READ_BY_PEOPLE = {
    "reference",
    "conversation_id",
    "requester_name",
    "title",
    "why",
    "wanted",
    "risk_reasons",
    "dependants",
    "planner",
    "used",
    "knowledge",
    "evidence",
    "changes",
    "changed_by",
    "warnings",
    "label",
    "break_glass",
    "digest",
    "created_at",
}


def test_each_field_of_a_version_is_hashed_or_only_read_by_people() -> None:
    assert set(PlanVersion.model_fields) == set(envelope(BASE)) | READ_BY_PEOPLE
    steps: Any = envelope(BASE)["steps"]
    assert set(type(BASE.steps[0]).model_fields) == set(steps[0]) | SILENT
