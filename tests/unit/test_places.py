"""What a program says about a place is held against the service graph."""

import pytest

from engine.context.services import ServiceFile
from engine.domain.bounds import hold, narrowed
from engine.domain.call import Effect
from engine.domain.context import ContextRef
from engine.domain.plan import Constraints
from engine.errors import NotAllowed
from engine.services.places import completed, contradictions
from tests.unit.governing import PROD, step

GRAPH = ServiceFile.parse(
    """
environments: {prod: {clusters: [eu-1, us-1]}, staging: {clusters: [eu-1]}, dev: {}}
services:
- {name: checkout, namespace: shop, environments: [prod, staging]}
- {name: cart, environments: [dev]}
"""
)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({}, []),
        ({"region": "anywhere"}, []),
        ({"environment": "dev"}, []),
        ({"environment": "qa"}, ["context.environment"]),
        ({"service": "checkout", "environment": "dev"}, ["context.environment"]),
        ({"service": "checkout", "environment": "prod", "cluster": "us-1"}, []),
        ({"service": "checkout", "environment": "staging", "cluster": "us-1"}, ["context.cluster"]),
        ({"service": "cart", "environment": "dev", "cluster": "eu-1"}, ["context.cluster"]),
        ({"service": "checkout", "cluster": "eu-1"}, ["context.environment"]),
        ({"service": "checkout", "cluster": "us-1"}, []),
        ({"service": "checkout", "namespace": "shop"}, []),
        ({"service": "checkout", "namespace": "cart"}, ["context.namespace"]),
        ({"service": "cart", "namespace": "any"}, []),
        ({"service": "nothing", "environment": "qa"}, ["context.service"]),
    ],
)
def test_a_place_that_is_not_there_is_named_by_field(
    said: dict[str, str], wrong: list[str]
) -> None:
    found = contradictions(ContextRef(**said), GRAPH)

    assert list(found) == wrong


def test_a_cluster_of_one_environment_tells_the_environment() -> None:
    one = completed(ContextRef(cluster="us-1"), GRAPH)
    several = completed(ContextRef(cluster="eu-1", service="checkout"), GRAPH)

    assert (one.environment, several.environment) == ("prod", "")


def test_without_a_graph_nothing_is_wrong() -> None:
    nothing = ServiceFile.parse("services: []")

    assert contradictions(ContextRef(environment="qa", service="any"), nothing) == {}


def test_the_narrower_limit_wins() -> None:
    policy = Constraints(environments=("prod", "staging"), max_targets=5, windows=("night",))
    asked = Constraints(environments=("staging", "dev"), max_targets=2)

    found = narrowed(policy, asked, Constraints())

    assert found == Constraints(environments=("staging",), max_targets=2, windows=("night",))


def test_limits_that_leave_nothing_are_refused() -> None:
    with pytest.raises(NotAllowed):
        narrowed(Constraints(environments=("prod",)), Constraints(environments=("dev",)))


def test_a_plan_beyond_its_limits_is_refused_and_reads_are_no_targets() -> None:
    cart = PROD.model_copy(update={"service": "cart"})
    two = (step(1), step(2).model_copy(update={"context": cart}))
    look = step(2, effect=Effect.READ).model_copy(update={"context": cart})

    hold(Constraints(environments=("prod",), max_targets=1), (step(1), look), PROD)
    with pytest.raises(NotAllowed, match="cart, checkout"):
        hold(Constraints(max_targets=1), two, PROD)
    with pytest.raises(NotAllowed, match="would act in prod"):
        hold(Constraints(environments=("staging",)), two, PROD)
