"""Patterns that a team adds; they are checked when they are loaded, and take nothing away."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import re2

from engine.errors import ConfigurationError
from engine.tools.redaction.masks import MASKED, Span

LONGEST_PATTERN = 1000
LARGEST_PROGRAM = 20_000
MOST = 200


@dataclass(frozen=True, slots=True)
class OwnRules:
    """Patterns (RE2) and fixed words of the settings."""

    patterns: tuple[Any, ...] = ()
    words: tuple[bytes, ...] = ()

    @classmethod
    def checked(cls, patterns: Iterable[str], words: Iterable[str]) -> Self:
        """Raises `ConfigurationError` with the pattern that can't be used and why."""
        given = list(patterns)
        if len(given) > MOST:
            raise ConfigurationError(
                f"At most {MOST} redaction patterns can be set, not {len(given)}."
            )
        names = tuple(word.lower().encode() for word in words)
        if any(len(word) < 3 for word in names):
            raise ConfigurationError("A redaction keyword has at least three characters.")
        return cls(tuple(_pattern(one) for one in given), names)

    def spans(self, data: bytes) -> list[Span]:
        """What the patterns find: their first group, or all of the match."""
        found = []
        for pattern in self.patterns:
            for match in pattern.finditer(data):
                span = match.span(1) if pattern.groups and match[1] is not None else match.span()
                if span[0] < span[1] and MASKED not in data[span[0] : span[1]]:
                    found.append(span)
        return found


def _pattern(text: str) -> Any:
    if not text or len(text) > LONGEST_PATTERN:
        raise ConfigurationError(f"A redaction pattern has 1 to {LONGEST_PATTERN} characters.")
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(text.encode(), options)
    except re2.error as error:
        raise ConfigurationError(f"The redaction pattern {text!r} can't be used: {error}") from None
    if pattern.programsize > LARGEST_PROGRAM:
        raise ConfigurationError(f"The redaction pattern {text!r} is too large.")
    if pattern.search(b"") is not None or pattern.search(MASKED) is not None:
        raise ConfigurationError(
            f"The redaction pattern {text!r} matches the empty text or the mask itself."
        )
    return pattern
