"""The services file: what it knows, and what it refuses."""

from pathlib import Path

import pytest

from engine.context.services import ServiceFile
from engine.domain.ids import Tenant
from engine.errors import ConfigurationError, NotFound
from tests.unit.planning import services

TENANT = Tenant("acme")
SMALL = """
environments:
  prod: {clusters: [eu-1, us-1]}
  dev: {}
channels:
  C0PAY: {service: payments, environment: prod, cluster: us-1}
services:
  - name: payments
    aliases: [Payments API, pay]
    depends_on: [db]
    environments: [prod, dev]
  - {name: web, depends_on: [payments], environments: [dev], channel: "slack:T1:C0WEB"}
  - {name: db, depends_on: [web]}
"""


def small(more: str = "") -> ServiceFile:
    return ServiceFile.parse(SMALL + more)


@pytest.mark.parametrize("name", ["payments", "PAYMENTS", "payments  api", "pay", " Pay "])
def test_a_service_is_found_by_any_of_its_names(name: str) -> None:
    assert small().resolve(name) == "payments"


def test_an_unknown_name_stands_for_nothing() -> None:
    assert small().resolve("payment-gateway") is None
    assert small().resolve("") is None


def test_dependants_come_through_others_and_cycles_end() -> None:
    assert small().dependants("db") == ["payments", "web"]
    assert small().dependants("web") == ["db", "payments"]


def test_an_entry_tells_where_the_service_runs() -> None:
    assert small().entry("payments")["places"] == ["prod/eu-1", "prod/us-1", "dev"]


def test_there_is_no_entry_of_an_unknown_service() -> None:
    with pytest.raises(NotFound, match="no service nope"):
        small().entry("nope")


def test_a_channel_speaks_about_what_its_entry_says() -> None:
    context = small().of_channel("C0PAY", TENANT)

    assert (context.tenant, context.service) == (TENANT, "payments")
    assert (context.environment, context.cluster) == ("prod", "us-1")


def test_the_channel_of_one_service_speaks_about_it() -> None:
    context = small().of_channel("C0WEB", TENANT)

    assert (context.service, context.environment) == ("web", "dev")


def test_another_channel_speaks_about_nothing() -> None:
    assert small().of_channel("C0OTHER", TENANT).service == ""
    assert small().of_channel("", TENANT).service == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [{name: a}, {name: a}]", "stands for both"),
        ("services: [{name: a, aliases: [b]}, {name: b}]", "stands for both"),
        ("services: [{name: a, depends_on: [b]}]", "depends on b"),
        ("services: [{name: a, environments: [prod]}]", "runs in prod"),
        ("services: [{name: a, colour: red}]", "services.0.colour"),
        ("services: [{name: A/../b}]", "services.0.name"),
        ("services: {name: a}", "services"),
        ("services: [{name: a, name: b}]", "there twice"),
        ("services: &x [*x]", "aliases are not allowed"),
        ("services: [", "line"),
        ("services: !!python/object/apply:os.system [ls]", "line 1"),
        ("channels: {C1: {service: a}}", "speaks about a"),
        ("[1, 2]", "is wrong"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match="services") as caught:
        ServiceFile.parse(text)

    assert words in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml can't be read"):
        ServiceFile.load(tmp_path / "nowhere.yaml")


def test_the_services_of_the_demo_are_understood() -> None:
    entry = services().entry("checkout")

    assert entry["places"] == ["prod/eu-1"]
    assert isinstance(entry["gitops"], dict)
    assert entry["gitops"]["branch"] == "main"
