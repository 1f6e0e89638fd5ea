"""The hooks of Linear and PagerDuty: signatures, replay, what is stored before the answer."""

import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from bot.http.hooks_linear import LinearDeliveries, LinearJobs, issue_of
from bot.http.hooks_pagerduty import PagerDutyDeliveries, PagerDutyJobs
from bot.http.signed_hooks import SignedHook
from engine.domain.incident import parse
from engine.domain.problem import AlertStatus
from engine.services.incidents import Incidents
from engine.store.intake import Desk
from tests.conftest import Database
from tests.contract.problems_bench import Bench, Caller, body, calling, open_bench
from tests.unit.planning import services

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "webhooks"
SECRET, OLD, NEW = "linear-secret", "old-key", "new-key"
ISSUE = "539068e2-ae88-4d09-bd75-22eb4a59612f"


def signature(secret: str, raw: bytes) -> str:
    return hmac.new(secret.encode(), raw, sha256).hexdigest()


def moved(**changes: Any) -> bytes:
    """A delivery of Linear, in the shape of the recorded ones."""
    told = {
        "action": "update",
        "type": "Issue",
        "actor": {"id": "u-1", "type": "user", "name": "Ann"},
        "data": {"id": ISSUE, "identifier": "OPS-1"},
        "updatedFrom": {"stateId": "s-todo"},
        "webhookTimestamp": int(time.time() * 1000),
        **changes,
    }
    return json.dumps(told).encode()


def happened(kind: str = "triggered", status: str = "triggered", **changes: Any) -> bytes:
    """An event of PagerDuty, in the shape of the recorded ones."""
    data = {
        "id": "PGR0VU2",
        "type": "incident",
        "number": 2,
        "status": status,
        "title": "[FIRING:1] CheckoutErrorRateHigh (checkout prod)",
        "urgency": "high",
        "service": {"id": "PF9KMXH", "summary": "checkout"},
        **changes.pop("data", {}),
    }
    event = {
        "id": f"evt-{kind}",
        "event_type": f"incident.{kind}",
        "resource_type": "incident",
        "occurred_at": "2026-11-22T14:00:00Z",
        "agent": {"id": "PLH1HKV", "summary": "Earline Greenholt"},
        "data": data,
        **changes,
    }
    return json.dumps({"event": event}).encode()


@dataclass
class Desks:
    """A sidecar with both hooks, and what carries out what they store."""

    bench: Bench
    caller: Caller
    incidents: Incidents
    looked: list[str] = field(default_factory=list)

    async def look(self, issue: str) -> str:
        self.looked.append(issue)
        return "looked"

    async def linear(self, raw: bytes, *, secret: str = SECRET, delivery: str = "d-1") -> int:
        headers = {"Linear-Signature": signature(secret, raw), "Linear-Delivery": delivery}
        return await self._post("linear", raw, headers)

    async def pagerduty(self, raw: bytes, *secrets: str) -> int:
        given = ",".join(f"v1={signature(one, raw)}" for one in secrets or (NEW,))
        return await self._post("pagerduty", raw, {"X-PagerDuty-Signature": given})

    async def _post(self, source: str, raw: bytes, headers: dict[str, str]) -> int:
        url = f"{self.caller.at.url}/v1/hooks/{source}"
        async with self.caller.session.post(url, data=BytesIO(raw), headers=headers) as response:
            await response.read()
            return response.status

    async def stored(self) -> int:
        return int(await self.bench.pool.fetchval("SELECT count(*) FROM inbox"))

    async def carry_out(self) -> None:
        desks = {
            "linear": Desk(LinearJobs(self.look).carry_out, at_once=1, together=50),
            "pagerduty": Desk(PagerDutyJobs(self.incidents.receive).carry_out, at_once=1),
        }
        async with self.bench.intake.working(desks):
            await self.bench.intake.settle()

    async def notes(self) -> list[str]:
        posts = await self.bench.posts()
        return [str(each.body["text"]) for each in posts if each.kind.value == "note"]


@pytest.fixture
async def desks(database: Database) -> AsyncIterator[Desks]:
    async with open_bench(database.app_dsn) as bench:
        read = {
            "linear": LinearDeliveries(SECRET).read,
            "pagerduty": PagerDutyDeliveries([OLD, NEW]).read,
        }
        routes = [
            (
                "POST",
                f"/v1/hooks/{source}",
                SignedHook(source, bench.intake, bench.metrics, how).receive,
            )
            for source, how in read.items()
        ]
        async with calling(bench.sidecar(more=routes)) as caller:
            yield Desks(bench, caller, Incidents(bench.store, bench.alerts, services()))


async def test_a_move_is_stored_before_the_answer_and_looked_at_once(desks: Desks) -> None:
    raw = moved()

    first, again = await desks.linear(raw), await desks.linear(raw)

    assert (first, again, await desks.stored()) == (200, 200, 1)
    await desks.carry_out()
    assert desks.looked == [ISSUE]


