"""Risk comes from the steps; what is not known counts as the worst."""

from typing import Any

import pytest

from engine.domain.call import Effect, Risk
from engine.domain.plan import Step
from engine.domain.risk import assess
from tests.unit.governing import PROD, call, step


def at(environment: str, service: str = "checkout") -> Any:
    return PROD.model_copy(update={"environment": environment, "service": service})


def touching(number: int = 1, **given: Any) -> Step:
    made = step(number)
    return made.model_copy(update={"call": made.call.model_copy(update={"input": given})})


READ = step(effect=Effect.READ, undo=False)
WRITE, BARE = step(), step(undo=False)
TWO = (touching(1, remote="a"), touching(2, remote="b"))


@pytest.mark.parametrize(
    ("steps", "harmless", "production"),
    [
        ((READ,), Risk.READ, Risk.READ),
        ((WRITE,), Risk.LOW, Risk.MEDIUM),
        ((BARE,), Risk.MEDIUM, Risk.HIGH),
        (TWO, Risk.MEDIUM, Risk.HIGH),
        ((READ, WRITE), Risk.LOW, Risk.MEDIUM),
        ((step(effect=Effect.DESTROY),), Risk.HIGH, Risk.HIGH),
        ((WRITE, step(2, effect=Effect.DESTROY)), Risk.HIGH, Risk.HIGH),
    ],
)
def test_the_table(steps: tuple[Step, ...], harmless: Risk, production: Risk) -> None:
    assert assess(steps, at("dev")).risk is harmless
    assert assess(steps, at("staging")).risk is harmless
    for environment in ("prod", "", "Dev", "dev ", "qa"):
        assert assess(steps, at(environment)).risk is production


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"path": "*"}, "everything"),
        ({"name": "all"}, "everything"),
        ({"path": "{steps.1.path}"}, "only known when it runs"),
        ({"service": {"a": "b"}}, "only known when it runs"),
    ],
)
def test_a_target_that_is_vague_is_high(given: dict[str, Any], word: str) -> None:
    found = assess((touching(**given),), at("dev"))

    assert found.risk is Risk.HIGH
    assert word in found.reasons[-1]


def test_an_unknown_service_is_high() -> None:
    assert assess((WRITE,), at("dev", "")).risk is Risk.HIGH


def test_the_reasons_are_those_of_the_card() -> None:
    assert assess((WRITE,), PROD).reasons == (
        "writes configuration of 1 service",
        "step 1 has a rollback",
    )
    assert assess(TWO, PROD).reasons == (
        "writes configuration of 2 services",
        "steps 1 and 2 have a rollback",
    )


def test_a_file_and_its_repository_are_one_target() -> None:
    steps = (touching(1, remote="a", path="x"), touching(2, remote="a"))

    assert assess(steps, PROD).risk is Risk.MEDIUM


def test_each_of_a_list_is_a_target() -> None:
    assert assess((touching(name=["a", "b"]),), PROD).risk is Risk.HIGH


def test_a_probe_that_writes_is_high() -> None:
    assert WRITE.probe is not None
    probe = WRITE.probe.model_copy(update={"call": call()})

    assert assess((WRITE.model_copy(update={"probe": probe}),), at("dev")).risk is Risk.HIGH
