"""JSON from a model, read strictly: no key twice, no fraction, nothing unprintable."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def strictly(text: str | bytes) -> Any:
    """Read JSON in which every key is there once. Raises `ValueError` or `RecursionError`."""
    return json.loads(text, object_pairs_hook=_unique)


def exactly(text: str) -> Any:
    """Read JSON of which a digest can be made: `strictly`, and whole numbers only."""
    return json.loads(
        text,
        object_pairs_hook=_unique,
        parse_float=_refuse_number,
        parse_constant=_refuse_number,
    )


def unprintable(content: Any) -> bool:
    """Whether any text in it holds a control character or half a character."""
    return any(UNPRINTABLE.search(one) for one in _strings(content))


def _strings(content: Any) -> Iterator[str]:
    """Every text in a JSON value, keys too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield key
            yield from _strings(value)
    elif isinstance(content, list):
        for value in content:
            yield from _strings(value)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """`json.loads` would keep the last of two equal keys in silence."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is there twice")
        found[key] = value
    return found


def _refuse_number(text: str) -> Any:
    raise ValueError(f"{text[:30]} is no whole number; write decimals as text")
