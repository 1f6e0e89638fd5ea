"""Small checks that Block Kit rules are put together from.

A check takes a value and where it stands (a JSON pointer), and adds what is wrong to a `Report`.
The words follow Slack's own messages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.local.slack.model import Json


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule."""

    pointer: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


@dataclass(slots=True)
class Report:
    """What was found, and the ids that have to be unique."""

    surface: str
    problems: list[Problem] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)

    def add(self, pointer: str, message: str, code: str = "invalid_value") -> None:
        self.problems.append(Problem(pointer, code, message))


Check = Callable[[Any, str, Report], None]


def string(most: int, *, least: int = 1) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add(at, "must provide a string", "invalid_type")
        elif len(value) > most:
            report.add(at, f"must be less than {most + 1} characters", "too_long")
        elif len(value) < least:
            report.add(at, f"must be more than {least - 1} characters", "too_short")

    return check


def boolean(value: Any, at: str, report: Report) -> None:
    """True or false."""
    if not isinstance(value, bool):
        report.add(at, "must provide a boolean", "invalid_type")


def integer(least: int, most: int) -> Check:
    """A whole number in a range."""

    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(at, "must provide an integer", "invalid_type")
        elif not least <= value <= most:
            report.add(at, f"must be between {least} and {most}", "out_of_range")

    return check


def number(value: Any, at: str, report: Report) -> None:
    """Any number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        report.add(at, "must provide a number", "invalid_type")


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: Any, at: str, report: Report) -> None:
        if value not in allowed:
            report.add(at, f"must be a valid enum value: {', '.join(allowed)}", "invalid_enum")

    return check


def items(each: Check, most: int, *, least: int = 1) -> Check:
    """A list of `least` to `most` values."""

    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add(at, "must provide an array", "invalid_type")
            return
        if len(value) > most:
            report.add(at, f"no more than {most} items allowed", "too_many")
        if len(value) < least:
            report.add(at, f"no fewer than {least} items allowed", "too_few")
        for index, item in enumerate(value):
            each(item, f"{at}/{index}", report)

    return check


def thing(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with exactly these fields. A field we do not know is an error, as at Slack."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(at, "must provide an object", "invalid_type")
            return
        for name in required:
            if value.get(name) is None:
                report.add(at, f"missing required field: {name}", "missing_field")
        for name, inner in value.items():
            if name not in known:
                report.add(at, f"invalid additional property: {name}", "unknown_field")
            elif inner is not None:
                known[name](inner, f"{at}/{name}", report)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which rules hold."""

    def check(value: Any, at: str, report: Report) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind is None:
            report.add(at, "must provide an object with a type", "missing_type")
        elif kind not in kinds:
            report.add(at, f"unsupported type: {kind}", "unsupported_type")
        else:
            kinds[kind](value, at, report)

    return check


def both(*checks: Check) -> Check:
    """Every one of the checks."""

    def check(value: Any, at: str, report: Report) -> None:
        for each in checks:
            each(value, at, report)

    return check


def unique(name: str) -> Check:
    """Objects in a list differ in this field."""

    def check(value: Any, at: str, report: Report) -> None:
        seen: set[str] = set()
        for index, item in enumerate(objects(value)):
            word = item.get(name)
            if isinstance(word, str) and word in seen:
                report.add(f"{at}/{index}/{name}", f"{name} must be unique: {word}", "duplicate")
            if isinstance(word, str):
                seen.add(word)

    return check


def one_field(*names: str) -> Check:
    """At least one of the fields is there."""

    def check(value: Any, at: str, report: Report) -> None:
        if isinstance(value, dict) and not any(value.get(name) for name in names):
            report.add(at, f"must define one of: {', '.join(names)}", "missing_field")

    return check


def objects(value: Any) -> list[Json]:
    """The objects of a list; other items are reported by `items`."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
