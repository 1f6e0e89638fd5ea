"""What the default policy answers, and that the engine behind it can be trusted with it."""

import asyncio
import json
import threading
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from engine.domain.actor import ALERTS, GATE, WORKER, Actor, ActorKind, Surface
from engine.domain.call import Call, Effect, Risk
from engine.domain.execution import Choice, Phase
from engine.domain.freeze import FreezeWords, Hold, HoldKind
from engine.domain.glass import Glass
from engine.domain.ids import PersonId
from engine.domain.plan import Origin, PlanVersion, Requirements
from engine.domain.policy import DOORS, Answer, Deed, Question, Ruling
from engine.domain.questions import (
    UNBROKEN,
    Limits,
    to_create,
    to_decide,
    to_execute,
    to_freeze,
    to_operate,
    to_read,
    to_run,
)
from engine.errors import ConfigurationError, Unavailable
from engine.policy.rego import RegoPolicy, ruling
from tests.unit.governing import ANN, BO, CY, DANA, NOW, POLICIES, PROD, call, step, version

DEV = PROD.model_copy(update={"environment": "dev"})
DEFAULT = Limits()
PROGRAM = Actor(
    kind=ActorKind.SERVICE,
    id=PersonId("token:ci"),
    name="ci",
    scopes=("plan.create", "freeze.write", "runbook.read"),
)


@pytest.fixture(scope="module")
def policy() -> RegoPolicy:
    return RegoPolicy([POLICIES])


def create(
    risk: Risk = Risk.MEDIUM,
    *,
    effect: Effect = Effect.WRITE,
    limits: Limits = DEFAULT,
    origin: Origin = Origin.PERSON,
    context: Any = PROD,
    actor: Actor = DANA,
    break_glass: str = "",
) -> Question:
    return to_create(
        actor,
        (step(effect=effect),),
        context,
        risk,
        limits=limits,
        origin=origin,
        requester=DANA.id,
        owners=("shop-owners",),
        break_glass=break_glass,
        now=NOW,
    )


def decide(
    actor: Actor,
    deed: Deed = Deed.PLAN_APPROVE,
    made: PlanVersion | None = None,
    *,
    surface: Surface = Surface.BUTTON,
    limits: Limits = DEFAULT,
    glass: Glass = UNBROKEN,
) -> Question:
    return to_decide(
        actor, deed, made or version(), limits=limits, surface=surface, glass=glass, now=NOW
    )


def run(
    made: Call,
    *,
    phase: Phase = Phase.ACT,
    approvers: Sequence[Any] = (ANN.id,),
    limits: Limits = DEFAULT,
    actor: Actor = WORKER,
    made_of: PlanVersion | None = None,
    holds: Sequence[Hold] = (),
) -> Question:
    return to_run(
        actor,
        made_of or version(),
        made,
        phase=phase,
        reversible=True,
        limits=limits,
        approvers=approvers,
        holds=holds,
        now=NOW,
    )


def start(
    approvers: Sequence[Any],
    *,
    complete: bool = True,
    actor: Actor = WORKER,
    made: PlanVersion | None = None,
    holds: Sequence[Hold] = (),
) -> Question:
    return to_execute(
        actor,
        made or version(),
        limits=DEFAULT,
        approvers=approvers,
        complete=complete,
        holds=holds,
        now=NOW,
    )


def freeze(actor: Actor, deed: Deed = Deed.FREEZE_SET) -> Question:
    words = FreezeWords(environment="prod", reason="release day")
    return to_freeze(actor, deed, words, tenant=PROD.tenant, now=NOW)


def operate(actor: Actor, choice: Choice) -> Question:
    overrides = choice in (Choice.SKIP, Choice.MARK_DONE)
    return to_operate(actor, version(), choice, overrides=overrides, limits=DEFAULT, now=NOW)


def door(actor: Actor, deed: Deed) -> Question:
    return to_read(actor, PROD, limits=DEFAULT, now=NOW, deed=deed)


