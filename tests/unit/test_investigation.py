"""What a model may look at before it answers, how much, and how that is told."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.domain.draft import Briefing, OutcomeKind
from engine.domain.spending import Hold, Spent
from engine.errors import DraftFailed, Unavailable
from engine.llm.exchange import Asked, FunctionCall, Reply
from engine.llm.fallback import FallbackPlanner
from engine.llm.investigation import LookLimits
from engine.llm.planner import ModelPlanner
from tests.unit.models import Obeying, Wishes, modelled, plan, world
from tests.unit.planning import BAD, NOW, REMOTE, briefing, evidence

PLACE = {"remote": REMOTE, "branch": "main"}
WHY = "why is checkout failing?"


def looks(*wanted: tuple[str, Any]) -> Callable[[Asked], Reply]:
    """A model that wants these reads whenever it may, and answers when it may not."""
    calls = tuple(
        FunctionCall(name, given if isinstance(given, str) else json.dumps(given))
        for name, given in wanted
    )
    said = json.dumps(plan(kind="answer", text="It is the commit.", title="", steps=[]))
    return lambda asked: Reply("", calls=calls) if asked.functions else Reply(said)


def looking(
    answer: Callable[[Asked], Reply], reads: int = 12, seconds: float = 60
) -> tuple[ModelPlanner, Obeying]:
    provider = Obeying(answer)
    wishes = Wishes(looks=LookLimits(reads, seconds), clock=lambda: NOW)
    return modelled(provider, wishes=wishes), provider


def heads(count: int) -> tuple[tuple[str, Any], ...]:
    return tuple(("git__head", {**PLACE, "branch": f"b{at}"}) for at in range(count))


async def test_reads_beyond_the_limit_are_named_and_not_made() -> None:
    planner, _ = looking(looks(*heads(9)), reads=6)
    given = briefing(WHY, briefing("").evidence[:2])

    wanted = await planner.readings(given)

    assert [bool(one.refused) for one in wanted] == [False, False, False, True]
    assert wanted[-1].refused == "I stop after 6 reads. Also wanted: git head."


async def test_at_the_limit_the_model_only_answers() -> None:
    planner, provider = looking(looks(*heads(3)), reads=4)

    wanted = await planner.readings(briefing(WHY))
    outcome = await planner.plan(briefing(WHY))

    assert wanted == ()
    assert outcome.kind is OutcomeKind.ANSWER
    assert [len(one.functions) for one in provider.asked] == [0]


async def test_after_its_time_the_model_only_answers() -> None:
    planner, provider = looking(looks(*heads(3)), seconds=30)
    late = tuple(
        one.model_copy(update={"at": NOW - timedelta(seconds=31)}) for one in briefing("").evidence
    )

    assert await planner.readings(briefing(WHY, late)) == ()
    assert provider.asked == []


async def test_an_answer_that_comes_instead_of_reads_is_not_asked_for_again() -> None:
    said = json.dumps(plan(kind="answer", text="It is the commit.", title="", steps=[]))
    planner, provider = looking(lambda _: Reply(said))

    assert await planner.readings(briefing(WHY)) == ()
    outcome = await planner.plan(briefing(WHY))

    assert outcome.text == "It is the commit."
    assert len(provider.asked) == 1


async def test_a_model_that_asks_for_the_same_again_and_again_is_stopped() -> None:
    head = evidence(5, "git", "head", {"head": BAD})
    seen = (*briefing("").evidence, head.model_copy(update={"input": PLACE}))
    planner, provider = looking(looks(("git__head", PLACE)))
    given = briefing(WHY, seen)

    assert await planner.readings(given) == ()
    with pytest.raises(DraftFailed, match="made already"):
        await planner.plan(given)
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("git__head", "not json", "not JSON"),
        ("git__head", "[]", "no JSON object"),
        ("git__head", '{"branch": "a", "branch": "b"}', "twice"),
        ("git__head", '{"branch": "\\u0000"}', "control character"),
        ("kubectl__get", {"kind": "pod", "all_namespaces": "yes"}, "belongs to others"),
        ("kubectl__get", {"kind": "deployment", "name": "payroll"}, "nothing of checkout"),
        ("kubectl__logs", {"name": "x", "namespace": "kube-system"}, "nothing of checkout"),
        ("vault__kv_metadata", {"path": "payroll/root"}, "nothing of checkout"),
        ("git__show", {**PLACE, "commit": "d" * 40}, "no commit that was looked at"),
    ],
)
async def test_what_is_refused_says_why(name: str, arguments: Any, why: str) -> None:
    planner, _ = looking(looks((name, arguments)))

    (reading,) = await planner.readings(briefing(WHY))

    assert why in reading.refused


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("kubectl__get", {"kind": "deployment", "name": "checkout", "namespace": "shop"}),
        ("kubectl__logs", {"name": "checkout-7d9f-x1"}),
        ("kubectl__get", {"kind": "statefulset", "name": "orders-db", "namespace": "data"}),
        ("git__show", {**PLACE, "commit": BAD}),
        ("git__show", {**PLACE, "commit": "abcdef1"}),
    ],
)
async def test_the_service_and_what_it_needs_may_be_looked_at(name: str, arguments: Any) -> None:
    planner, _ = looking(looks((name, arguments)))

    (reading,) = await planner.readings(briefing("why is checkout failing since abcdef1?"))

    assert reading.refused == ""


async def test_a_model_that_fails_while_it_looks_is_not_waited_for_twice() -> None:
    def away(_: Asked) -> Reply:
        raise Unavailable("model", "The language model does not answer: no way.")

    planner, provider = looking(away)
    both = FallbackPlanner(planner, world()[2])

    await both.readings(briefing("roll back checkout"))
    outcome = await both.plan(briefing("roll back checkout"))

    assert outcome.note.startswith("The language model does not answer; this draft comes from")
    assert len(provider.asked) == 1


async def test_over_budget_the_playbook_drafts_and_the_reason_is_told() -> None:
    class Empty:
        async def reserve(self, person: str, spent: Spent) -> Hold:
            refusal = f"{person}'s budget for the language model is used up until 00:00 UTC."
            return Hold(day=NOW.date(), person=person, spent=spent, refusal=refusal)

        async def settle(self, hold: Hold, spent: Spent) -> None:
            raise AssertionError

    provider = Obeying(lambda _: Reply("{}"))
    planner = modelled(provider, wishes=Wishes(spending=Empty()))

    outcome = await FallbackPlanner(planner, world()[2]).plan(briefing("roll back checkout"))

    assert outcome.note == (
        "dana's budget for the language model is used up until 00:00 UTC; this draft comes from "
        "the playbook *roll back a config change*."
    )
    assert provider.asked == []


async def test_only_what_was_offered_may_be_proposed() -> None:
    planner, provider = looking(looks())
    given: Briefing = briefing("roll back checkout")

    await planner.plan(given)

    offered = json.dumps(provider.asked[0].form)
    names = {str(one["name"]).partition(".")[0] for one in world()[1].catalogue()}
    assert all(f'"{name}"' in offered for name in names)
