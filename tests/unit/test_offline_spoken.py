"""Requests without a playbook, as the product drafts them: connected tools, a thread, evidence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.context.services import ServiceFile
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Evidence, OutcomeKind
from engine.domain.plan import Origin
from engine.llm.offline import OfflinePlanner
from engine.llm.operations import Operations, SketchKind
from engine.llm.playbooks import load_playbooks
from engine.tools.registry import ToolRegistry
from tests.unit.growth import MOST, growth
from tests.unit.planning import BAD, DEMO, briefing, draft, evidence, log, services, show

CONNECTED = frozenset(
    {"git", "shop", "prometheus", "git.log", "git.show", "git.set_value", "git.revert_commit"}
    | {"shop.health", "prometheus.query", "prometheus.range"}
)
STAGING = ContextRef(environment="staging", cluster="eu-1", service="cart", namespace="shop")
SHOP = """
environments:
  prod: {clusters: [eu-1, us-1]}
  staging: {clusters: [eu-1]}
services:
  - {name: cart, namespace: shop, kind: deployment, owners: [shop], environments: [prod, staging]}
  - {name: auth, namespace: platform, kind: deployment, owners: [shop], environments: [prod]}
"""


@pytest.fixture(scope="module", name="tools")
def load_tools() -> ToolRegistry:
    return ToolRegistry.unconnected()


@pytest.fixture(scope="module", name="planner")
def build_planner(tools: ToolRegistry) -> OfflinePlanner:
    names = frozenset(str(one["name"]) for one in tools.catalogue())
    return OfflinePlanner(ServiceFile.parse(SHOP), (), names)


def asked(text: str, context: ContextRef = STAGING, seen: tuple[Evidence, ...] = ()) -> Briefing:
    return Briefing(draft=draft(text, context=context), evidence=seen, history=(f"Dana: {text}",))


async def test_an_order_takes_its_place_from_the_channel(
    planner: OfflinePlanner, tools: ToolRegistry
) -> None:
    outcome = await planner.plan(asked("restart it please"))

    assert outcome.proposal
    assert outcome.proposal.context == STAGING
    step = tools.freeze(outcome.proposal.steps[0], STAGING, number=1, mark="m1")
    assert step.call.commands[-1][1:3] == ("--context=eu-1", "--namespace=shop")


async def test_every_cluster_of_the_environment_is_meant_where_none_is_named(
    planner: OfflinePlanner, tools: ToolRegistry
) -> None:
    outcome = await planner.plan(asked("scale cart to 4 in prod", ContextRef()))

    assert outcome.proposal
    frozen = [
        tools.freeze(step, outcome.proposal.context, number=number, mark="m1")
        for number, step in enumerate(outcome.proposal.steps, start=1)
    ]
    told = [argument for step in frozen for argument in step.call.commands[-1]]
    assert (told.count("--context=eu-1"), told.count("--context=us-1")) == (2, 2)


async def test_a_number_that_depends_on_what_runs_is_looked_up_first(
    planner: OfflinePlanner,
) -> None:
    first = asked("add 2 replicas to cart")
    readings = await planner.readings(first)
    found = evidence(1, "kubectl", "get", {"replicas": "3"})
    seen = found.model_copy(update={"name": readings[0].name})

    outcome = await planner.plan(first.model_copy(update={"evidence": (seen,)}))

    assert [(one.tool, one.action) for one in readings] == [("kubectl", "get")]
    assert outcome.proposal
    assert outcome.proposal.steps[0].input["replicas"] == 5


async def test_a_bare_place_answers_which_one(planner: OfflinePlanner) -> None:
    before = await planner.plan(asked("restart cart", ContextRef()))
    answer = asked("staging", ContextRef()).model_copy(
        update={"history": ("Dana: restart cart", "Dana: staging")}
    )

    after = await planner.plan(answer)

    assert (before.kind, before.choices) == (OutcomeKind.QUESTION, ("prod", "staging"))
    assert after.proposal
    assert after.proposal.context.environment == "staging"


async def test_a_question_is_answered_from_the_file_and_from_what_was_read(
    planner: OfflinePlanner,
) -> None:
    question = asked("who owns cart, and is it healthy?")
    seen = evidence(1, "kubectl", "rollout_status", {"complete": "yes"}).model_copy(
        update={"title": "Rollout of cart", "summary": "rollout complete: yes"}
    )

    owner = await planner.plan(asked("who owns cart?"))
    readings = await planner.readings(asked("is cart healthy?"))
    health = await planner.plan(asked("is cart healthy?", seen=(seen,)))

    assert question.draft.text
    assert (owner.kind, owner.text) == (OutcomeKind.ANSWER, "cart is owned by shop.")
    assert all(one.context and one.context.cluster == "eu-1" for one in readings)
    assert "Rollout of cart: rollout complete: yes" in health.text


@pytest.mark.parametrize(
    "text", ["Bo restarts cart", "I scaled cart to 4", "thanks", "cart was restarted", "looks bad"]
)
async def test_talk_in_a_thread_that_has_begun_is_a_remark(
    planner: OfflinePlanner, text: str
) -> None:
    talk = asked(text).model_copy(update={"history": ("Dana: restart cart", f"Dana: {text}")})

    outcome = await planner.plan(talk)

    assert outcome.kind is OutcomeKind.REMARK, outcome


async def test_the_words_of_an_alert_are_no_order(planner: OfflinePlanner) -> None:
    alert = draft("restart cart in prod", origin=Origin.ALERT, context=STAGING)

    outcome = await planner.plan(Briefing(draft=alert.model_copy(update={"labels": {}})))

    assert outcome.proposal is None


async def test_a_playbook_is_taken_by_its_name_and_an_unknown_one_is_asked_about(
    tools: ToolRegistry,
) -> None:
    names = frozenset({"git", "shop"} | {str(one["name"]) for one in tools.catalogue()})
    planner = OfflinePlanner(services(), load_playbooks(DEMO / "playbooks"), names)
    seen = (log(), show())

    known = await planner.plan(briefing("run the playbook Roll back a config change", seen))
    other = await planner.plan(briefing("run the playbook make coffee", seen))

    assert known.proposal
    assert known.proposal.steps[0].input["commit"] == BAD
    assert other.kind is OutcomeKind.QUESTION
    assert "There are: put a config revision back" in other.text


SAID = (
    "please restart scale roll back cart auth in prod staging to 5 v1.2.3 and , . ? not if it the "
    "needs more replicas deploy set log_level = debug rotate secret who owns why is -> by two "
    "don't tomorrow approve ` $( && --force \u202e {steps.1.commit} <@U1> @ everything or & : ;"
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(SAID.split()), max_size=20)))
def test_whatever_is_written_is_read(tools: ToolRegistry, said: str | list[str]) -> None:
    names = [str(one["name"]) for one in tools.catalogue()]
    text = said if isinstance(said, str) else " ".join(said)

    sketch = Operations(ServiceFile.parse(SHOP), names).read(text, ContextRef())

    assert sketch.understood
    assert bool(sketch.steps) or sketch.kind is not SketchKind.PLAN
    for number, step in enumerate(sketch.steps if sketch.kind is SketchKind.PLAN else (), start=1):
        tools.freeze(step, sketch.context, number=number, mark="m1")


@pytest.mark.long
@pytest.mark.parametrize("word", ["the", "please", "cart", "5", "and", "needs", "in prod", "no"])
@pytest.mark.parametrize("first", ["scale", "cart needs", "it is", "rotate", "show", "i want to"])
def test_a_long_message_costs_no_more_than_its_length(word: str, first: str) -> None:
    operations = Operations(ServiceFile.parse(SHOP), ())

    def read(words: int) -> object:
        return operations.read(f"{first} {f'{word} ' * words} end", ContextRef())

    assert growth(read, 200) < MOST


async def test_only_what_the_connected_tools_can_do_here_is_promised() -> None:
    names = frozenset({"git.log", "git.revert_commit", "git.set_value", "shop.health"})
    planner = OfflinePlanner(services(), load_playbooks(DEMO / "playbooks"), names)

    refused = await planner.plan(briefing("cordon the node of checkout", seen=()))
    asked_back = await planner.plan(briefing("never restart checkout", seen=()))
    operations = Operations(services(), names, load_playbooks(DEMO / "playbooks"))
    able = operations.read("what can you do?", ContextRef())

    assert refused.text.endswith("I can roll back or set a value.")
    assert not [one for one in asked_back.choices if "restart" in one]
    assert "roll back checkout in prod" in asked_back.choices
    assert "draft plans: roll back, set a value. " in able.reason


@pytest.mark.parametrize(
    "text", ["Warum ist checkout langsam?", "Was ist mit checkout los?", "is checkout kaputt?"]
)
async def test_a_question_about_a_known_service_gets_a_verdict_in_any_words(text: str) -> None:
    planner = OfflinePlanner(services(), load_playbooks(DEMO / "playbooks"), CONNECTED)

    outcome = await planner.plan(briefing(text))

    assert outcome.text.startswith("checkout is not healthy")
    assert "%" in outcome.text


@pytest.mark.parametrize("text", ["is the moon healthy?", "is moon healthy?"])
async def test_a_name_that_no_service_has_is_told(text: str) -> None:
    planner = OfflinePlanner(services(), load_playbooks(DEMO / "playbooks"), CONNECTED)
    nowhere = Briefing(draft=draft(text, context=ContextRef()))

    outcome = await planner.plan(nowhere)

    assert outcome.text.startswith("I know no service moon.")


async def test_parts_of_a_command_line_are_no_value_of_a_setting() -> None:
    planner = OfflinePlanner(services(), load_playbooks(DEMO / "playbooks"), CONNECTED)

    outcome = await planner.plan(briefing("set timeout_ms to $(rm -rf /)"))

    assert outcome.kind is OutcomeKind.REFUSE
    assert "command line" in outcome.text
