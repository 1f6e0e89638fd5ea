"""High risk at the gate: two people, a reason and a ticket from each, and everybody hears of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.domain.actor import Actor, Surface
from engine.domain.approval import Decided, Statement, Verdict
from engine.domain.call import Risk
from engine.domain.conversation import Place, PostKind
from engine.domain.freeze import Freeze
from engine.domain.glass import Tickets
from engine.domain.ids import FreezeId, Tenant
from engine.domain.plan import Requirements, VersionState
from engine.domain.quorum import count
from engine.errors import Invalid, NotAllowed
from tests.unit.governing import ANN, BO, CY, DANA, NOW, PLAN, Hall, open_hall, version

NEEDS = Requirements(
    people=2, groups=(("shop-owners",), ("sre",)), break_glass=True, within_seconds=3600
)
WHY, TICKET = "checkout loses orders and the fix is known", "OPS-7"


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    opened = open_hall(tmp_path, tickets=Tickets(pattern="[A-Z]+-[0-9]+", example="OPS-7"))
    opened.memory.put(version(risk=Risk.HIGH, requirements=NEEDS))
    return opened


async def approve(
    hall: Hall,
    actor: Actor,
    reason: str = WHY,
    ticket: str = TICKET,
    surface: Surface = Surface.BUTTON,
) -> Decided:
    return await hall.gate.decide(
        actor, PLAN, 1, Verdict.APPROVE, surface=surface, reason=reason, ticket=ticket
    )


def kinds(hall: Hall) -> Sequence[str]:
    return [event.action for event in hall.memory.audited]


async def test_both_people_sign_their_reason_and_ticket(hall: Hall) -> None:
    first = await approve(hall, BO, ticket=" OPS-7 ", reason=f"  {WHY}\n")
    second = await approve(hall, ANN)

    assert (first.complete, second.complete) == (False, True)
    signed = [one.statement for one in hall.memory.signed]
    assert [(one.person, one.reason, one.ticket) for one in signed] == [
        ("bo", WHY, TICKET),
        ("ann", WHY, TICKET),
    ]
    assert all(map(hall.gate.verifier.verify, hall.memory.signed))
    assert hall.memory.states[1] is VersionState.APPROVED


async def test_the_signature_holds_the_ticket(hall: Hall) -> None:
    await approve(hall, BO)
    signed = hall.memory.signed[0]

    forged = signed.model_copy(
        update={"statement": signed.statement.model_copy(update={"ticket": "OPS-8"})}
    )

    assert not hall.gate.verifier.verify(forged)


async def test_it_is_in_the_audit_under_its_own_name_and_told_in_the_channel(hall: Hall) -> None:
    await approve(hall, BO)
    assert hall.memory.wanted == []
    await approve(hall, ANN)

    assert kinds(hall).count("plan.break_glass") == 2
    [(kind, place, body)] = hall.memory.wanted
    assert (kind, place, body["broadcast"]) == (
        PostKind.NOTE,
        Place(channel="C0INC", thread="1"),
        True,
    )
    for word in ("{@group:shop-owners}", "Bo and Ann approved P-1042 v1", WHY, TICKET):
        assert word in body["text"]
    [use] = hall.memory.uses
    assert (use.approved_by, use.reason, use.ticket) == (("Bo", "Ann"), WHY, TICKET)


@pytest.mark.parametrize("ticket", ["", "soon", "ops-7", "OPS-7; drop", "OPS-" + "7" * 80])
async def test_a_ticket_that_is_none_is_refused_and_nothing_is_recorded(
    hall: Hall, ticket: str
) -> None:
    with pytest.raises((Invalid, NotAllowed)):
        await approve(hall, BO, ticket=ticket)

    assert hall.memory.signed == []


@pytest.mark.parametrize("reason", ["", "because", "aaaaaaaaaaaaaaaaaaaaaaaaa", " " * 40])
async def test_a_reason_that_says_nothing_is_refused(hall: Hall, reason: str) -> None:
    with pytest.raises((Invalid, NotAllowed)):
        await approve(hall, BO, reason=reason)

    assert hall.memory.signed == []


async def test_an_emoji_never_breaks_glass(hall: Hall) -> None:
    hall.memory.show(1, "100.0")

    with pytest.raises(NotAllowed, match="An emoji can't approve a high-risk plan"):
        await hall.gate.decide(
            BO, PLAN, 1, Verdict.APPROVE, surface=Surface.EMOJI, acted_at="200.0", reason=WHY
        )


@pytest.mark.parametrize("actor", [DANA, CY])
async def test_whoever_asked_or_is_not_asked_does_not_break_glass(hall: Hall, actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        await approve(hall, actor)


async def test_an_editor_does_not_break_glass(hall: Hall) -> None:
    hall.memory.put(version(risk=Risk.HIGH, requirements=NEEDS, editors=(BO.id,)))

    with pytest.raises(NotAllowed, match="You changed this plan"):
        await approve(hall, BO)


async def test_two_of_one_group_are_not_enough_without_an_owner(hall: Hall) -> None:
    await approve(hall, ANN)
    again = await approve(hall, ANN)

    assert not again.complete
    assert again.missing == ("{@group:shop-owners}",)


async def test_statements_without_reason_or_ticket_never_count(hall: Hall) -> None:
    made = hall.memory.versions[1]
    await approve(hall, BO)
    await approve(hall, ANN)
    bare = [one.statement.model_copy(update={"ticket": ""}) for one in hall.memory.signed]
    mute = [one.statement.model_copy(update={"reason": ""}) for one in hall.memory.signed]

    counted: list[list[Statement]] = [bare, mute]

    assert [count(made, each).have for each in counted] == [0, 0]


async def test_who_may_is_told_beforehand_without_a_trace(hall: Hall) -> None:
    assert await hall.gate.may(BO, PLAN, 1) == ""
    assert "You asked for this plan" in await hall.gate.may(DANA, PLAN, 1)
    await approve(hall, BO)
    assert "You have already approved v1" in await hall.gate.may(BO, PLAN, 1)

    assert kinds(hall) == ["plan.approve", "plan.break_glass"]


async def test_what_is_frozen_can_be_approved(hall: Hall) -> None:
    hall.memory.freezes.append(
        Freeze(
            id=FreezeId("f"),
            tenant=Tenant("default"),
            environment="prod",
            reason="release day",
            set_by=ANN.id,
            set_by_name="Ann",
            starts_at=NOW,
        )
    )

    assert not (await approve(hall, BO)).complete


def test_whoever_gives_no_ticket_is_shown_one() -> None:
    shown = Tickets(pattern=r"[A-Z]+-[0-9]+", example="OPS-7")

    assert shown.refusal == "This is no ticket; one looks like OPS-7."
    assert shown.fits("OPS-12")
    assert not shown.fits("OPS")
