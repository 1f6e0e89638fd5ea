"""Which services an input names, by the service graph alone."""

import pytest

from engine.context.services import ServiceFile
from engine.domain.model import Json
from engine.domain.plan import Step, StepKind
from engine.services.reaching import Reaching
from tests.unit.governing import PROD, call

GRAPH = ServiceFile.parse("""
environments: {prod: {}, staging: {}}
services:
  - {name: checkout, environments: [prod, staging], gitops: {repository: shop, path: apps/checkout}}
  - {name: payments, environments: [prod], gitops: {repository: shop, path: apps/payments}}
  - {name: cart, helm: {release: cart-blue, chart: cart}}
""")
SHOP = "https://git.example/shop.git"


def reaches(**given: Json) -> list[str]:
    made = call("set_value").model_copy(update={"input": given})
    [step] = Reaching(GRAPH).told((Step(number=1, kind=StepKind.ACT, title="x", call=made),), PROD)
    return [f"{place.environment}/{place.service}" for place in step.reaches]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"remote": SHOP, "path": "apps/checkout/prod/values.yaml"}, []),
        ({"remote": SHOP, "path": "apps/checkout/staging/values.yaml"}, ["staging/checkout"]),
        ({"remote": SHOP, "path": "./apps/payments/values.yaml"}, ["prod/payments"]),
        ({"remote": SHOP, "path": "apps"}, ["prod/payments"]),
        ({"remote": "https://git.example/other.git", "path": "docs/notes.yaml"}, []),
        ({"release": "cart-blue", "remote": SHOP}, ["prod/cart"]),
        ({"resource": "deployment/payments"}, ["prod/payments"]),
        ({"name": ["checkout", "cart"]}, ["prod/cart"]),
    ],
)
def test_a_write_reaches_whoever_owns_what_it_writes_to(
    given: dict[str, Json], found: list[str]
) -> None:
    assert reaches(**given) == found
