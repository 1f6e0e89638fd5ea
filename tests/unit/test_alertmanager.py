"""What is read from an Alertmanager's webhook, and what is one problem."""

import json
from datetime import UTC, datetime

import pytest

from engine.domain import grouping
from engine.domain.alertmanager import clean, parse, receipt
from engine.domain.context import ContextRef
from engine.domain.ids import Tenant
from engine.domain.merging import merged
from engine.domain.problem import Alert, AlertStatus
from engine.errors import Invalid
from tests.unit.planning import services

TENANT = Tenant("default")
LABELS = {"alertname": "High", "service": "checkout", "environment": "prod", "cluster": "eu-1"}
Given = dict[str, object]


def one(**changes: object) -> Given:
    return {
        "status": "firing",
        "labels": LABELS,
        "annotations": {"summary": "Error rate 37 %"},
        "startsAt": "2026-11-22T14:02:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://prometheus.example/graph",
        **changes,
    }


def body(*alerts: object, **changes: object) -> bytes:
    return json.dumps(
        {"version": "4", "groupKey": "{}:{}", "status": "firing", "alerts": alerts, **changes}
    ).encode()


def test_an_alert_is_read_as_it_was_sent() -> None:
    (alert,) = parse(body(one()))

    assert alert.name == "High"
    assert alert.status is AlertStatus.FIRING
    assert alert.labels == LABELS
    assert alert.starts_at == datetime(2026, 11, 22, 14, 2, 0, 123456, tzinfo=UTC)
    assert alert.ends_at is None
    assert alert.source_url == "https://prometheus.example/graph"


def test_the_fingerprint_does_not_depend_on_the_order_of_labels() -> None:
    turned = dict(reversed(LABELS.items()))

    first, second, other = parse(
        body(one(), one(labels=turned), one(labels={**LABELS, "cluster": "us-1"}))
    )

    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != other.fingerprint


def test_a_sender_does_not_choose_the_fingerprint() -> None:
    first, second = parse(body(one(fingerprint="a"), one(fingerprint="b")))

    assert first.fingerprint == second.fingerprint


def test_long_labels_that_differ_at_the_end_stay_different_alerts() -> None:
    long = "x" * 5000

    first, second = parse(body(one(labels={"a": f"{long}1"}), one(labels={"a": f"{long}2"})))

    assert first.labels == second.labels
    assert first.fingerprint != second.fingerprint


def test_the_same_delivery_has_the_same_key_in_any_order() -> None:
    a, b = one(), one(labels={**LABELS, "pod": "p1"})

    assert receipt(body(a, b)).key == receipt(body(b, a)).key
    assert receipt(body(a, b)).key != receipt(body(a)).key


@pytest.mark.parametrize(
    "change",
    [
        {"status": "resolved"},
        {"startsAt": "2026-11-22T15:00:00Z"},
    ],
)
def test_news_about_an_alert_is_another_delivery(change: Given) -> None:
    assert receipt(body(one())).key != receipt(body(one(**change))).key


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"{}", "alerts"),
        (b'{"alerts": []}', "alerts"),
        (b'{"alerts": {"a": 1}}', "alerts"),
        (b'{"alerts": [1]}', "alerts.0"),
        (body(one(status="exploded")), "alerts.0.status"),
        (body(one(status=["firing"])), "alerts.0.status"),
        (body(one(startsAt="yesterday")), "alerts.0.startsAt"),
        (body(one(startsAt=None)), "alerts.0.startsAt"),
        (body(one(startsAt="0001-01-01T00:00:00+14:00")), "alerts.0.startsAt"),
        (body(one(labels=["a"])), "alerts.0.labels"),
        (body(one(labels={"a": {"b": 1}})), "alerts.0.labels.a"),
        (body(one(), one(annotations="words")), "alerts.1.annotations"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(given: bytes, path: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse(given)

    assert list(raised.value.fields) == [path]


@pytest.mark.parametrize("given", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": "\\ud800"}'])
def test_what_is_no_json_is_refused(given: bytes) -> None:
    with pytest.raises(Invalid):
        parse(given)


def test_hidden_and_reordering_characters_are_taken_out() -> None:
    said = "rate\u202e37\u2066 %\x00\x1b[31m\u200b\nnext\ttab"

    assert clean(said, 100) == "rate37 %[31m next tab"


def test_words_of_other_scripts_stay() -> None:
    assert clean("Ünïcode ✓ 日本語 🔥", 100) == "Ünïcode ✓ 日本語 🔥"


def test_labels_are_bounded() -> None:
    many = {f"label{at}": "x" * 10_000 for at in range(500)}

    (alert,) = parse(body(one(labels=many)))

    assert len(alert.labels) == 64
    assert max(map(len, alert.labels.values())) == 512


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b", 7, "http://x\u202ey"])
def test_only_addresses_can_be_followed(url: object) -> None:
    (alert,) = parse(body(one(generatorURL=url)))

    assert alert.source_url == ""


def alert(**labels: str) -> Alert:
    return parse(body(one(labels={**LABELS, **labels})))[0]


def test_alerts_with_the_same_keys_are_one_problem() -> None:
    alerts = [alert(pod="a"), alert(pod="b"), alert(cluster="us-1")]

    groups = grouping.grouped(alerts)

    assert sorted(map(len, groups.values())) == [1, 2]
    assert list(groups) == sorted(groups)


def test_the_keys_can_be_chosen() -> None:
    alerts = [alert(pod="a"), alert(pod="b")]

    assert len(grouping.grouped(alerts, ("alertname", "pod"))) == 2


def test_a_scope_holds_plain_names_only() -> None:
    labels = {"environment": "prod", "namespace": "default; rm -rf /", "cluster": "--kubeconfig=x"}

    found = grouping.context(labels, TENANT)

    assert found == ContextRef(tenant=TENANT, environment="prod")


def place(**labels: str) -> ContextRef:
    known = services()
    return grouping.placed(grouping.context(labels, TENANT), "checkout", known.entry("checkout"))


def test_a_known_service_is_where_the_services_file_says() -> None:
    assert place() == ContextRef(
        environment="prod", cluster="eu-1", namespace="shop", service="checkout"
    )


def test_a_label_does_not_move_production_to_dev() -> None:
    found = place(environment="dev", cluster="eu-1")

    assert (found.environment, found.cluster) == ("", "")


def test_resolved_wins_over_a_late_firing_of_the_same_start() -> None:
    firing, resolved = parse(body(one(), one(status="resolved")))

    in_order = merged(merged((), [firing]), [resolved])
    turned = merged(merged((), [resolved]), [firing])

    assert in_order == turned
    assert in_order[0].status is AlertStatus.RESOLVED


def test_a_later_start_fires_again() -> None:
    resolved, again = parse(body(one(status="resolved"), one(startsAt="2026-11-22T15:00:00Z")))

    (now,) = merged([resolved], [again])

    assert now.status is AlertStatus.FIRING


def test_of_very_many_alerts_only_the_first_keep_their_words() -> None:
    alerts = parse(body(*(one(labels={"alertname": "A", "pod": str(at)}) for at in range(200))))

    kept = merged((), alerts)

    assert len(kept) == 200
    assert sum(bool(each.annotations) for each in kept) == 50
