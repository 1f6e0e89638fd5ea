"""The parts of the demo's shop that decide something: settings, counts, pool, alerts."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.local.demo.alert import ALERT_NAME, LABELS
from bot.local.demo.shop.alerts import Rule, Watch, fingerprint, payload
from bot.local.demo.shop.checkout import Pace
from bot.local.demo.shop.pool import Pool, PoolExhausted
from bot.local.demo.shop.settings import BadSettings, CheckoutSettings
from bot.local.demo.shop.window import Window
from bot.local.demo.world import PLAYBOOKS, services_document
from engine.context.services import ServiceFile
from engine.llm.playbooks import load_playbooks

GOOD = "pool_size: 10\ntimeout_ms: 250\ncurrency: EUR\n"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULE = Rule(
    labels={"alertname": "High", "service": "checkout"},
    annotations={"summary": "Error rate {percent} %"},
    hold=3,
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("timeout_ms: 250\ncurrency: EUR\n", "pool_size: Field required"),
        (GOOD.replace("10", "'10'"), "pool_size"),
        (GOOD.replace("10", "true"), "pool_size"),
        (GOOD.replace("10", "-1"), "pool_size"),
        (GOOD.replace("EUR", "euro"), "currency"),
        ("", "file"),
        ("pool_size: [", "not YAML"),
        ("pool_size: 2020-99-99\n", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("#" * 20_000, "larger than"),
    ],
)
def test_settings_that_an_instance_can_not_run_with_are_refused(text: str, reason: str) -> None:
    with pytest.raises(BadSettings, match=reason):
        CheckoutSettings.parse(text)


def test_a_pool_of_nothing_is_taken_because_nobody_thought_of_it() -> None:
    assert CheckoutSettings.parse(GOOD.replace("10", "0")).pool_size == 0


def test_the_window_forgets_what_is_older_than_it() -> None:
    now = [100.0]
    window = Window(15, lambda: now[0])
    window.add(failed=True)
    now[0] += 10
    window.add(failed=False)

    both = window.counts()
    now[0] += 6
    later = window.counts()

    assert (both.requests, both.error_rate, both.error_percent) == (
        2,
        Decimal("0.500"),
        Decimal("50.0"),
    )
    assert (later.requests, later.failed, later.error_rate) == (1, 0, Decimal("0.000"))


async def test_without_a_pool_only_the_connection_outside_of_it_is_left() -> None:
    pool = Pool(0, deadline=0.05)

    async with pool.connection():
        with pytest.raises(PoolExhausted):
            async with asyncio.timeout(1), pool.connection():
                pytest.fail("there is no second connection")


async def test_a_returned_connection_serves_the_next_request() -> None:
    pool = Pool(1, deadline=0.05)

    for _ in range(5):
        async with pool.connection(), pool.connection():
            pass


def test_the_fingerprint_is_the_one_that_prometheus_computes() -> None:
    labels = {"alertname": "FlakyReceiver", "cluster": "prod-us-1", "flaky": "yes"}

    assert fingerprint(labels | {"severity": "warning"}) == "e24a61ac10dbe39d"


def test_a_short_spike_does_not_fire() -> None:
    watch = Watch(RULE, limit=0.05)

    for second, rate in enumerate([0.3, 0.3, 0.3, 0.01, 0.3, 0.3]):
        watch.look(rate, second, NOON)

    assert watch.alert is None


def test_an_alert_that_fires_again_is_a_new_alert() -> None:
    watch = Watch(RULE, limit=0.05)
    seen = []

    for second, rate in enumerate([0.3] * 4 + [0.01] + [0.4] * 4):
        watch.look(rate, second, NOON + timedelta(seconds=second))
        seen.append(payload(watch.alert, "http://shop")["status"] if watch.alert else None)

    assert seen == [None, None, None, "firing", "resolved", *["resolved"] * 3, "firing"]
    assert watch.alert is not None
    assert watch.alert.started == NOON + timedelta(seconds=8)
    assert watch.alert.annotations["summary"] == "Error rate 40 %"


@pytest.mark.parametrize("measured", [None, Pace()])
def test_the_engine_reads_the_demos_services(measured: Pace | None) -> None:
    text = services_document("file:///shop-config.git", "http://127.0.0.1:1", measured)

    services = ServiceFile.parse(text)

    assert services.resolve("shop checkout") == "checkout"
    assert services.dependants("checkout") == [
        "invoices",
        "mobile-api",
        "orders",
        "shipping",
        "web",
    ]
    metrics = services.entry("checkout")["metrics"]
    assert isinstance(metrics, dict)
    assert ("limit" in metrics) is bool(measured)


def test_one_playbook_of_the_demo_answers_its_alert() -> None:
    labels = {"alertname": ALERT_NAME, **LABELS}

    found = [one.title for one in load_playbooks(PLAYBOOKS) if one.matches(labels)]

    assert found == ["roll back a config change"]