REVOKING = Deed.TOKEN_REVOKE
STRANGER = PROGRAM.model_copy(update={"id": PersonId("token:other"), "scopes": ()})
LOW_AUTO = Limits(stage="low-auto")
READ_ONLY = Limits(stage="read-only")
LOOK = call("log", Effect.READ)
EDITED = version(editors=(ANN.id,))
EMOJI = version(requirements=Requirements(groups=(("sre",),), emoji=True))
ALLOW, DENY, ASK = Answer.ALLOW, Answer.DENY, Answer.REQUIRE_APPROVAL

NEEDS_GLASS = Requirements(
    people=2, groups=(("shop-owners",), ("sre",)), break_glass=True, within_seconds=3600
)
HIGH = version(risk=Risk.HIGH, requirements=NEEDS_GLASS)
HIGH_EMOJI = version(risk=Risk.HIGH, requirements=NEEDS_GLASS.model_copy(update={"emoji": True}))
HIGH_UNASKED = version(risk=Risk.HIGH)
GLASS = Glass(reason="checkout is down and the fix is known", ticket="OPS-7")
CURT = Glass(reason="because", ticket="OPS-7")
TICKETLESS = Glass(reason="checkout is down and the fix is known")
WHY = "checkout is down and nobody can pay"
FROZEN = (Hold(kind=HoldKind.FREEZE, text="Changes to prod are frozen."),)

