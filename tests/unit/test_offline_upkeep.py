"""Nodes, single pods and alerts without a model: what is frozen, and what is not guessed."""

import pytest

from engine.context.services import ServiceFile
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Evidence, OutcomeKind
from engine.llm.grammar import Segment
from engine.llm.offline import OfflinePlanner
from engine.llm.playbooks import load_playbooks
from engine.llm.spans import span
from engine.llm.words import lexicon, read
from engine.tools.registry import ToolRegistry
from tests.unit.planning import DEMO, briefing, draft, services

TOOLS = ToolRegistry.unconnected()
NAMES = frozenset(str(one["name"]) for one in TOOLS.catalogue())
SHOP = ServiceFile.parse("""
environments:
  prod: {clusters: [eu-1, us-1]}
  staging: {clusters: [eu-1]}
services:
  - {name: cart, namespace: shop, kind: deployment, owners: [shop], environments: [prod, staging]}
  - {name: cart-db, namespace: data, kind: statefulset, owners: [shop], environments: [staging]}
""")
NOWHERE = ContextRef()


def asked(text: str, context: ContextRef = NOWHERE, seen: tuple[Evidence, ...] = ()) -> Briefing:
    return Briefing(draft=draft(text, context=context), evidence=seen, history=(f"Dana: {text}",))


def planner() -> OfflinePlanner:
    return OfflinePlanner(SHOP, (), NAMES)


async def frozen(text: str, context: ContextRef = NOWHERE) -> list[list[str]]:
    """The last command of each step."""
    outcome = await planner().plan(asked(text, context))
    assert outcome.proposal, outcome.text
    steps = [
        TOOLS.freeze(step, outcome.proposal.context, number=number, mark="m1")
        for number, step in enumerate(outcome.proposal.steps, start=1)
    ]
    return [list(step.call.commands[-1]) for step in steps]


async def test_a_node_is_drained_in_its_own_cluster() -> None:
    drain, look = await frozen("drain worker-3 in prod us-1")

    assert drain[:3] == ["kubectl", "--context=us-1", "drain"]
    assert drain[-1] == look[-1] == "worker-3"


async def test_a_thread_about_a_cluster_says_where_the_node_is() -> None:
    drain, _ = await frozen("drain worker-3", ContextRef(environment="prod", cluster="us-1"))
    question = await planner().plan(asked("drain worker-3", ContextRef(environment="prod")))

    assert "--context=us-1" in drain
    assert question.kind is OutcomeKind.QUESTION
    assert question.choices == (
        "drain node worker-3 in prod/eu-1",
        "drain node worker-3 in prod/us-1",
    )


async def test_a_pod_belongs_to_the_longest_name_that_it_begins_with() -> None:
    delete, _ = await frozen("delete pod cart-db-0 in staging")
    other, _ = await frozen("kill cart-7c9d8f6b5c-x2x9p in staging")

    assert "--namespace=data" in delete
    assert "--namespace=shop" in other
    assert delete[-2:] == ["pod", "cart-db-0"]


async def test_a_silence_is_for_what_was_named_and_no_longer() -> None:
    silence, look = await frozen("silence HighErrorRate of cart for an hour and a half")

    assert silence[-2:] == ["alertname=HighErrorRate", "service=cart"]
    assert "--duration=90m" in silence
    assert look[-1] == "alertname=HighErrorRate"


async def test_only_the_one_silence_that_matches_is_ended() -> None:
    outcome = await planner().plan(asked("unsilence HighErrorRate"))

    assert outcome.proposal
    first, end, last = outcome.proposal.steps
    assert first.expect
    assert last.expect
    assert (first.expect.output, first.expect.value) == ("silences", "1")
    assert end.input == {"id": "{steps.1.id}"}
    assert last.expect.value == "0"


@pytest.mark.parametrize(
    "text",
    ["drain worker-3 in prod/eu-1", "silence HighErrorRate for 2h", "kill pod web-0 in prod"],
)
async def test_without_the_tool_nothing_is_promised(text: str) -> None:
    connected = frozenset({"git", "shop", "git.log", "git.revert_commit", "shop.health"})
    here = OfflinePlanner(services(), load_playbooks(DEMO / "playbooks"), connected)

    outcome = await here.plan(briefing(text))

    assert outcome.kind is OutcomeKind.REFUSE
    assert "no tool covers it" in outcome.text


@pytest.mark.parametrize(
    ("said", "lasts"),
    [
        ("for 2h", "2h"),
        ("for 30 minutes", "30m"),
        ("for the next two hours", "2h"),
        ("for half an hour", "30m"),
        ("for an hour and a half", "90m"),
        ("for 2d", "2d"),
        ("for 1 week", "7d"),
        ("for 8 days", ""),
        ("for 90 days", ""),
        ("forever", ""),
        ("and LowDiskSpace for 1h", "1h"),
        ("for 30", ""),
    ],
)
def test_how_long_is_read_or_asked_for(said: str, lasts: str) -> None:
    words = read(f"silence HighErrorRate {said}", lexicon(SHOP))

    assert span(Segment(words)) == lasts
