"""Who may release a plan, and what everybody is told."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.domain.actor import ALERTS, WORKER, Actor, Surface
from engine.domain.approval import Decided, Verdict
from engine.domain.call import Effect, Risk
from engine.domain.plan import Origin, Requirements, VersionState
from engine.domain.policy import Question, Ruling
from engine.errors import Conflict, NotAllowed, NotFound, Tampered, Unavailable
from tests.unit.governing import ANN, BO, CY, DANA, PLAN, Hall, open_hall, person, step, version

TWO = Requirements(people=2, groups=(("sre",),))


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    opened = open_hall(tmp_path)
    opened.memory.put(version())
    return opened


async def say(
    hall: Hall,
    actor: Actor,
    verdict: Verdict = Verdict.APPROVE,
    number: int = 1,
    surface: Surface = Surface.BUTTON,
    **more: Any,
) -> Decided:
    return await hall.gate.decide(actor, PLAN, number, verdict, surface=surface, **more)


async def test_a_colleague_of_the_asked_group_releases_the_plan(hall: Hall) -> None:
    decided = await say(hall, ANN)

    assert decided.complete
    assert decided.text == "You approved v1; it starts now."
    assert hall.memory.states[1] is VersionState.APPROVED
    assert hall.memory.jobs_added == [("execution.wake", {"plan_id": PLAN, "version": 1})]
    assert [event.decision for event in hall.memory.audited] == ["allow"]
    assert hall.memory.touched == 1


async def test_what_is_signed_names_who_what_and_why(hall: Hall) -> None:
    await say(hall, BO, reason="looks right")

    statement = hall.memory.signed[0].statement
    assert (statement.person, statement.groups, statement.surface) == (BO.id, ("sre",), "button")
    assert statement.digest == hall.memory.versions[1].digest
    assert statement.reason == "looks right"
    assert len(statement.nonce) == 32
    assert statement.policy_decision == hall.memory.audited[0].policy_decision != ""


async def test_nobody_approves_their_own_change(hall: Hall) -> None:
    with pytest.raises(NotAllowed) as refusal:
        await say(hall, DANA)

    assert str(refusal.value) == (
        "You asked for this plan, so someone else from *sre* must approve it. "
        "Asked: {@slack:T0LOCAL:U0ANN}, {@slack:T0LOCAL:U0BO}."
    )
    assert hall.memory.signed == []
    assert hall.memory.audited[0].decision == "deny"
    assert hall.memory.audited[0].policy_decision != ""


async def test_an_editor_does_not_approve_what_they_shaped(hall: Hall) -> None:
    hall.memory.put(version(editors=(ANN.id,)))

    with pytest.raises(NotAllowed, match="You changed this plan") as refusal:
        await say(hall, ANN)

    assert "U0ANN" not in str(refusal.value)
    assert "U0BO" in str(refusal.value)


async def test_membership_is_looked_up_and_not_believed(hall: Hall) -> None:
    claims = CY.model_copy(update={"groups": ("sre",)})

    with pytest.raises(NotAllowed, match=r"Only \*sre\* can approve this plan"):
        await say(hall, claims)


@pytest.mark.parametrize("actor", [WORKER, ALERTS, person("mallory", "sre")])
async def test_only_people_of_the_directory_decide(hall: Hall, actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        await say(hall, actor)

    assert hall.memory.states[1] is VersionState.WAITING
    assert hall.memory.audited[0].decision == "deny"


async def test_another_tenant_does_not_even_see_the_plan(hall: Hall) -> None:
    hall.memory.put(version(tenant="other"))

    with pytest.raises(NotFound):
        await say(hall, ANN)


async def test_a_second_press_answers_truthfully_and_changes_nothing(hall: Hall) -> None:
    hall.memory.put(version(requirements=TWO))
    first = await say(hall, ANN)

    second = await say(hall, ANN)

    assert first.text == "You approved v1; it needs 1 more."
    assert second.text == "You have already approved v1; it needs 1 more."
    assert (second.have, second.need, second.complete) == (1, 2, False)
    assert len(hall.memory.signed) == 1
    assert hall.memory.jobs_added == []


async def test_two_different_people_make_two_approvals(hall: Hall) -> None:
    hall.memory.put(version(requirements=TWO))
    await say(hall, ANN)

    decided = await say(hall, BO)

    assert decided.complete
    assert hall.memory.states[1] is VersionState.APPROVED


async def test_a_press_after_the_decision_says_who_decided(hall: Hall) -> None:
    await say(hall, ANN)
    hall.memory.states[1] = VersionState.EXECUTING

    own = await say(hall, ANN)
    with pytest.raises(Conflict) as other:
        await say(hall, BO)

    assert own.complete
    assert own.text.startswith("You approved v1 at {@time:")
    assert own.text.endswith("; it is running.")
    assert str(other.value).startswith("Ann approved v1 at {@time:")
    assert "it is running. To stop it, press Cancel" in str(other.value)


async def test_a_replaced_version_can_not_be_approved(hall: Hall) -> None:
    hall.memory.put(version(version=2))

    with pytest.raises(Conflict, match="v1 was replaced by v2"):
        await say(hall, ANN)

    assert hall.memory.audited[0].decision == "conflict"


async def test_an_approval_of_the_old_version_does_not_count_for_the_new(hall: Hall) -> None:
    hall.memory.put(version(requirements=TWO))
    await say(hall, ANN)
    hall.memory.put(version(version=2, requirements=TWO))

    decided = await say(hall, BO, number=2)

    assert (decided.have, decided.complete) == (1, False)


async def test_after_its_time_a_version_can_not_be_approved(hall: Hall) -> None:
    hall.clock[0] += timedelta(hours=4)

    with pytest.raises(Conflict, match="No decision in 4 h, so v1 expired"):
        await say(hall, ANN)


async def test_one_rejection_ends_a_version(hall: Hall) -> None:
    rejected = await say(hall, ANN, Verdict.REJECT, reason="wrong commit")

    with pytest.raises(Conflict, match=r"Ann rejected v1 at \{@time:\d+\}"):
        await say(hall, BO)
    again = await say(hall, ANN, Verdict.REJECT)

    assert rejected.text == "You rejected v1. Nothing was changed."
    assert again.text.startswith("You have already rejected v1")
    assert hall.memory.states[1] is VersionState.REJECTED
    assert hall.memory.jobs_added == [("execution.wake", {"plan_id": PLAN, "version": 1})]


async def test_an_outsider_does_not_reject(hall: Hall) -> None:
    with pytest.raises(NotAllowed, match=r"Only \*sre\* or whoever asked"):
        await say(hall, CY, Verdict.REJECT)


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.WITHDRAW])
async def test_the_requester_takes_the_plan_back(hall: Hall, verdict: Verdict) -> None:
    decided = await say(hall, DANA, verdict)

    assert decided.text == "You withdrew v1. Nothing was changed."
    assert hall.memory.states[1] is VersionState.WITHDRAWN


async def test_an_emoji_taken_away_by_the_requester_withdraws_nothing(hall: Hall) -> None:
    with pytest.raises(Conflict, match="nothing to take back"):
        await say(hall, DANA, Verdict.WITHDRAW, surface=Surface.EMOJI)

    assert hall.memory.states[1] is VersionState.WAITING


async def test_a_vote_can_be_taken_back_before_it_is_complete(hall: Hall) -> None:
    hall.memory.put(version(requirements=TWO))
    await say(hall, ANN)

    back = await say(hall, ANN, Verdict.WITHDRAW)
    decided = await say(hall, BO)

    assert back.text == "You took back your approval of v1; it needs 2 more ({@group:sre})."
    assert (decided.have, decided.complete) == (1, False)
    assert len(hall.memory.signed) == 3


async def test_after_the_quorum_a_vote_can_not_be_taken_back(hall: Hall) -> None:
    await say(hall, ANN)

    with pytest.raises(Conflict, match="Ann approved v1"):
        await say(hall, ANN, Verdict.WITHDRAW)

    assert hall.memory.states[1] is VersionState.APPROVED


BY_EMOJI = Requirements(people=1, groups=(("sre",),), emoji=True)


@pytest.mark.parametrize(
    ("shown", "shown_at", "acted_at"),
    [
        (1, "1732284000.000200", "1732284000.000100"),
        (1, "1732284000.000200", "1732284000.000200"),
        (1, "1732284000.000200", ""),
        (1, "", "1732284000.000300"),
        (2, "1732284000.000200", "1732284000.000300"),
        (1, "1732284000.000200", "NaN"),
    ],
)
async def test_an_emoji_from_before_the_version_was_shown_does_not_count(
    hall: Hall, shown: int, shown_at: str, acted_at: str
) -> None:
    hall.memory.put(version(requirements=BY_EMOJI))
    hall.memory.show(shown, shown_at)

    with pytest.raises(NotAllowed, match="remove it and add it again"):
        await say(hall, ANN, surface=Surface.EMOJI, acted_at=acted_at)


async def test_an_emoji_on_the_shown_version_approves_where_that_is_enough(hall: Hall) -> None:
    hall.memory.put(version(requirements=BY_EMOJI))
    hall.memory.show(1, "999999999.000200")

    decided = await say(hall, ANN, surface=Surface.EMOJI, acted_at="1000000000.000100")

    assert decided.complete


async def test_an_emoji_is_not_enough_where_the_policy_did_not_say_so(hall: Hall) -> None:
    hall.memory.show(1, "1.0")

    with pytest.raises(NotAllowed, match="An emoji can't approve a medium-risk plan here"):
        await say(hall, ANN, surface=Surface.EMOJI, acted_at="2.0")


async def test_a_changed_row_is_not_approved(hall: Hall) -> None:
    genuine = hall.memory.versions[1]
    hall.memory.versions[1] = genuine.model_copy(update={"steps": (step(undo=False),)})

    with pytest.raises(Tampered):
        await say(hall, ANN)

    assert hall.memory.audited[0].decision == "tampered"


async def test_a_forged_vote_in_the_database_stops_everything(hall: Hall) -> None:
    hall.memory.put(version(requirements=TWO))
    await say(hall, ANN)
    genuine = hall.memory.signed[0]
    forged = genuine.statement.model_copy(update={"person": CY.id, "nonce": "n"})
    hall.memory.signed.append(genuine.model_copy(update={"statement": forged}))

    with pytest.raises(Tampered):
        await say(hall, BO)


async def test_a_vote_stored_twice_is_noticed(hall: Hall) -> None:
    hall.memory.put(version(requirements=TWO))
    await say(hall, ANN)
    hall.memory.signed.append(hall.memory.signed[0])

    with pytest.raises(Tampered, match="stored twice"):
        await say(hall, BO)


class Silent:
    """A policy that does not answer."""

    async def ask(self, question: Question) -> Ruling:
        raise Unavailable("policy", "connection refused")


async def test_without_a_policy_nothing_is_approved(tmp_path: Path) -> None:
    hall = open_hall(tmp_path, policy=Silent())
    hall.memory.put(version())

    with pytest.raises(Unavailable, match="The policy service does not answer"):
        await say(hall, ANN)

    assert hall.memory.signed == []
    assert hall.memory.states[1] is VersionState.WAITING
    assert hall.memory.audited[0].decision == "unavailable"


async def test_reads_are_released_by_the_gate_itself(hall: Hall) -> None:
    looking = version(
        steps=(step(effect=Effect.READ, undo=False),),
        risk=Risk.READ,
        requirements=Requirements(people=0),
    )
    hall.memory.put(looking)

    decided = await hall.gate.release(PLAN, 1)

    assert decided.complete
    assert hall.memory.signed[0].statement.surface is Surface.AUTO
    assert hall.memory.states[1] is VersionState.APPROVED


async def test_the_gate_does_not_release_what_needs_people(hall: Hall) -> None:
    with pytest.raises(NotAllowed):
        await hall.gate.release(PLAN, 1)

    assert hall.memory.states[1] is VersionState.WAITING


@pytest.mark.parametrize(
    ("stage", "origin", "released"),
    [
        ("low-auto", Origin.PERSON, True),
        ("low-auto", Origin.ALERT, False),
        ("approve-all", Origin.PERSON, False),
        ("read-only", Origin.PERSON, False),
    ],
)
async def test_low_risk_runs_alone_only_where_the_stage_says_so_and_a_person_asked(
    tmp_path: Path, stage: str, origin: Origin, released: bool
) -> None:
    hall = open_hall(tmp_path, stage=stage)
    place = version().context.model_copy(update={"environment": "dev"})
    hall.memory.put(
        version(context=place, risk=Risk.LOW, origin=origin, requirements=Requirements(people=0))
    )

    try:
        decided = (await hall.gate.release(PLAN, 1)).complete
    except NotAllowed:
        decided = False

    assert decided is released


async def test_the_reason_is_bounded(hall: Hall) -> None:
    await say(hall, ANN, Verdict.REJECT, reason="x" * 10_000)

    assert len(hall.memory.signed[0].statement.reason) == 500