TABLE: list[tuple[str, Question, Answer]] = [
    ("read", create(Risk.READ, effect=Effect.READ), ALLOW),
    ("low", create(Risk.LOW, context=DEV), ASK),
    ("low-auto", create(Risk.LOW, context=DEV, limits=LOW_AUTO), ALLOW),
    ("low-auto alert", create(Risk.LOW, context=DEV, limits=LOW_AUTO, origin=Origin.ALERT), ASK),
    ("low-auto prod", create(Risk.LOW, limits=LOW_AUTO), ASK),
    ("medium", create(), ASK),
    ("high", create(Risk.HIGH), ASK),
    ("high by alert", create(Risk.HIGH, origin=Origin.ALERT), DENY),
    ("high by program", create(Risk.HIGH, origin=Origin.API, actor=PROGRAM), DENY),
    ("high asked for", create(Risk.HIGH, origin=Origin.API, actor=PROGRAM, break_glass=WHY), ASK),
    ("destroy called low", create(Risk.LOW, effect=Effect.DESTROY), ASK),
    ("approve high", decide(ANN, made=HIGH, glass=GLASS), ALLOW),
    ("approve high bare", decide(ANN, made=HIGH), DENY),
    ("approve high curt", decide(ANN, made=HIGH, glass=CURT), DENY),
    ("approve high ticketless", decide(ANN, made=HIGH, glass=TICKETLESS), DENY),
    ("approve high own", decide(DANA, made=HIGH, glass=GLASS), DENY),
    ("approve high emoji", decide(ANN, made=HIGH, surface=Surface.EMOJI, glass=GLASS), DENY),
    ("emoji", decide(ANN, made=HIGH_EMOJI, surface=Surface.EMOJI), DENY),
    ("approve high unasked", decide(ANN, made=HIGH_UNASKED, glass=GLASS), DENY),
    ("start high", start((ANN.id, BO.id), made=HIGH), ALLOW),
    ("start high alone", start((ANN.id,), made=HIGH), DENY),
    ("start high unasked", start((ANN.id, BO.id), made=HIGH_UNASKED), DENY),
    ("run high", run(call(), made_of=HIGH, approvers=(ANN.id, BO.id)), ALLOW),
    ("run high unasked", run(call(), made_of=HIGH_UNASKED, approvers=(ANN.id, BO.id)), DENY),
    ("undo high unasked", run(call(), made_of=HIGH_UNASKED, phase=Phase.ROLLBACK), ALLOW),
    ("stage by place", create(limits=Limits(stages={"prod": "read-only"})), DENY),
    ("stage elsewhere", create(limits=Limits(stages={"prod/cart": "read-only"})), ASK),
    ("start frozen", start((ANN.id,), holds=FROZEN), ALLOW),
    ("freeze", freeze(ANN), ALLOW),
    ("freeze outsider", freeze(DANA), DENY),
    ("lift", freeze(ANN, Deed.FREEZE_LIFT), ALLOW),
    ("lift outsider", freeze(CY, Deed.FREEZE_LIFT), DENY),
    ("freeze by program", freeze(PROGRAM), ALLOW),
    ("freeze by worker", freeze(WORKER), DENY),
    ("write called read", create(Risk.READ), DENY),
    ("read-only stage", create(limits=READ_ONLY), DENY),
    ("no environment", create(context=PROD.model_copy(update={"environment": ""})), DENY),
    ("no service", create(context=PROD.model_copy(update={"service": ""})), DENY),
    ("other tenant", create(actor=DANA.model_copy(update={"tenant": "other"})), DENY),
    ("approve", decide(ANN), ALLOW),
    ("approve own", decide(DANA), DENY),
    ("approve edited", decide(ANN, made=EDITED), DENY),
    ("approve outsider", decide(CY), DENY),
    ("approve worker", decide(WORKER), DENY),
    ("approve gate", decide(GATE, surface=Surface.AUTO), DENY),
    ("approve alerts", decide(ALERTS, surface=Surface.ALERT), DENY),
    ("approve emoji", decide(ANN, surface=Surface.EMOJI), DENY),
    ("approve emoji enough", decide(ANN, made=EMOJI, surface=Surface.EMOJI), ALLOW),
    ("approve auto", decide(ANN, surface=Surface.AUTO), DENY),
    ("approve read-only", decide(ANN, limits=READ_ONLY), DENY),
    ("reject", decide(BO, Deed.PLAN_REJECT), ALLOW),
    ("reject own", decide(DANA, Deed.PLAN_REJECT), ALLOW),
    ("reject outsider", decide(CY, Deed.PLAN_REJECT), DENY),
    ("withdraw", decide(ANN, Deed.PLAN_WITHDRAW), ALLOW),
    ("start", start((ANN.id,)), ALLOW),
    ("start alone", start(()), DENY),
    ("start own", start((DANA.id,)), DENY),
    ("start incomplete", start((ANN.id,), complete=False), DENY),
    ("start by person", start((ANN.id,), actor=ANN), DENY),
    ("start by alerts", start((ANN.id,), actor=ALERTS), DENY),
    ("run", run(call()), ALLOW),
    ("run unapproved", run(call(), approvers=()), DENY),
    ("run check", run(LOOK), ALLOW),
    ("run destroy", run(call(effect=Effect.DESTROY)), DENY),
    ("undo", run(call(), phase=Phase.ROLLBACK, approvers=(), limits=READ_ONLY), ALLOW),
    ("run by person", run(call(), actor=ANN), DENY),
    ("look", to_read(WORKER, PROD, limits=READ_ONLY, now=NOW, call=LOOK), ALLOW),
    ("look person", to_read(CY, PROD, limits=DEFAULT, now=NOW, call=LOOK), ALLOW),
    ("look by writing", to_read(WORKER, PROD, limits=DEFAULT, now=NOW, call=call()), DENY),
    ("see plan", to_read(CY, PROD, limits=DEFAULT, now=NOW, deed=Deed.PLAN_READ), ALLOW),
    *((f"{deed} person", door(CY, deed), ALLOW) for deed in DOORS if deed is not REVOKING),
    *((f"{deed} stranger", door(STRANGER, deed), DENY) for deed in DOORS),
    ("revoke", door(ANN, REVOKING), ALLOW),
    ("revoke outsider", door(CY, REVOKING), DENY),
    ("its scope", door(PROGRAM, Deed.KNOWLEDGE_READ), ALLOW),
    ("not its scope", door(PROGRAM, Deed.KNOWLEDGE_WRITE), DENY),
    ("look by program", to_read(PROGRAM, PROD, limits=DEFAULT, now=NOW, call=LOOK), ALLOW),
    ("see log", to_read(CY, PROD, limits=DEFAULT, now=NOW, deed=Deed.EXECUTION_READ), ALLOW),
    *((choice.value, operate(ANN, choice), ALLOW) for choice in Choice),
    ("hold outsider", operate(DANA, Choice.HOLD), DENY),
    ("skip own", operate(DANA, Choice.SKIP), DENY),
    ("mark done outsider", operate(CY, Choice.MARK_DONE), DENY),
]


