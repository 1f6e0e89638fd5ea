"""What a remark about a plan becomes: a version, an answer, or somebody else's matter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.context.services import ServiceFile
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Draft, Outcome, OutcomeKind, Reading
from engine.domain.ids import ConversationId, DraftId, PersonId
from engine.domain.model import Json
from engine.domain.plan import DraftStep, PlanVersion, VersionState
from engine.llm.correcting import BY_EDIT, Correcting
from engine.tools.registry import ToolRegistry
from tests.unit.cards import PLAN, TENANT, version
from tests.unit.governing import People

REMOTE = "https://git.example/shop-config.git"
SHOP = """
tool: shop
title: Shop
transport: api
actions:
  health:
    title: Look at the shop
    effect: read
    request: {path: /health}
    outputs:
      error_rate: {path: error_rate}
  scale:
    title: "Scale to {replicas}"
    effect: write
    request: {method: POST, path: /scale}
    input:
      replicas: {type: integer, min: 1, max: 50}
    outputs:
      replicas: {path: replicas}
    check:
      action: size
      input: {}
      expect: {output: replicas, value: "{replicas}"}
  size:
    title: Count
    effect: read
    request: {path: /size}
    outputs:
      replicas: {path: replicas}
"""
SERVICES = """
environments: {prod: {clusters: [eu-1]}, staging: {clusters: [eu-9]}}
services:
  - name: checkout
    environments: [prod, staging]
    health: {tool: shop, action: health}
  - name: cart
    environments: [prod]
