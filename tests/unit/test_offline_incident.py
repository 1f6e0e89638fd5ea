"""The demo's incident, drafted without a model."""

from engine.domain.context import ContextRef
from engine.domain.draft import OutcomeKind
from engine.domain.plan import Origin
from tests.unit.planning import BAD, briefing, broken, draft, planner, services, well


async def test_the_alert_becomes_a_plan_that_reverts_waits_and_verifies() -> None:
    asked = briefing("").model_copy(update={"draft": draft("", origin=Origin.ALERT)})

    outcome = await planner().plan(asked)

    assert outcome.kind is OutcomeKind.PLAN
    assert outcome.proposal
    names = [f"{step.tool}.{step.action}" for step in outcome.proposal.steps]
    assert names == ["git.revert_commit", "shop.health", "prometheus.query"]
    assert outcome.proposal.steps[0].input["commit"] == BAD
    assert outcome.proposal.steps[0].input["expected_head"] == BAD
    wait, verify = (step.expect for step in outcome.proposal.steps[1:])
    assert wait
    assert (wait.output, wait.value) == ("revision", "{steps.1.commit}")
    assert verify
    assert (verify.output, verify.comparison, verify.value) == ("value", "<=", "0.05")


async def test_the_reason_names_the_change_its_author_and_the_error_rate() -> None:
    outcome = await planner().plan(briefing("roll back checkout"))

    assert outcome.proposal
    assert outcome.proposal.why == (
        'Most likely: commit 9f3c1e2 "raise pool size" by Dana Reyes, 4 min before I looked [3]. '
        "It changed pool_size 10 -> 0 [4]. Error rate 37 % (limit 5 %) [2]."
    )


async def test_without_prometheus_the_shop_itself_is_asked() -> None:
    outcome = await planner(metrics=False).plan(briefing("roll back checkout"))

    assert outcome.proposal
    last = outcome.proposal.steps[-1]
    assert (last.tool, last.action) == ("shop", "health")
    assert last.expect
    assert last.expect.output == "error_rate"


async def test_a_reading_that_needs_another_is_asked_for_in_the_next_round() -> None:
    first = await planner().readings(briefing("roll back checkout", ()))
    second = await planner().readings(briefing("roll back checkout", broken()[:3]))
    third = await planner().readings(briefing("roll back checkout"))

    assert [one.name for one in first] == ["health", "error_rate", "changes", "trend"]
    assert [one.name for one in second] == ["last_change", "trend"]
    assert second[0].input["commit"] == BAD
    assert [one.name for one in third] == ["trend"]


async def test_an_order_is_drafted_although_all_is_well_and_the_card_says_so() -> None:
    said = "roll back the last config change of checkout in prod"

    outcome = await planner().plan(briefing(said, well()))

    assert outcome.proposal
    assert outcome.proposal.steps[0].input["commit"] == BAD
    assert outcome.proposal.why == (
        "Dana asked for it, but checkout looks healthy: error rate 0.3 % [2], 3 of 3 ready [1], "
        "last change 2 days ago [3]."
    )


async def test_a_plan_that_explains_nothing_names_no_cause() -> None:
    outcome = await planner().plan(briefing("set pool_size to 14", well()))
    broke = await planner().plan(briefing("set pool_size to 14"))

    assert outcome.proposal
    assert broke.proposal
    assert outcome.proposal.why == "Dana asked for it."
    assert broke.proposal.why.startswith("Most likely: commit 9f3c1e2")


async def test_a_healthy_service_is_left_alone() -> None:
    outcome = await planner().plan(briefing("fix checkout", well()))

    assert outcome.kind is OutcomeKind.ANSWER
    assert outcome.text == (
        "checkout looks healthy: error rate 0.3 % [2], 3 of 3 ready [1], "
        "last change 2 days ago [3]. "
        "I did not draft anything."
    )


async def test_an_alert_is_where_its_labels_say_if_the_service_runs_there() -> None:
    labels = {"alertname": "CheckoutErrorRateHigh", "service": "checkout"}
    asked = draft("roll back payments now", origin=Origin.ALERT, context=ContextRef())
    here = asked.model_copy(update={"labels": {**labels, "environment": "prod"}})
    away = asked.model_copy(update={"labels": {**labels, "environment": "moon"}})

    placed = await planner().plan(briefing("").model_copy(update={"draft": here}))
    lost = await planner().plan(briefing("").model_copy(update={"draft": away}))

    assert placed.proposal
    where = placed.proposal.context
    assert (where.service, where.cluster) == ("checkout", "eu-1")
    assert lost.kind is OutcomeKind.QUESTION
    assert "does not run in moon" in lost.text


def test_services_know_who_depends_on_them_through_others() -> None:
    found = services().dependants("payments")

    assert {"checkout", "web", "orders", "invoices"} <= set(found)
    assert "payments" not in found
