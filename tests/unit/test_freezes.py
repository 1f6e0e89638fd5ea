"""When changes may start: scopes, windows, times as people write them, and what a card says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.blocks import freeze as blocks
from bot.blocks import plan
from bot.local.slack.validate import accept_view
from engine.domain.approval import Verdict
from engine.domain.call import Risk
from engine.domain.context import ContextRef
from engine.domain.freeze import Freeze, Hold, HoldKind, Window, closed
from engine.domain.glass import Glass
from engine.domain.ids import FreezeId, PersonId, Tenant
from engine.domain.plan import Requirements, VersionState
from engine.domain.questions import Limits
from engine.domain.until import until
from tests.unit import cards

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)  # a Friday
PROD = ContextRef(environment="prod", service="checkout")


def freeze(**changes: Any) -> Freeze:
    values: dict[str, Any] = {
        "id": FreezeId("01a205b3-dc5e-76d3-ac16-11fb476ce350"),
        "tenant": Tenant("default"),
        "reason": "release day",
        "set_by": PersonId("ann"),
        "set_by_name": "Ann",
        "starts_at": NOW,
    }
    return Freeze(**{**values, **changes})


@pytest.mark.parametrize(
    ("scope", "covers", "what"),
    [
        ({}, True, "All changes"),
        ({"environment": "prod"}, True, "Changes to prod"),
        ({"environment": "staging"}, False, "Changes to staging"),
        ({"service": "checkout"}, True, "Changes to checkout"),
        ({"service": "cart"}, False, "Changes to cart"),
        ({"environment": "prod", "service": "checkout"}, True, "Changes to checkout in prod"),
        ({"environment": "prod", "service": "cart"}, False, "Changes to cart in prod"),
    ],
)
def test_a_freeze_covers_its_scope_alone(scope: dict[str, str], covers: bool, what: str) -> None:
    made = freeze(**scope)

    assert made.covers(PROD) is covers
    assert made.what == what


def test_a_freeze_holds_from_its_start_to_its_end() -> None:
    made = freeze(ends_at=NOW + timedelta(hours=1))

    assert not made.in_force(NOW - timedelta(seconds=1))
    assert made.in_force(NOW)
    assert not made.in_force(NOW + timedelta(hours=1))
    assert not freeze(lifted_at=NOW).in_force(NOW)


def test_a_reason_can_not_forge_a_token() -> None:
    said = freeze(reason="see {@slack:T:U1}\n*now*", set_by_name="{@group:sre}").hold.text

    assert "{@slack" not in said
    assert "{@group" not in said


OFFICE = Window(
    days=("mon", "tue", "wed", "thu", "fri"), hours="09:00-17:00", timezone="Europe/Berlin"
)
NIGHT = Window(hours="22:00-02:00", environments=("prod",))


@pytest.mark.parametrize(
    ("window", "at", "opens"),
    [
        (OFFICE, NOW, None),  # 15:00 in Berlin
        (OFFICE, NOW.replace(hour=16), datetime(2026, 11, 23, 8, tzinfo=UTC)),  # Monday 09:00
        (OFFICE, NOW.replace(hour=7, minute=59), NOW.replace(hour=8)),
        (NIGHT, NOW, NOW.replace(hour=22)),
        (NIGHT, NOW.replace(hour=23), None),
        (NIGHT, NOW.replace(hour=1), None),  # since the evening before
        (NIGHT, NOW.replace(hour=2), NOW.replace(hour=22)),
    ],
)
def test_a_window_opens_in_its_own_time(
    window: Window, at: datetime, opens: datetime | None
) -> None:
    hold = closed([window], PROD, at)

    assert (hold.until if hold else None) == opens


def test_the_clocks_change_inside_a_window_without_harm() -> None:
    summer_ends = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    window = Window(days=("sun",), hours="02:00-04:00", timezone="Europe/Berlin")

    [(first, last), *_] = window.spans(summer_ends)

    assert (first, last) == (
        datetime(2026, 10, 25, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 3, tzinfo=UTC),
    )


def test_a_window_turns_when_it_opens_and_when_it_closes() -> None:
    opens, closes = NOW.replace(hour=22), NOW.replace(hour=2)
    second = timedelta(seconds=1)

    turned = [
        NIGHT.turned(at - 5 * second, at)
        for at in (opens - second, opens, closes, closes + 9 * second)
    ]

    assert turned == [False, True, True, False]


def test_where_no_window_is_set_changes_start_at_any_time() -> None:
    elsewhere = Window(hours="09:00-10:00", environments=("staging",))

    assert closed([elsewhere], PROD, NOW) is None


def test_one_open_window_of_several_is_enough() -> None:
    assert closed([NIGHT, OFFICE], PROD, NOW) is None


@pytest.mark.parametrize(
    "wrong", [{"hours": "9-17"}, {"hours": "25:00-26:00"}, {"timezone": "Mars/Base"}, {"days": ()}]
)
def test_a_window_that_can_not_be_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Window.model_validate({"hours": "09:00-17:00", **wrong})


@pytest.mark.parametrize(
    ("text", "end", "rest"),
    [
        ("18:00 release day", NOW.replace(hour=17), "release day"),
        ("15:00 x", NOW.replace(day=21, hour=14), "x"),  # it is 15:00 there now
        ("2026-12-24 holidays", datetime(2026, 12, 24, 23, tzinfo=UTC), "holidays"),
        ("2026-12-24 18:00 holidays", datetime(2026, 12, 24, 17, tzinfo=UTC), "holidays"),
        ("2h books", NOW + timedelta(hours=2), "books"),
        ("3d", NOW + timedelta(days=3), ""),
        ("90 min books", NOW + timedelta(minutes=90), "books"),
    ],
)
def test_ends_are_read_as_people_write_them(text: str, end: datetime, rest: str) -> None:
    assert until(text, NOW, "Europe/Berlin") == (end, rest)


@pytest.mark.parametrize("text", ["", "soon", "25:00 x", "2026-13-01 x", "18:00release", "0x2h"])
def test_what_is_no_end_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        until(text, NOW, "Europe/Berlin")


def test_the_narrowest_stage_counts() -> None:
    limits = Limits(
        stages={"prod": "read-only", "prod/checkout": "approve-all", "*/cart": "low-auto"}
    )

    assert limits.stage_of(PROD) == "approve-all"
    assert limits.stage_of(ContextRef(environment="prod", service="ads")) == "read-only"
    assert limits.stage_of(ContextRef(environment="prod", service="cart")) == "low-auto"
    assert limits.stage_of(ContextRef(environment="dev", service="ads")) == "approve-all"


FROZEN = Hold(
    kind=HoldKind.FREEZE, text="Changes to prod are frozen until {@when:1795396732}, by Ann: x."
)
NEEDS = Requirements(people=2, groups=(("shop-owners",), ("sre",)), break_glass=True)
BOTH = ("{@group:shop-owners}", "{@slack:T0LOCAL:S0SRE}")


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (2, "It can be approved now, and starts by itself when that is over"),
        (48, "Unless that ends before <!date^"),
        (0, "Unless that ends before <!date^"),
    ],
)
def test_a_frozen_card_says_so_and_what_a_press_means_now(hours: int, said: str) -> None:
    until = cards.NOW + timedelta(hours=hours) if hours else None
    shown = str(
        plan.card(cards.view(holds=(FROZEN.model_copy(update={"until": until}),)))["blocks"]
    )

    assert "Changes to prod are frozen until <!date^1795396732^" in shown
    assert said in shown


def test_a_card_that_runs_or_is_over_tells_no_freeze() -> None:
    for state in (VersionState.EXECUTED, VersionState.REJECTED, VersionState.EXECUTING):
        shown = str(blocks.conditions(cards.view(state, holds=(FROZEN,))))
        assert shown == "[]"


def test_a_card_where_changes_are_switched_off_says_so() -> None:
    shown = str(plan.card(cards.view(stage="read-only"))["blocks"])

    assert "*Changes to checkout in prod are switched off*" in shown


def test_a_high_risk_card_says_what_it_needs_and_asks_in_a_dialog() -> None:
    made = cards.version(requirements=NEEDS, risk=Risk.HIGH)
    card = plan.card(cards.view(version=made, need=2, groups=BOTH))

    assert "Needs 2, one of *shop-owners*, and one other of <!subteam^S0SRE>" in card["text"]
    assert "*High risk needs break-glass.* Approve asks each of 2 people" in str(card["blocks"])
    approve = card["blocks"][-1]["elements"][0]
    assert approve["action_id"] == "plan.break_glass"
    assert "confirm" not in approve


def test_a_program_s_reason_for_break_glass_is_on_the_card() -> None:
    made = cards.version(requirements=NEEDS, break_glass="checkout is down <!channel>")
    shown = str(plan.card(cards.view(version=made, need=2, groups=BOTH))["blocks"])

    assert "*This plan needs break-glass.*" in shown  # its risk is medium
    assert "Asked for with: “checkout is down &lt;!channel&gt;”" in shown


def test_the_dialog_keeps_what_the_first_person_wrote() -> None:
    view = blocks.glass(
        "p:1", "C0INC:1.2", cards.version(), Glass(reason="a reason", ticket="OPS-1")
    )

    accept_view(view)
    assert view["blocks"][2]["element"]["initial_value"] == "a reason"
    assert view["blocks"][3]["element"]["initial_value"] == "OPS-1"
    values = {
        "reason": {"text": {"value": " said \n again "}},
        "ticket": {"text": {"value": " OPS-2 "}},
    }
    assert blocks.given({"state": {"values": values}}) == Glass(reason="said again", ticket="OPS-2")


def test_a_reason_that_was_taken_back_is_not_shown() -> None:
    given = cards.vote("Ann", reason="why").model_copy()
    given = given.model_copy(
        update={"statement": given.statement.model_copy(update={"ticket": "OPS-1"})}
    )
    taken = cards.vote("Ann", Verdict.WITHDRAW)

    assert [one.ticket for one in blocks.broken(cards.view(approvals=(given,)))] == ["OPS-1"]
    assert blocks.broken(cards.view(approvals=(given, taken))) == []
