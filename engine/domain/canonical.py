"""JSON that means one thing only: strictly parsed, and written as RFC 8785 says."""

import json
import unicodedata
from typing import NoReturn

import rfc8785

from engine.domain.model import Json
from engine.errors import Invalid

LARGEST = 2**53 - 1
DEEPEST = 64


def parse(text: str | bytes) -> Json:
    """Read JSON that has one meaning.

    Raises:
        Invalid: duplicate keys, floats, NaN, integers beyond 2^53, names that are not NFC,
            lone surrogates, or no JSON at all.
    """
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"This is no JSON: {error}.") from None
    _check(value, 0)
    return value


def canonical(value: Json) -> bytes:
    """The one way to write a value (RFC 8785), in UTF-8.

    Raises:
        Invalid: the value holds a float, an integer beyond 2^53, a name that is not NFC, or
            something that is no JSON.
    """
    _check(value, 0)
    return rfc8785.dumps(value)


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise Invalid(f"The key {key!r} is there twice.")
        found[key] = value
    return found


def _no_float(text: str) -> NoReturn:
    raise Invalid(f"{text} is not an integer; write decimals as strings.")


def _check(value: Json, depth: int) -> None:
    if depth > DEEPEST:
        raise Invalid(f"The value is nested deeper than {DEEPEST} levels.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_name(key)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
    else:
        _check_plain(value)


def _check_name(key: object) -> None:
    if not isinstance(key, str):
        raise Invalid(f"The key {key!r} is not text.")
    if not unicodedata.is_normalized("NFC", key):
        raise Invalid(f"The key {key!r} is not in NFC.")
    _check_text(key)


def _check_plain(value: object) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) > LARGEST:
            raise Invalid(f"{value} is beyond 2^53; write it as a string.")
    else:
        raise Invalid(f"A {type(value).__name__} has no canonical form; write decimals as strings.")


def _check_text(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid("The text holds half of a character.")
