"""One value has one form, and one form one meaning."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.canonical import canonical, parse
from engine.errors import Invalid

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text("abcXYZ_0é", max_size=5)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
VALUES = st.recursive(LEAVES, lambda x: st.lists(x) | st.dictionaries(NAMES, x), max_leaves=20)


@given(VALUES)
def test_what_is_written_is_read_back_and_written_the_same(value: Any) -> None:
    written = canonical(value)

    assert parse(written) == value
    assert canonical(parse(written)) == written


@given(VALUES)
def test_the_order_of_keys_and_white_space_mean_nothing(value: Any) -> None:
    assert canonical(parse(json.dumps(value, indent=3))) == canonical(value)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":{"b":1,"b":2}}',
        "1.0",
        "-0.0",
        "1e3",
        "NaN",
        "Infinity",
        "-Infinity",
        "9007199254740993",
        '{"e\u0301":1}',
        '"\\ud800"',
        "",
        "{",
        "1 2",
        "[" * 100 + "]" * 100,
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse(text)


@pytest.mark.parametrize("value", [0.5, 2**53, {"e\u0301": 1}, {1: 2}, "\ud800", b"x", {1, 2}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        canonical(value)


def test_keys_are_in_the_order_of_the_standard() -> None:
    assert (
        canonical({"b": 1, "a": [True, None, "é\n"]}) == '{"a":[true,null,"é\\n"],"b":1}'.encode()
    )
