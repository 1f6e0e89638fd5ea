"""Nothing that an outsider wrote becomes markup, a mention, or an invisible trick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import moments
from bot.blocks.text import clean, line, one_line, outside, quoted, spoken, told


@pytest.mark.parametrize("hostile", ["<!channel>", "<@U0ANN>", "<!subteam^S0SRE>", "<http://x|y>"])
def test_words_from_outside_mention_nobody(hostile: str) -> None:
    assert "<" not in outside(f"look {hostile} here")


def test_invisible_characters_are_taken_out() -> None:
    assert clean("pay\u202egnp.exe\u200b\u0000\u2066") == "paygnp.exe"


def test_a_terminal_sequence_leaves_nothing_behind() -> None:
    loud = "\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x1b[2J\x1bMdone"

    assert clean(loud) == "red link done"


def test_a_fence_cannot_end_ours() -> None:
    assert "```" not in outside("```` rm -rf ```")


def test_a_token_of_ours_becomes_a_mention() -> None:
    text = told("Asked: {@slack:T0LOCAL:U0ANN} of {@slack:T0LOCAL:S0SRE}, {@group:owners}.")

    assert text == "Asked: <@U0ANN> of <!subteam^S0SRE>, *owners*."


def test_a_malformed_token_mentions_nobody() -> None:
    assert told("{@slack:T0:<!here>}") == "T0:&lt;!here&gt;"


def test_a_token_typed_by_an_outsider_is_broken_before_it_is_told() -> None:
    assert "<@U0ANN>" not in told(quoted("ping {@slack:T0LOCAL:U0ANN}"))


def test_a_time_is_shown_in_the_readers_zone() -> None:
    assert told("Expires {@time:1795370700}.") == ("Expires <!date^1795370700^{time}|18:05 UTC>.")


def test_a_cut_never_tears_an_entity() -> None:
    text = outside("&" * 100, 52)

    assert len(text) <= 52
    assert text.replace("&amp;", "") == "…"


def test_formatting_characters_mean_nothing_on_a_line() -> None:
    assert "*" not in line("*Approved* by `root`")
    assert "`" not in line("*Approved* by `root`")


def test_spoken_text_holds_no_markup() -> None:
    assert spoken(":warning: *Step 2* by <@U0ANN>, 3 &lt; 5") == "Step 2 by @U0ANN, 3 < 5"


@given(st.text(max_size=500), st.integers(min_value=5, max_value=300))
def test_whatever_comes_in_is_bounded_and_escaped(text: str, limit: int) -> None:
    for shown in (outside(text, limit), line(text, limit), told(quoted(text, limit), limit * 6)):
        assert "<" not in shown
        assert ">" not in shown
    assert len(outside(text, limit)) <= limit
    assert len(one_line(text, limit)) <= limit
    assert "\n" not in one_line(text, limit)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "under 1 s"), (31.4, "31 s"), (72, "1 min 12 s"), (120, "2 min"), (14400, "4 h"),
     (5400, "1 h 30 min"), (172800, "2 days")],
)  # fmt: skip
def test_spans_are_said_in_words(seconds: float, words: str) -> None:
    assert moments.span(seconds) == words
