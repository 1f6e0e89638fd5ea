"""What people say in the thread, and what the grammar makes of it.

Each row: what is said, the outcome, the tool action of its first step (for plans) or words that
the answer holds, and the value, revision or choice that must be in it.
"""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.draft import Evidence, Outcome, OutcomeKind
from engine.errors import DraftFailed
from engine.llm.grammar import understand
from engine.llm.words import lexicon
from tests.unit.growth import MOST, growth
from tests.unit.planning import BAD, GOOD, briefing, current, evidence, planner, services, well

REVERT, RESTORE, SET = "git.revert_commit", "git.restore", "git.set_value"

# A request, while checkout is broken and nothing was drafted yet.
PLANS = [
    ("roll back checkout", REVERT, BAD),
    ("Please roll checkout back!", REVERT, BAD),
    ("rollback checkout in prod", REVERT, BAD),
    ("can you revert the last change on checkout-api in production?", REVERT, BAD),
    ("could somebody undo the last config change of shop checkout please", REVERT, BAD),
    ("checkout is broken, roll it back", REVERT, BAD),
    ("Undo Dana's commit", REVERT, BAD),
    ("revert 9f3c1e2", REVERT, BAD),
    ("please undo commit 1111111", REVERT, GOOD),
    ("back out the last change", REVERT, BAD),
    ("take back the last commit on checkout", REVERT, BAD),
    ("go back to the previous version", REVERT, BAD),
    ("put checkout back to how it was", REVERT, BAD),
    ("restore the previous config of checkout", REVERT, BAD),
    ("I need you to roll back checkout in prod/eu-1", REVERT, BAD),
    ("we have to roll back, now", REVERT, BAD),
    ("deploy the previous version of checkout", REVERT, BAD),
    ('revert "raise pool size"', REVERT, BAD),
    ("get checkout back to 1111111", RESTORE, GOOD),
    ("we need pool_size 20", SET, 20),
    ("increase the timeout_ms on checkout to 400", SET, 400),
    ("checkout needs a rollback", REVERT, BAD),
    ("draft a rollback for checkout", REVERT, BAD),
    ("do a quick rollback please", REVERT, BAD),
    ("config rollback for checkout, thanks", REVERT, BAD),
    ("hey, would you mind reverting that? roll back checkout", REVERT, BAD),
    ("roll back because customers can't pay", REVERT, BAD),
    ("let's roll back", REVERT, BAD),
    ("fix it", REVERT, BAD),
    ("Draft a fix", REVERT, BAD),
    ("help", REVERT, BAD),
    ("please do something about checkout", REVERT, BAD),
    ("use revision 1111111 instead", RESTORE, GOOD),
    ("roll back to 1111111", RESTORE, GOOD),
    ("deploy 1111111 to checkout", RESTORE, GOOD),
    ("switch checkout back to commit 1111111bbb", RESTORE, GOOD),
    ("restore checkout to 1111111", RESTORE, GOOD),
    ("pin checkout to 1111111 please", RESTORE, GOOD),
    ("set pool_size to 20", SET, 20),
    ("set `pool_size` to `20`", SET, 20),
    ("set pool size to 20 on checkout", SET, 20),
    ("set checkout's pool_size to 20 in prod", SET, 20),
    ("raise the pool size of checkout to 20", SET, 20),
    ("Increase pool_size from 0 to 20.", SET, 20),
    ("checkout pool_size = 20", SET, 20),
    ("pool_size: 20", SET, 20),
    ("pool_size should be 20", SET, 20),
    ("checkout.pool_size=20", SET, 20),
    ("put pool_size back to 10", SET, 10),
    ("roll back pool_size to 10", SET, 10),
    ("use 20 for pool_size", SET, 20),
    ("use a forward fix instead, pool_size 20", SET, 20),
    ("fix forward with pool_size 20", SET, 20),
    ("no rollback, set pool_size to 20", SET, 20),
    ("don't roll back, set pool_size to 20", SET, 20),
    ("set pool_size to 20 instead of rolling back", SET, 20),
    ("set currency to EUR", SET, "EUR"),
    ("set feature.fast_pay to true", SET, True),
]

