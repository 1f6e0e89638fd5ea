"""An expectation holds or not, and the sentence says what was seen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.call import CallResult, Comparison, Ending, Expectation
from engine.domain.expectation import compare, holds, short, told

FINITE = st.decimals(allow_nan=False, allow_infinity=False)


def seen(**outputs: str) -> CallResult:
    return CallResult(ending=Ending.SUCCEEDED, outputs=outputs)


def expect(comparison: Comparison, value: str, **more: str) -> Expectation:
    return Expectation(output="rate", comparison=comparison, value=value, **more)


@pytest.mark.parametrize(
    ("actual", "comparison", "wanted", "met"),
    [
        ("0.004", "<", "0.05", True),
        ("0.05", "<", "0.05", False),
        ("0.05", "<=", "0.05", True),
        ("10", ">", "9", True),
        ("3", ">=", "3", True),
        ("3", "==", "3", True),
        ("3", "!=", "4", True),
        ("1e-3", "<", "0.05", True),
    ],
)
def test_numbers_are_compared_as_decimals(
    actual: str, comparison: str, wanted: str, *, met: bool
) -> None:
    found = holds(seen(rate=actual), expect(Comparison(comparison), wanted), {})

    assert found.met is met


@pytest.mark.parametrize("actual", ["", "NaN", "sNaN", "Infinity", "-inf", "none", "3 %", "0x1"])
@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">="])
def test_what_is_no_number_meets_no_order(actual: str, comparison: str) -> None:
    assert not holds(seen(rate=actual), expect(Comparison(comparison), "5"), {}).met
    assert not holds(seen(rate="5"), expect(Comparison(comparison), actual), {}).met


@pytest.mark.parametrize("comparison", list(Comparison))
def test_an_output_that_is_not_there_meets_nothing(comparison: Comparison) -> None:
    assert not holds(seen(), expect(comparison, "fine"), {}).met


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.UNKNOWN])
def test_a_failed_read_meets_nothing_and_says_why(ending: Ending) -> None:
    result = CallResult(ending=ending, outputs={"rate": "1"}, message="no answer")

    found = holds(result, expect(Comparison.EQUALS, "1"), {})

    assert not found.met
    assert found.text == "rate: not known (no answer)"


def test_a_reference_is_what_an_earlier_step_left() -> None:
    expected = expect(Comparison.EQUALS, "{steps.1.commit}")

    assert holds(seen(rate="abc"), expected, {"steps.1.commit": "abc"}).met
    assert not holds(seen(rate="abc"), expected, {"steps.1.commit": "abd"}).met


@pytest.mark.parametrize("comparison", list(Comparison))
def test_a_reference_to_nothing_meets_nothing(comparison: Comparison) -> None:
    for actual in ("{steps.1.commit}", ""):
        found = holds(seen(rate=actual), expect(comparison, "{steps.1.commit}"), {})
        assert not found.met


def test_the_sentence_tells_what_was_seen_with_its_unit() -> None:
    limit = expect(Comparison.LESS, "0.05", unit="ratio", label="error rate")
    ready = Expectation(output="ready", value="3", unit="instances")

    assert holds(seen(rate="0.004"), limit, {}).text == "error rate 0.4 % (limit 5 %)"
    assert holds(seen(ready="2"), ready, {}).text == ("ready 2 instances, waiting for 3 instances")


def test_values_are_told_as_people_read_them() -> None:
    assert short("a" * 40) == "aaaaaaa"
    assert short("0.123456789") == "0.123"
    assert told("", "ms") == ""
    assert told("0.37", "ratio") == "37 %"
    assert told("high", "ratio") == "high"


@given(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
)
def test_exactly_one_of_less_more_and_neither(left: Decimal, right: Decimal) -> None:
    less = compare(str(left), Comparison.LESS, str(right))
    more = compare(str(left), Comparison.MORE, str(right))

    assert less == (left < right)
    assert more == (left > right)
    assert compare(str(left), Comparison.AT_MOST, str(right)) is not more


@given(st.text(), st.text(), st.sampled_from(list(Comparison)))
def test_no_text_raises(actual: str, wanted: str, comparison: Comparison) -> None:
    holds(seen(rate=actual), expect(comparison, wanted), {})
