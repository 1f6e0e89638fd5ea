"""A briefing of the demo's incident, for tests of the planners."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from engine.context.services import ServiceFile
from engine.domain.call import Risk
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Draft, Evidence
from engine.domain.ids import ConversationId, DraftId, EvidenceId, PersonId, PlanId, Tenant
from engine.domain.plan import Origin, PlanVersion, Requirements
from engine.llm.offline import OfflinePlanner
from engine.llm.playbooks import load_playbooks
from engine.tools.registry import ToolRegistry

REMOTE = "file:///srv/shop-config.git"
DEMO = Path(__file__).parents[2] / "bot" / "local" / "demo"
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
BAD = "9f3c1e2" + "a" * 33
GOOD = "1111111" + "b" * 33
OLDER = "2222222" + "c" * 33
TOOLS = frozenset({"git", "shop", "prometheus"})
PROD = ContextRef(environment="prod", cluster="eu-1", namespace="shop", service="checkout")
DIFF = """\
-pool_size: 10
+pool_size: 0
 timeout_ms: 250
"""


def services(*, metrics: bool = True) -> ServiceFile:
    """The demo's services as `up` writes them."""
    document = yaml.safe_load((DEMO / "services.yaml").read_text(encoding="utf-8"))
    for service in document["services"]:
        if "gitops" in service:
            service["gitops"]["remote"] = REMOTE
        if metrics and service["name"] == "checkout":
            query = 'sum(rate(errors{code=~"5.."}[15s]))'
            service["metrics"] = {"error_rate": query, "limit": "0.05"}
    return ServiceFile.build(document, "services.yaml")


def planner(*, metrics: bool = True, tools: frozenset[str] = TOOLS) -> OfflinePlanner:
    """The offline planner of the demo."""
    return OfflinePlanner(services(metrics=metrics), load_playbooks(DEMO / "playbooks"), tools)


def draft(text: str, *, origin: Origin = Origin.PERSON, context: ContextRef = PROD) -> Draft:
    """A request in words."""
    return Draft(
        id=DraftId("d1"),
        tenant=Tenant("default"),
        conversation_id=ConversationId("c1"),
        requester=PersonId("dana"),
        requester_name="Dana",
        origin=origin,
        text=text,
        context=context,
        labels={"alertname": "CheckoutErrorRateHigh", "service": "checkout"}
        if origin is Origin.ALERT
        else {},
        created_at=NOW,
    )


def evidence(
    number: int, tool: str, action: str, facts: dict[str, str], body: str = ""
) -> Evidence:
    """A stored result."""
    return Evidence(
        id=EvidenceId(f"e{number}"),
        draft_id=DraftId("d1"),
        number=number,
        tool=tool,
        action=action,
        title=f"{tool} {action}",
        summary="",
        facts=facts,
        body=body,
        at=NOW,
    )


def broken() -> tuple[Evidence, ...]:
    """What is seen after Dana's commit."""
    return (
        health("degraded", "0.37"),
        evidence(2, "prometheus", "query", {"value": "0.37"}),
        log(),
        show(),
    )


def well() -> tuple[Evidence, ...]:
    """What is seen on a good day."""
    return (
        health("healthy", "0.003"),
        evidence(2, "prometheus", "query", {"value": "0.003"}),
        log(age=timedelta(days=2)),
        show(),
    )


def health(status: str, rate: str) -> Evidence:
    """The shop's own word."""
    facts = {"status": status, "error_rate": rate, "ready": "3", "instances": "3", "revision": BAD}
    return evidence(1, "shop", "health", facts)


def log(age: timedelta = timedelta(minutes=4)) -> Evidence:
    """Three commits."""
    facts = {
        "head": BAD,
        "last_commit": BAD,
        "last_author": "Dana Reyes",
        "last_subject": "raise pool size",
        "last_at": (NOW - age).isoformat(),
        "previous_commit": GOOD,
    }
    return evidence(3, "git", "log", facts, body=f"{BAD}\tDana\n{GOOD}\tBo\n{OLDER}\tAnn\n")


def show() -> Evidence:
    """What the bad commit did."""
    return evidence(4, "git", "show", {}, body=DIFF)


def briefing(text: str, seen: tuple[Evidence, ...] | None = None, **given: object) -> Briefing:
    """A request with what was seen."""
    base = Briefing(draft=draft(text), evidence=broken() if seen is None else seen)
    return base.model_copy(update=given)


def registry() -> ToolRegistry:
    """The shipped tools and the demo's own, connected to nothing."""
    connections = {"shop": "http://127.0.0.1:1", "prometheus": "http://127.0.0.1:2"}
    return ToolRegistry.load(DEMO / "tools", connections=connections, remotes=[REMOTE])


async def current(action: str) -> PlanVersion:
    """A version 1 whose first step is this action; a set_value sets pool_size to 20."""
    said = {"git.set_value": "set pool_size to 20", "git.revert_commit": "roll back checkout"}
    outcome = await planner().plan(briefing(said[action]))
    assert outcome.proposal
    tools = registry()
    steps = [
        tools.freeze(step, PROD, number=number, mark="m1")
        for number, step in enumerate(outcome.proposal.steps, start=1)
    ]
    return PlanVersion(
        tenant=Tenant("default"),
        plan_id=PlanId("p1"),
        reference="P-1",
        version=1,
        conversation_id=ConversationId("c1"),
        requester=PersonId("dana"),
        requester_name="Dana",
        intent=said[action],
        title=outcome.proposal.title,
        context=PROD,
        requirements=Requirements(),
        decide_before=NOW,
        start_before=NOW,
        steps=tuple(steps),
        risk=Risk.MEDIUM,
        created_at=NOW,
    )