# Questions, unclear requests and what is out of reach, in the same situation.
WORDS = [
    ("what changed?", OutcomeKind.ANSWER, 'is 9f3c1e2 "raise pool size" by Dana Reyes, 4 min ago'),
    ("what has changed in checkout lately", OutcomeKind.ANSWER, "It changed pool_size 10 -> 0"),
    ("who deployed last?", OutcomeKind.ANSWER, "by Dana Reyes"),
    ("show me the last commits of checkout", OutcomeKind.ANSWER, "9f3c1e2"),
    ("any recent deploys?", OutcomeKind.ANSWER, "9f3c1e2"),
    ("is checkout healthy?", OutcomeKind.ANSWER, "checkout is not healthy: error rate 37 %"),
    ("Is checkout-api ok in production?", OutcomeKind.ANSWER, "not healthy"),
    ("how is checkout doing", OutcomeKind.ANSWER, "not healthy"),
    ("what's the error rate?", OutcomeKind.ANSWER, "37 %"),
    ("status of checkout", OutcomeKind.ANSWER, "3 of 3 ready"),
    ("why is checkout failing?", OutcomeKind.ANSWER, "Most likely: commit 9f3c1e2"),
    ("what went wrong?", OutcomeKind.ANSWER, "Most likely"),
    ("should we roll back?", OutcomeKind.ANSWER, "Most likely"),
    ("investigate checkout", OutcomeKind.ANSWER, "Most likely"),
    ("use revision 9f3c1e2", OutcomeKind.REFUSE, "checkout runs 9f3c1e2 already"),
    ("use revision abcdef1", OutcomeKind.REFUSE, "shop-config has no commit abcdef1"),
    ("revert abcdef1", OutcomeKind.REFUSE, "shop-config has no commit abcdef1"),
    ("use revision deadbeef instead", OutcomeKind.REFUSE, "no commit deadbeef in its last"),
    ("change the DNS record", OutcomeKind.REFUSE, "I can't change the DNS record: no tool covers"),
    ("scale checkout to 5", OutcomeKind.REFUSE, "I can't scale checkout to 5"),
    ("use 5 replicas", OutcomeKind.REFUSE, "no tool covers it"),
    ("please restart checkout", OutcomeKind.REFUSE, "I can't restart checkout"),
    ("rotate the database password", OutcomeKind.REFUSE, "no tool covers it"),
    ("delete the namespace shop in prod", OutcomeKind.REFUSE, "no tool covers it"),
    ("roll back cart", OutcomeKind.REFUSE, "has no `gitops.remote`"),
    ("roll back paymnts", OutcomeKind.QUESTION, "I know no service paymnts"),
    ("roll back web and cart", OutcomeKind.QUESTION, "One service at a time"),
    ("roll back checkout in staging", OutcomeKind.QUESTION, "does not run in staging"),
    ("roll back checkout in us-1", OutcomeKind.QUESTION, "does not run in us-1"),
    ("undo Bo's commit", OutcomeKind.QUESTION, "by Dana Reyes. Is it the one?"),
    ('revert "bill in euro"', OutcomeKind.QUESTION, "Is it the one?"),
    ("undo the revert", OutcomeKind.QUESTION, "Is it the one?"),
    ("set pool_sze to 20", OutcomeKind.QUESTION, "Do you mean pool_size?"),
    ("lower pool_size by 5", OutcomeKind.QUESTION, "To what shall I set pool_size?"),
    ("use 10", OutcomeKind.QUESTION, "Which setting of checkout?"),
    ("set pool_size to 20 and timeout_ms to 400", OutcomeKind.QUESTION, "One setting at a time"),
    ("set pool_size to 20, timeout_ms to 400", OutcomeKind.QUESTION, "One setting at a time"),
    ("roll back checkout and restart it", OutcomeKind.REFUSE, "I can't restart it"),
    ("roll back payments", OutcomeKind.REFUSE, "has no `health.tool`"),
    ("use a forward fix", OutcomeKind.QUESTION, "Which setting of checkout, and to what?"),
    ("set the thing to 20", OutcomeKind.QUESTION, "Which setting of checkout?"),
    ("if it gets worse, roll back", OutcomeKind.QUESTION, "What shall I do with checkout?"),
    ("roll back checkout unless Bo objects", OutcomeKind.QUESTION, "What shall I do"),
    ("checkout", OutcomeKind.QUESTION, "What shall I do with checkout?"),
    ("hello", OutcomeKind.QUESTION, "What shall I do with checkout?"),
]