"""


@dataclass
class Inner:
    """The planner behind; it notes what reaches it."""

    name: str = "inner"
    asked: list[Briefing] = field(default_factory=list)

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        self.asked.append(briefing)
        return ()

    async def plan(self, briefing: Briefing) -> Outcome:
        self.asked.append(briefing)
        return Outcome(kind=OutcomeKind.REMARK)


@dataclass
class Talk:
    """A planner, a plan on the table, and what is said about it."""

    planner: Correcting
    inner: Inner
    version: PlanVersion

    async def says(
        self, text: str, state: VersionState = VersionState.WAITING, *, planned: bool = True
    ) -> Outcome:
        draft = Draft(
            id=DraftId("d"),
            tenant=TENANT,
            conversation_id=ConversationId("c"),
            requester=PersonId("dana"),
            requester_name="Dana",
            text=text,
            plan_id=PLAN if planned else None,
            based_on=self.version.version if planned else None,
            created_at=datetime(2026, 11, 22, tzinfo=UTC),
        )
        briefing = Briefing(draft=draft, current=self.version if planned else None, state=state)
        await self.planner.readings(briefing)
        return await self.planner.plan(briefing)


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    (tmp_path / "shop.yaml").write_text(SHOP)
    tools = ToolRegistry.load(
        tmp_path, connections={"shop": "https://shop.example"}, remotes=[REMOTE]
    )
    place = ContextRef(environment="prod", cluster="eu-1", service="checkout")
    steps = [scale(3), setting("20")]
    frozen = tuple(
        tools.freeze(step, place, number=at, mark=f"{PLAN}.2.{at}")
        for at, step in enumerate(steps, 1)
    )
    made = version(steps=frozen, context=place, title="Scale checkout to 3")
    inner = Inner()
    planner = Correcting(inner, tools, ServiceFile.parse(SERVICES), People())
    return Talk(planner, inner, made)


def scale(replicas: int) -> DraftStep:
    return DraftStep(tool="shop", action="scale", input={"replicas": replicas})


def setting(value: str) -> DraftStep:
    given: dict[str, Json] = {"remote": REMOTE, "branch": "main", "path": "a.yaml"}
    values: dict[str, Json] = {"key": "pool_size", "value": value, "expected_head": "a" * 40}
    return DraftStep(tool="git", action="set_value", input={**given, **values})


def steps_of(outcome: Outcome) -> list[dict[str, Json]]:
    assert outcome.proposal is not None
    return [step.input for step in outcome.proposal.steps]


async def test_a_value_and_a_dropped_step_make_a_proposal_without_the_planner(talk: Talk) -> None:
    more = await talk.says("use 5 replicas")
    less = await talk.says("drop step 2")

    assert steps_of(more)[0]["replicas"] == "5"
    assert more.proposal
    assert more.proposal.title == "Scale checkout to 5"
    assert len(steps_of(less)) == 1
    assert talk.inner.asked == []


async def test_the_definition_of_a_write_knows_its_check(talk: Talk) -> None:
    outcome = await talk.says("add a check")

    assert outcome.proposal
    added = outcome.proposal.steps[-1]
    assert (added.tool, added.action) == ("shop", "size")
    assert added.expect
    assert (added.expect.output, added.expect.value) == ("replicas", "3")


async def test_without_one_the_error_rate_of_the_service_is_checked(talk: Talk) -> None:
    only = talk.version.model_copy(update={"steps": talk.version.steps[1:]})
    renumbered = only.steps[0].model_copy(update={"number": 1})
    talk.version = only.model_copy(update={"steps": (renumbered,)})

    outcome = await talk.says("add a check please")

    assert outcome.proposal
    added = outcome.proposal.steps[-1]
    assert (added.tool, added.action, added.title) == (
        "shop",
        "health",
        "Check the error rate of checkout",
    )


async def test_what_is_the_same_or_does_not_fit_is_said_and_makes_nothing(talk: Talk) -> None:
    same = await talk.says("use 3 replicas")
    wrong = await talk.says("use 900 replicas")

    assert (same.kind, same.text) == (OutcomeKind.ANSWER, "v2 does that already.")
    assert wrong.kind is OutcomeKind.REFUSE
    assert "between 1 and 50" in wrong.text


async def test_questions_about_the_plan_are_answered_from_it(talk: Talk) -> None:
    who = await talk.says("who can approve?")
    does = await talk.says("what does step 2 do exactly?")
    fails = await talk.says("what if it fails?")
    nothing = await talk.says("why step 9?")

    assert "1 of sre must approve v2: Ann, Bo." in who.text
    assert "set_value.py" in does.text
    assert "It is undone by: Revert" in does.text
    assert "step 2 by “Revert" in fails.text
    assert "Step 1 has no way back" in fails.text
    assert nothing.kind is OutcomeKind.REFUSE
    assert (await talk.says("dry run first")).dry_run


async def test_another_place_is_planned_anew_by_the_planner(talk: Talk) -> None:
    await talk.says("not in prod")

    briefing = talk.inner.asked[-1]
    assert briefing.current is None
    assert briefing.draft.context.environment == "staging"
    assert briefing.draft.text.endswith("in staging")
    assert briefing.draft.based_on == 2


async def test_a_service_of_one_place_has_no_other(talk: Talk) -> None:
    cart = talk.version.context.model_copy(update={"service": "cart"})
    talk.version = talk.version.model_copy(update={"context": cart})

    outcome = await talk.says("not in prod")

    assert "cart runs in prod alone" in outcome.text
    assert talk.inner.asked == []


async def test_while_it_runs_words_skip_no_step(talk: Talk) -> None:
    outcome = await talk.says("skip step 2", VersionState.EXECUTING)

    assert outcome.kind is OutcomeKind.ANSWER
    assert "card's buttons" in outcome.text


async def test_chatter_and_orders_go_to_the_planner(talk: Talk) -> None:
    for text in ("thanks", "restart cart", "is checkout healthy?"):
        talk.inner.asked.clear()

        assert (await talk.says(text)).kind is OutcomeKind.REMARK
        assert len(talk.inner.asked) == 2


@pytest.mark.parametrize(
    "text",
    ["wait 10 minutes before step 2", "swap step 1 and 2", "do it at 5pm", "run it tomorrow"],
)
async def test_a_change_that_words_can_not_make_is_answered(talk: Talk, text: str) -> None:
    outcome = await talk.says(text)

    assert outcome.text == BY_EDIT


@pytest.mark.parametrize("text", ["step 1 looks good to me", "I did it at 5pm", "thanks"])
async def test_talk_among_people_stays_theirs(talk: Talk, text: str) -> None:
    outcome = await talk.says(text)

    assert outcome.kind is OutcomeKind.REMARK


async def test_why_without_a_step_is_about_the_plan(talk: Talk) -> None:
    outcome = await talk.says("why?")

    assert outcome.kind is OutcomeKind.ANSWER
    assert talk.version.why in outcome.text
    assert talk.version.intent in outcome.text
    assert not talk.inner.asked


@pytest.mark.parametrize(
    "text", ["why step 2?", "what if it fails?", "drop step 2", "who can approve it?"]
)
async def test_a_thread_without_a_plan_says_so(talk: Talk, text: str) -> None:
    outcome = await talk.says(text, planned=False)

    assert outcome.text == "There is no plan in this thread yet."


async def test_other_questions_in_a_thread_without_a_plan_are_planned(talk: Talk) -> None:
    outcome = await talk.says("why?", planned=False)

    assert outcome.kind is OutcomeKind.REMARK
    assert talk.inner.asked