@pytest.mark.parametrize(
    ("raw", "secret", "status"),
    [
        (moved(), "another", 401),
        (moved(), "", 401),
        (moved(webhookTimestamp=True), SECRET, 400),
        (moved(webhookTimestamp="now"), SECRET, 400),
        (b"[]", SECRET, 400),
        (b"\xff{", SECRET, 400),
        (b" " * (1024 * 1024 + 1), SECRET, 413),
    ],
    ids=["wrong-key", "no-key", "bool", "text", "list", "garbage", "large"],
)
async def test_what_is_not_linears_own_and_fresh_is_refused_and_not_stored(
    desks: Desks, raw: bytes, secret: str, status: int
) -> None:
    answered = await desks.linear(raw, secret=secret)

    assert answered == status
    assert await desks.stored() == 0


@pytest.mark.parametrize("seconds", [-61, 70, -90_000])
async def test_a_signature_of_another_time_counts_no_more(desks: Desks, seconds: int) -> None:
    raw = moved(webhookTimestamp=int((time.time() + seconds) * 1000))

    answered = await desks.linear(raw)

    assert (answered, await desks.stored()) == (401, 0)


async def test_a_signature_over_another_body_is_refused(desks: Desks) -> None:
    headers = {"Linear-Signature": signature(SECRET, moved()), "Linear-Delivery": "d-1"}

    answered = await desks._post("linear", moved(action="remove"), headers)

    assert answered == 401


async def test_without_a_delivery_id_nothing_is_taken(desks: Desks) -> None:
    raw = moved()

    answered = await desks._post("linear", raw, {"Linear-Signature": signature(SECRET, raw)})

    assert answered == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "Comment"},
        {"action": "create"},
        {"updatedFrom": {"title": "old"}},
        {"data": {"id": "../../x"}},
        {"data": "x"},
    ],
    ids=["comment", "create", "title", "odd-id", "odd-data"],
)
async def test_what_moves_no_issue_is_answered_and_forgotten(
    desks: Desks, changes: dict[str, Any]
) -> None:
    answered = await desks.linear(moved(**changes))

    assert (answered, await desks.stored()) == (200, 0)


async def test_any_of_several_keys_of_pagerduty_will_do_while_they_are_changed(
    desks: Desks,
) -> None:
    raw = happened()

    statuses = [
        await desks.pagerduty(raw, "unknown"),
        await desks.pagerduty(raw, OLD),
        await desks.pagerduty(raw, "unknown", NEW),
    ]

    assert statuses == [401, 200, 200]
    assert await desks.stored() == 1


async def test_an_incident_of_pagerduty_becomes_a_problem_and_ends_with_it(desks: Desks) -> None:
    await desks.pagerduty(happened())
    await desks.carry_out()
    (problem,) = await desks.bench.problems()
    assert (problem.title, problem.context.service) == ("CheckoutErrorRateHigh", "checkout")

    await desks.pagerduty(happened("acknowledged", "acknowledged"))
    await desks.carry_out()
    await desks.pagerduty(happened("resolved", "resolved", occurred_at="2026-11-22T14:02:00Z"))
    await desks.carry_out()

    (problem,) = await desks.bench.problems()
    assert problem.acknowledged_by == "Earline Greenholt (PagerDuty)"
    assert problem.status is AlertStatus.RESOLVED
    notes = await desks.notes()
    assert "Earline Greenholt acknowledged it in PagerDuty (incident 2)." in notes


async def test_a_beginning_that_arrives_after_the_end_opens_nothing(desks: Desks) -> None:
    await desks.pagerduty(happened("resolved", "resolved"))
    await desks.carry_out()

    await desks.pagerduty(happened())
    await desks.carry_out()

    assert await desks.bench.problems() == []


async def test_an_incident_joins_the_thread_of_the_alert_that_it_is_about(desks: Desks) -> None:
    await desks.bench.alerts.receive(body(desks.bench.alert()))

    await desks.pagerduty(happened())
    await desks.pagerduty(happened("acknowledged", "acknowledged"))
    await desks.carry_out()

    (problem,) = await desks.bench.problems()
    assert len(problem.alerts) == 1
    assert problem.status is AlertStatus.FIRING
    assert await desks.notes() == ["Earline Greenholt acknowledged it in PagerDuty (incident 2)."]


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded webhooks beside the checkout")
def test_recorded_signatures_and_payloads_are_understood() -> None:
    schemes = {
        each["provider"]: each
        for each in json.loads((RECORDED / "signature_schemes.json").read_text())
    }
    pagerduty, linear = schemes["pagerduty-v3"], schemes["linear"]
    signed = (RECORDED / pagerduty["body_file"]).read_bytes()
    comment = (RECORDED / linear["body_file"]).read_bytes()
    sent = json.loads(comment)["webhookTimestamp"] / 1000

    found = PagerDutyDeliveries([pagerduty["secret"]]).read(
        {"X-PagerDuty-Signature": pagerduty["signature"]}, signed
    )
    ignored = LinearDeliveries(linear["secret"], lambda: sent).read(
        {"Linear-Signature": linear["signature"], "Linear-Delivery": "d-1"}, comment
    )

    assert found.key == "01BWDWL3NYY7LUFPZCC28QUCMK"
    assert ignored.key == ""
    update = json.loads((RECORDED / "linear" / "issue.update-1.json").read_text())
    assert issue_of(update) == "issue-1"
    for path in sorted((RECORDED / "pagerduty").glob("*.json")):
        incident = parse(path.read_bytes())
        assert incident is not None
        assert incident.event