# Said among people, in a thread that has a plan: nothing of it asks for anything.
REMARKS = [
    "thanks!",
    "ok",
    "nice, that looks right",
    "I rolled back payments yesterday",
    "the rollback worked last time",
    "Bo is reverting something else",
    "don't roll back",
    "do not revert this yet",
    "let's not roll back",
    "we should not touch pool_size",
    'Dana said "roll back"',
    "Dana said roll back checkout",
    "I will revert it myself",
    "customers are complaining",
    "pool_size was 10 before I think",
    "never set pool_size to 0 again",
    "> roll back checkout",
    "```roll back checkout```",
    "the docs say set pool_size to 20",
    "<@U0ANN> roll back checkout",
    "Ann, did you deploy something?",
    "10 was fine",
]

# Corrections of v1 (revert), and of a v2 that sets pool_size to 20.
CORRECTIONS = [
    ("use a forward fix instead, pool_size 20", REVERT, SET, 20),
    ("pool_size 20", REVERT, SET, 20),
    ("no, set pool_size to 20", REVERT, SET, 20),
    ("1111111 instead", REVERT, RESTORE, GOOD),
    ("use revision 1111111 instead", REVERT, RESTORE, GOOD),
    ("make it 25", SET, SET, 25),
    ("25 instead", SET, SET, 25),
    ("use 25", SET, SET, 25),
    ("better roll back", SET, REVERT, BAD),
    ("actually, just revert it", SET, REVERT, BAD),
]


def first_step(outcome: Outcome) -> tuple[str, list[object]]:
    assert outcome.proposal, outcome
    step = outcome.proposal.steps[0]
    return f"{step.tool}.{step.action}", list(step.input.values())


@pytest.mark.parametrize(("text", "action", "value"), PLANS)
async def test_an_order_becomes_a_plan(text: str, action: str, value: object) -> None:
    outcome = await planner().plan(briefing(text))

    said, inputs = first_step(outcome)
    assert said == action
    assert value in inputs


@pytest.mark.parametrize(("text", "kind", "words"), WORDS)
async def test_anything_else_is_answered_asked_or_refused(
    text: str, kind: OutcomeKind, words: str
) -> None:
    outcome = await planner().plan(briefing(text))

    assert (outcome.kind, words in outcome.text) == (kind, True), outcome
    assert len(outcome.choices) <= 4


@pytest.mark.parametrize("text", REMARKS)
async def test_a_remark_changes_nothing(text: str) -> None:
    talked = briefing(text, current=await current(REVERT), history=(f"Dana: {text}",))

    outcome = await planner().plan(talked)

    assert outcome.kind is OutcomeKind.REMARK, outcome
    assert not await planner().readings(talked)


@pytest.mark.parametrize(("text", "before", "action", "value"), CORRECTIONS)
async def test_a_correction_makes_another_version(
    text: str, before: str, action: str, value: object
) -> None:
    outcome = await planner().plan(briefing(text, current=await current(before)))

    said, inputs = first_step(outcome)
    assert said == action
    assert value in inputs


@pytest.mark.parametrize(
    ("text", "before"), [("roll back", REVERT), ("set pool_size to 20", SET), ("make it 20", SET)]
)
async def test_what_the_plan_does_already_makes_no_version(text: str, before: str) -> None:
    outcome = await planner().plan(briefing(text, current=await current(before)))

    assert (outcome.kind, outcome.text) == (OutcomeKind.ANSWER, "v1 does that already.")


