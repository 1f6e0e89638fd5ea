"""Numbers over time and dependencies: what is read out of evidence, and what is drawn."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import chart as blocks
from bot.blocks.limits import has_drawings, undrawn
from bot.local.slack.validate import accept_blocks
from engine.context.charts import chart_png, graph_png
from engine.domain.charts import Chart, Point, chart, charts, course, table
from engine.domain.draft import Evidence
from engine.domain.graph import around
from engine.domain.ids import DraftId, EvidenceId

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n"
HOSTILE = "<script>&\"'\x00\u202e<!channel>]]>"


def evidence(**changes: object) -> Evidence:
    values: dict[str, object] = {
        "id": EvidenceId("e"),
        "draft_id": DraftId("d"),
        "number": 4,
        "tool": "prometheus",
        "action": "range",
        "title": "error rate of checkout",
        "summary": "",
        "unit": "ratio",
        "at": NOW,
    }
    return Evidence.model_validate({**values, **changes})


def reading(*values: str, **changes: object) -> Evidence:
    times = [str((NOW + timedelta(seconds=15 * at)).timestamp()) for at in range(len(values))]
    return evidence(facts={"times": " ".join(times), "values": " ".join(values)}, **changes)


def drawn(count: int, title: str = "error rate") -> Chart:
    points = [Point(at=NOW + timedelta(seconds=15 * at), value=Decimal(at)) for at in range(count)]
    return Chart(number=4, title=title, unit="%", points=tuple(points))


def test_a_share_is_told_in_per_cent_and_what_is_no_number_is_left_out() -> None:
    found = chart(reading("0.002", "NaN", "0.37", "+Inf", "0.01"))

    assert found is not None
    assert [point.value for point in found.points] == [Decimal("0.2"), Decimal(37), Decimal(1)]
    assert course(found) == "between 0.2 % and 37 %, 1 % at its end"


def test_a_number_that_never_moves_is_not_drawn() -> None:
    assert charts([reading("0", "0", "0", "0")]) == ()
    assert charts([reading("0", "1", ok=False)]) == ()
    assert charts([evidence(facts={"value": "1"})]) == ()


def test_a_course_reaches_to_the_value_that_was_read_beside_it() -> None:
    course = reading("0.002", "0.01", "0.015", input={"query": "round(errors, 0.0001)"})
    now = NOW + timedelta(seconds=42)
    single = {"facts": {"value": "0.2"}, "at": now, "action": "query"}
    same = evidence(**single, input={"query": "errors"})
    other = evidence(**{**single, "facts": {"value": "0.9"}}, input={"query": "error"})

    (found,) = charts([same, other, course])
    (early,) = charts([course, same.model_copy(update={"at": NOW})])
    flat = charts([reading("0", "0", "0", input={"query": "errors"}), same])

    assert found.points[-1] == Point(at=now, value=Decimal(20))
    assert len(found.points) == 4
    assert early.last == Decimal("1.5")
    assert len(flat) == 1


def test_two_points_of_one_second_are_drawn_as_one() -> None:
    drawn_from = reading("0.002", "0.01", "0.015", input={"query": "errors"})
    before = chart(drawn_from)
    assert before is not None
    soon = before.points[-1].at + timedelta(milliseconds=300)
    read = {"action": "query", "facts": {"value": "0.2"}, "at": soon}

    (found,) = charts([drawn_from, drawn_from.model_copy(update=read)])

    assert len(found.points) == 3


def test_of_many_points_the_highest_stand_for_the_others() -> None:
    found = drawn(120).thinned(20)

    assert len(found) == 20
    assert found[-1].value == 119


@given(st.integers(min_value=3, max_value=240), st.text(max_size=80))
def test_slack_takes_every_chart(count: int, title: str) -> None:
    block = blocks.drawn(drawn(count, title))

    accept_blocks([block])
    assert "<!" not in str(block)
    assert block["chart"]["axis_config"]["x_label"] == "Time (UTC)"


def test_commits_become_a_table_and_words_where_slack_has_no_tables() -> None:
    body = "\n".join(f"{'a' * 40}\tDana\t2026-11-20T10:00:00+00:00\t{HOSTILE} {n}" for n in "123")
    found = table(evidence(tool="git", action="log", body=f"{body}\nnot a commit", title="changes"))
    assert found is not None

    block = blocks.tabulated(found)
    message = undrawn({"text": "t", "blocks": [block]})

    accept_blocks([block])
    accept_blocks(message["blocks"])
    assert len(block["rows"]) == 4
    assert has_drawings({"blocks": [block]})
    assert not has_drawings(message)
    assert "\x00" not in str(message)
    assert "\u202e" not in str(message)


def test_pictures_are_made_of_hostile_names_too() -> None:
    needs = {HOSTILE: ("b",), "b": (HOSTILE,), "c": (HOSTILE, "c"), "alone": ()}

    assert chart_png(drawn(60, HOSTILE)).startswith(PNG)
    assert graph_png(around(HOSTILE, needs)).startswith(PNG)


def test_a_graph_holds_both_directions_and_is_bounded() -> None:
    needs = {"web": ("checkout",), "checkout": ("payments",), "payments": ("db",), "other": ("db",)}

    found = around("payments", needs)

    assert found.names == ("payments", "checkout", "web", "db")
    assert ("web", "checkout") in found.edges
    assert all("other" not in edge for edge in found.edges)
    many = {f"s{n}": ("hub",) for n in range(500)}
    assert len(around("hub", many).names) == 60