@pytest.mark.parametrize(("question", "answer"), [row[1:] for row in TABLE], ids=lambda _: "")
async def test_the_default_policy_decides_as_designed(
    policy: RegoPolicy, question: Question, answer: Answer
) -> None:
    given = await policy.ask(question)

    assert given.decision is answer, given.reasons
    assert given.id
    assert len(given.input_digest) == 64
    assert bool(given.reasons) is (answer is DENY)


async def test_medium_needs_one_of_sre_within_four_hours(policy: RegoPolicy) -> None:
    given = await policy.ask(create(limits=Limits(emoji_max_risk="medium")))

    assert given.requirements == Requirements(
        people=1, groups=(("sre",),), emoji=True, within_seconds=14400
    )
    assert given.constraints.environments == ("prod",)


async def test_high_needs_two_people_within_an_hour(policy: RegoPolicy) -> None:
    given = await policy.ask(create(Risk.HIGH, limits=Limits(emoji_max_risk="medium")))

    assert given.requirements == Requirements(
        people=2,
        groups=(("shop-owners",), ("sre",)),
        emoji=False,
        break_glass=True,
        within_seconds=3600,
    )


async def test_a_program_is_told_how_to_ask_for_break_glass(policy: RegoPolicy) -> None:
    given = await policy.ask(create(Risk.HIGH, origin=Origin.API, actor=PROGRAM))

    assert given.reasons == (
        "Not allowed: a high-risk change in prod needs break-glass. Ask for it with the reason: "
        "X-Break-Glass, or --break-glass on the command line (rule `break_glass.program`).",
    )


async def test_a_program_may_ask_for_break_glass_where_the_risk_does_not(
    policy: RegoPolicy,
) -> None:
    given = await policy.ask(create(origin=Origin.API, actor=PROGRAM, break_glass=WHY))

    assert (given.requirements.people, given.requirements.break_glass) == (2, True)
    assert given.requirements.within_seconds == 3600


async def test_a_freeze_holds_what_starts_and_what_changes_but_not_what_looks_or_undoes(
    policy: RegoPolicy,
) -> None:
    said = ("Changes to prod are frozen.",)

    starting = await policy.ask(start((ANN.id,), holds=FROZEN))
    changing = await policy.ask(run(call(), holds=FROZEN))
    looking = await policy.ask(run(LOOK, holds=FROZEN))
    undoing = await policy.ask(run(call(), phase=Phase.ROLLBACK, holds=FROZEN))

    assert (starting.constraints.hold, changing.constraints.hold) == (said, said)
    assert (looking.constraints.hold, undoing.constraints.hold) == ((), ())
    assert {one.decision for one in (starting, changing, looking, undoing)} == {ALLOW}


async def test_own_rules_let_a_change_pass_a_freeze(tmp_path: Path) -> None:
    head = "package policy.assistant.v1\nimport rego.v1\n"
    rule = f'{head}exempt if input.context.service == "checkout"\n'
    (tmp_path / "mine.rego").write_text(rule)
    policy = RegoPolicy([POLICIES, tmp_path])

    given = await policy.ask(start((ANN.id,), holds=FROZEN))

    assert given.constraints.hold == ()


async def test_names_with_quotes_and_newlines_do_not_change_the_question(
    policy: RegoPolicy,
) -> None:
    sly = CY.model_copy(update={"name": 'x","groups":["sre"],"y":"\n\\\x00', "groups": ('"sre',)})

    given = await policy.ask(decide(sly))

    assert given.decision is DENY


@pytest.mark.parametrize("name", ["stage", "requester", "editors", "requirements", "surface"])
async def test_a_question_that_lacks_a_fact_is_denied(policy: RegoPolicy, name: str) -> None:
    whole = decide(ANN)
    facts = {key: value for key, value in whole.facts.items() if key != name}

    given = await policy.ask(whole.model_copy(update={"facts": facts}))

    assert given.decision is DENY
    assert name in given.reasons[0]


