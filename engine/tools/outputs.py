"""Takes the named facts out of what a tool answered."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import re2

from engine.domain.model import Json
from engine.tools.definition import Output
from engine.tools.templates import Values, fill, quoted

LONGEST = 2000


class Missing(Exception):
    """A fact that has to be there is not; the text is the definition's sentence."""


def from_texts(
    outputs: Mapping[str, Output], texts: Sequence[str], values: Values
) -> dict[str, str]:
    """Facts of commands; `texts` holds the standard output of those that ran.

    Raises:
        Missing: a fact with a `missing` sentence is not there.
    """
    return {
        name: _kept(output, _of_text(output, texts[output.command - 1], values), values)
        for name, output in outputs.items()
        if output.command <= len(texts)
    }


def from_json(outputs: Mapping[str, Output], document: Json, values: Values) -> dict[str, str]:
    """Facts of an API's answer. Raises `Missing`."""
    return {
        name: _kept(output, _of_json(output, document, values), values)
        for name, output in outputs.items()
    }


def parsed(text: str) -> Json:
    """A JSON document with its decimals as they were written. Raises `ValueError`."""
    document: Json = json.loads(text, parse_float=str, parse_constant=_refuse)
    return document


def _refuse(name: str) -> str:
    raise ValueError(f"{name} is not JSON")


def _kept(output: Output, found: list[str], values: Values) -> str:
    if output.take == "present":
        return "yes" if found else "no"
    if output.take == "count":
        return str(len(found))
    if not found:
        if output.missing:
            raise Missing(fill(output.missing, values))
        return ""
    return _taken(output, found)[:LONGEST]


def _taken(output: Output, found: list[str]) -> str:
    if output.take == "all":
        return _newest(found)
    if output.take == "last":
        return found[-1]
    if output.take in ("min", "max"):
        numbers = [one for one in found if _number(one) is not None]
        if numbers:
            return (min if output.take == "min" else max)(numbers, key=Decimal)
        return ""
    return found[0]


def _newest(found: list[str]) -> str:
    """As many as a fact holds, the last ones, with spaces between them."""
    kept, room = len(found), LONGEST
    for one in reversed(found):
        room -= len(one) + 1
        if room < 0:
            break
        kept -= 1
    return " ".join(found[kept:])


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _of_text(output: Output, text: str, values: Values) -> list[str]:
    if output.path:
        try:
            return _of_json(output, parsed(text), values)
        except ValueError:
            return []
    if not output.pattern:
        return [line for line in text.splitlines() if line.strip()][-1:]
    pattern = re2.compile(quoted(output.pattern, values, re2.escape))
    matches = (match for match in pattern.finditer(text))
    return [match[1] if pattern.groups else match[0] for match in matches]


def _of_json(output: Output, document: Json, values: Values) -> list[str]:
    places = [
        place
        for place in _walk(document, _parts(output.path))
        if _agrees(place, output.where, document, values)
    ]
    if output.value:
        places = [deep for place in places for deep in _walk(place, _parts(output.value))]
    if output.take in ("count", "present"):
        return ["" for _ in places]
    return [text for place in places if (text := as_text(place)) is not None]


def _agrees(place: Json, where: Mapping[str, str], document: Json, values: Values) -> bool:
    """Whether an element is one that is asked for; a condition without a value asks nothing."""
    for path, template in where.items():
        if template.startswith("/"):
            wanted = next((as_text(one) for one in _walk(document, _parts(template[1:]))), None)
            if wanted is None:
                return False
        else:
            wanted = fill(template, values)
            if not wanted:
                continue
        if wanted not in [as_text(one) for one in _walk(place, _parts(path))]:
            return False
    return True


def _parts(path: str) -> list[str]:
    """The keys of a dotted path; `~` stands for a dot inside a key."""
    return [part.replace("~", ".") for part in path.split(".")]


def _walk(place: Json, path: Sequence[str]) -> Iterator[Json]:
    """Every place that a dotted path leads to."""
    if not path:
        yield place
        return
    first, rest = path[0], path[1:]
    if first == "*":
        inner = place if isinstance(place, list) else ()
        for one in inner:
            yield from _walk(one, rest)
    elif isinstance(place, dict) and first in place:
        yield from _walk(place[first], rest)
    elif isinstance(place, list) and first.isdigit() and int(first) < len(place):
        yield from _walk(place[int(first)], rest)


def as_text(value: Json) -> str | None:
    """A fact is text; decimals keep their digits, an absent or nested value is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else None