@pytest.mark.parametrize("text", ["fix it", "is checkout healthy?"])
async def test_a_healthy_service_is_told_to_be_healthy(text: str) -> None:
    outcome = await planner().plan(briefing(text, well()))

    assert outcome.kind is OutcomeKind.ANSWER
    assert outcome.text.startswith("checkout looks healthy: error rate 0.3 % [2], 3 of 3 ready [1]")


@pytest.mark.parametrize(
    "text", ["roll back checkout", "use revision 1111111", "set pool_size to 20", "revert 9f3c1e2"]
)
async def test_what_is_asked_for_by_name_is_drafted_even_then(text: str) -> None:
    outcome = await planner().plan(briefing(text, well()))

    assert outcome.kind is OutcomeKind.PLAN


async def test_a_bare_place_answers_the_question_before() -> None:
    asked = briefing("prod/eu-1", history=("Dana: roll back checkout", "Dana: prod/eu-1"))

    outcome = await planner().plan(asked)

    assert first_step(outcome)[0] == REVERT


async def test_the_health_of_one_service_says_nothing_about_another() -> None:
    asked = briefing("is payments healthy?", ())

    readings = await planner().readings(asked)
    outcome = await planner().plan(asked)

    assert [one.name for one in readings] == ["changes"]
    assert outcome.text.startswith("I can't tell how payments is")


@pytest.mark.parametrize("text", ["why is checkout slow?", "why is checkout so slow today?"])
async def test_who_asks_why_it_is_slow_hears_that_nobody_looked_at_that(text: str) -> None:
    outcome = await planner().plan(briefing(text, well()))
    other = await planner().plan(briefing("is checkout healthy?", well()))
    read = evidence(5, "prometheus", "query", {"value": "1.8"}).model_copy(
        update={"name": "latency"}
    )
    seen = await planner().plan(briefing(text, (*well(), read)))

    assert "Latency 1.8 [5]." in seen.text
    assert "I did not look at its latency: checkout has no `metrics.latency`" in outcome.text
    assert "latency" not in other.text


async def test_without_anything_to_look_at_the_missing_entries_are_named() -> None:
    outcome = await planner().plan(briefing("why is payments slow?", ()))

    assert "has no `health` and no `metrics.error_rate`" in outcome.text
    assert "payments has no `metrics.latency`" in outcome.text


async def test_words_approve_nothing() -> None:
    for text in ("approve", "lgtm", "ship it", "go for it"):
        outcome = await planner().plan(briefing(text, current=await current(REVERT)))

        assert outcome.kind is OutcomeKind.ANSWER
        assert "buttons" in outcome.text


async def test_an_old_change_is_not_undone_without_being_asked() -> None:
    seen: tuple[Evidence, ...] = (*briefing("").evidence[:2], *well()[2:])

    outcome = await planner().plan(briefing("fix it", seen))

    assert outcome.kind is OutcomeKind.ANSWER
    assert "Less likely" in outcome.text
    assert "I did not draft anything" in outcome.text


SAID = (
    "please set the of pool_size to 20 roll back revert use 1111111 checkout in prod what changed "
    "is not if , . ? \n \" ` > <@U1> -> = instead no 'd it and restart \u202e {steps.1.commit}"
)
VOCABULARY = st.sampled_from(SAID.split(" "))


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(VOCABULARY, max_size=25).map(" ".join)))
async def test_whatever_is_said_ends_in_an_outcome(text: str) -> None:
    asked = briefing(text)

    with suppress(DraftFailed):
        outcome = await planner().plan(asked)

        assert outcome.proposal or outcome.text or outcome.kind is OutcomeKind.REMARK


@pytest.mark.long
@pytest.mark.parametrize(
    "word", ["the", "please", "to", "pool_size", "20", "what", "set", "is", "a"]
)
@pytest.mark.parametrize("first", ["set", "use", "roll", "checkout needs", "show", "what"])
def test_a_long_message_costs_no_more_than_its_length(first: str, word: str) -> None:
    known = lexicon(services(), ["pool_size"])

    def read(words: int) -> object:
        return understand(f"{first} {f'{word} ' * words} end", known, talking=True)

    assert growth(read, 500) < MOST