GOOD: dict[str, Any] = {
    "decision": "allow",
    "requirements": {},
    "constraints": {},
    "ttl": 0,
    "reasons": [],
}


@pytest.mark.parametrize(
    "output",
    [
        "undefined",
        "",
        "Errors: something",
        "{}",
        '{"expressions":[]}',
        '{"expressions":[true]}',
        json.dumps({"expressions": [GOOD, GOOD]}),
        json.dumps({"expressions": [{**GOOD, "decision": "ALLOW"}]}),
        json.dumps({"expressions": [{**GOOD, "extra": 1}]}),
        json.dumps({"expressions": [{**GOOD, "ttl": -1}]}),
        json.dumps({"expressions": [{**GOOD, "reasons": "none"}]}),
        json.dumps({"expressions": [{k: v for k, v in GOOD.items() if k != "reasons"}]}),
        json.dumps({"expressions": [{**GOOD, "requirements": {"people": -1}}]}),
    ],
)
def test_anything_but_a_known_answer_is_a_deny(output: str) -> None:
    assert ruling(output, "").decision is DENY


def test_the_one_known_form_is_read() -> None:
    assert ruling(json.dumps({"expressions": [GOOD]}), "").decision is ALLOW


def extended(folder: Path, source: str) -> RegoPolicy:
    (folder / "own.rego").write_text(f"package policy.assistant.v1\nimport rego.v1\n{source}\n")
    return RegoPolicy([POLICIES, folder])


async def test_a_rule_of_ones_own_can_refuse(tmp_path: Path) -> None:
    own = extended(tmp_path, 'refusals contains "Not on Fridays." if input.action == "plan.create"')

    given = await own.ask(create())

    assert given.decision is DENY
    assert given.reasons == ("Not on Fridays.",)


async def test_the_roles_are_data_that_a_folder_replaces(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"roles": {"operators": ["security"]}}')
    own = RegoPolicy([POLICIES, tmp_path])

    assert (await own.ask(operate(CY, Choice.HOLD))).decision is ALLOW
    assert (await own.ask(operate(ANN, Choice.HOLD))).decision is DENY
    assert (await own.ask(operate(ANN, Choice.SKIP))).decision is ALLOW


@pytest.mark.parametrize(
    "source",
    [
        "env := opa.runtime().env",
        'answer := http.send({"method": "get", "url": "http://example"})',
        "this is no rego",
        'granted if input.action == "plan.approve"\ndecision := "allow"',
    ],
)
def test_a_policy_that_can_not_be_trusted_is_not_started(tmp_path: Path, source: str) -> None:
    with pytest.raises((ConfigurationError, Unavailable)):
        extended(tmp_path, source)


def test_threads_get_the_right_answers(policy: RegoPolicy) -> None:
    wrong: list[Ruling] = []

    def ask(question: Question, answer: Answer) -> None:
        for _ in range(300):
            given = asyncio.run(policy.ask(question))
            if given.decision is not answer:
                wrong.append(given)

    pairs = [(decide(ANN), ALLOW), (decide(DANA), DENY)] * 4
    threads = [threading.Thread(target=ask, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert wrong == []


def test_every_rule_file_has_its_tests() -> None:
    folder = POLICIES / "policy" / "assistant" / "v1"
    rules = {path.stem for path in folder.glob("*.rego") if not path.stem.endswith("_test")}
    tests = {path.stem.removesuffix("_test") for path in folder.glob("*_test.rego")}

    assert rules == tests
    assert len(rules) == 8


def test_every_kind_of_question_is_in_the_table() -> None:
    asked = {question.action for _, question, _ in TABLE}

    assert asked == set(Deed)


def test_no_combination_of_person_surface_and_stage_approves_ones_own_write(
    policy: RegoPolicy,
) -> None:
    for surface, stage in product(Surface, ("read-only", "approve-all", "low-auto")):
        limits = Limits.model_validate({"stage": stage, "emoji_max_risk": "medium"})
        given = asyncio.run(policy.ask(decide(DANA, made=EMOJI, surface=surface, limits=limits)))
        assert given.decision is DENY
