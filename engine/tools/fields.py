"""The typed input fields of an action: what a value may be, before it gets near a tool."""

import re
import unicodedata
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field as Bound

from engine.domain.form import InputField
from engine.domain.model import Json, Model

FieldType = Literal[
    "text",
    "scalar",
    "word",
    "sha",
    "revision",
    "branch",
    "remote",
    "path",
    "key",
    "integer",
    "choice",
    "duration",
    "decimal",
    "promql",
    "mark",
    "name",
    "id",
    "folders",
    "version",
    "chart",
    "image",
    "selector",
    "assignments",
    "commitish",
    "timestamp",
    "switch",
    "sql",
    "matcher",
]
REFERENCE = re.compile(r"\{steps\.([1-9][0-9]{0,2})\.([a-z][a-z0-9_]{0,49})\}")
# git reads these itself, or they leave the folder.
REFUSED_NAMES = frozenset({".", "..", ".git", ".gitattributes", ".gitmodules"})
# Format characters turn text around or hide it; separators break lines.
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class WrongValue(ValueError):
    """A value that its field refuses; the text says what is wanted, never the value."""


class Field(Model):
    """One input of an action.

    `given` fields are filled when a step is frozen and are not offered to a planner. An optional
    field without a value takes `default`; without one its request parameter is left out.
    `pinned` names the read and its output (`head.head`) that the value was taken from: it is read
    again when the same steps become another plan, and nobody types it. `context` says from which
    part of the plan's context it is filled. `aliases` are other words for a choice. A `switch`
    puts its `flag` or nothing. A number below `typed_min` is not read from a command line.
    """

    type: FieldType
    about: str = ""
    max_length: int = Bound(default=0, ge=0, le=10_000)
    pattern: str = ""
    min: int = 0
    max: int = 1_000_000
    typed_min: int | None = None
    choices: tuple[str, ...] = ()
    aliases: dict[str, str] = Bound(default_factory=dict)
    flag: str = Bound(default="", pattern=r"^(--?[a-z][a-z0-9-]*(=[a-z0-9]+)?)?$")
    default: str | int | None = None
    optional: bool = False
    given: bool = False
    context: Literal["", "environment", "cluster", "namespace", "region", "service"] = ""
    pinned: str = ""

    @property
    def offered(self) -> bool:
        """Whether a planner may fill it."""
        return not self.given and not self.context

    @property
    def refers(self) -> bool:
        """Whether a value may be a reference to an earlier step's output.

        A target is never one: where a step acts has to be known when it is approved.
        """
        return KINDS[self.type].refers

    @property
    def longest(self) -> int:
        """Characters that a value may have."""
        kind = KINDS[self.type].longest
        return min(kind, self.max_length) if self.max_length else kind

    def for_people(self, name: str, remotes: tuple[str, ...]) -> InputField:
        """The field as somebody fills it in."""
        choices = remotes if self.type == "remote" else self.choices
        about = self.about or KINDS[self.type].wants
        if self.type == "integer":
            about += f", from {self.min} to {self.max}"
        return InputField(
            name=name,
            about=about,
            kind="choice" if choices else "text",
            choices=choices,
            longest=self.longest,
            optional=self.optional,
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """What all fields of one type have in common."""

    wants: str
    pattern: str = ""
    longest: int = 200
    refers: bool = False
    plain: bool = True
    refuses: Callable[[str], bool] = field(default=lambda value: False)


def _bad_branch(value: str) -> bool:
    parts = value.split("/")
    bad_part = any(not part or part[0] in ".-" or part.endswith(".lock") for part in parts)
    return bad_part or ".." in value or value.endswith(".") or value == "HEAD"


def _bad_path(value: str) -> bool:
    parts = value.split("/")
    return any(not part or part[0] in "- " or part.lower() in REFUSED_NAMES for part in parts)


def _elsewhere(value: str) -> bool:
    """Whether an identifier is an address, a file's name, or a path upwards."""
    return "://" in value or ".." in value or "=@" in value


def _leaves(value: str) -> bool:
    """Whether a path has parts that lead elsewhere, or is an address."""
    return "://" in value or any(part in ("", ".", "..") for part in value.split("/"))


# A statement that only looks; whether it is one alone, the database's read-only mode says.
SQL = r"(?is)(?:select|with|explain|show|table|values)\b[^;\\]*"
SQL_REFUSED = re.compile(
    r"(?i)\b(?:pg_(?:read|ls|stat_file|sleep|terminate|cancel|reload|rotate|switch|create|drop|"
    r"logical|replication|promote|wal|backup|advisory|try_advisory|notify)\w*|lo_\w+|dblink\w*|"
    r"set_config|query_to_xml\w*|xpath_table|setval|nextval|copy|into\s+\w)"
)

KINDS: dict[FieldType, Kind] = {
    "text": Kind("one line of text", longest=500, refers=True, plain=False),
    "scalar": Kind("a single value", longest=500, refers=True, plain=False),
    "word": Kind("letters, digits, dots and dashes", r"[A-Za-z0-9][A-Za-z0-9._-]*", 100),
    "sha": Kind("a whole commit id of 40 digits", r"[0-9a-f]{40}|[0-9a-f]{64}", 64, refers=True),
    "revision": Kind("a commit id", r"[0-9a-f]{7,64}", 64, refers=True),
    "branch": Kind("a branch name", r"[A-Za-z0-9][A-Za-z0-9._/-]*", refuses=_bad_branch),
    "remote": Kind(
        "a repository address like https://host/path, without a password",
        r"(?:https|ssh|file)://(?:[a-z][a-z0-9-]*@)?(?:[A-Za-z0-9][A-Za-z0-9.:-]*)?/[A-Za-z0-9._~%/+-]+",
        500,
        refuses=lambda value: "/../" in f"{value}/",
    ),
    "path": Kind("a path inside the repository", r"[A-Za-z0-9._@+ /-]+", 300, refuses=_bad_path),
    "key": Kind("a key, or keys joined by dots", r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"),
    "integer": Kind("a whole number", refers=True),
    "choice": Kind("one of the choices"),
    "duration": Kind("a time like 30s, 5m or 2h", r"[1-9][0-9]{0,5}[smhd]", 10),
    "decimal": Kind("a decimal number", r"[0-9]{1,15}(?:\.[0-9]{1,9})?", 25, refers=True),
    "promql": Kind("a PromQL expression", longest=2000, plain=False),
    "mark": Kind("a mark", r"[A-Za-z0-9][A-Za-z0-9._:/-]*", 100),
    "name": Kind("a name in small letters", r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", 253),
    "id": Kind("an identifier", r"[A-Za-z0-9/][A-Za-z0-9._:/@+=#-]*", 253, refuses=_elsewhere),
    "folders": Kind(
        "a path with slashes", r"[A-Za-z0-9_][A-Za-z0-9_./-]*[A-Za-z0-9_-]", 253, refuses=_leaves
    ),
    "version": Kind("a version like 1.4.2", r"v?[0-9][A-Za-z0-9.+_-]*", 100),
    "chart": Kind(
        "a chart as repository/name or oci://host/path",
        r"(?:oci://[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?|[a-z0-9][a-z0-9-]*)(?:/[a-z0-9][a-z0-9._-]*)+",
        refuses=lambda value: ".." in value,
    ),
    "image": Kind(
        "an image with a tag or digest",
        r"[a-z0-9][a-z0-9._/-]*(?::[0-9]{1,5}/[a-z0-9._/-]+)?"
        r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
        500,
        refers=True,
        refuses=lambda value: ":" not in value or ".." in value or "//" in value,
    ),
    "selector": Kind(
        "conditions like app=checkout",
        r"[A-Za-z0-9][A-Za-z0-9._/-]*(?:={1,2}|!=)[A-Za-z0-9._/-]*"
        r"(?:,[A-Za-z0-9][A-Za-z0-9._/-]*(?:={1,2}|!=)[A-Za-z0-9._/-]*)*",
        500,
    ),
    "assignments": Kind(
        "settings like image.tag=1.4.2",
        r"[A-Za-z][A-Za-z0-9_.-]*=[A-Za-z0-9_.:/@+-]*(?:,[A-Za-z][A-Za-z0-9_.-]*=[A-Za-z0-9_.:/@+-]*)*",
        1000,
        refuses=lambda value: "://" in value or "=@" in value,
    ),
    "commitish": Kind(
        "a commit id or HEAD", r"[0-9a-f]{7,64}|HEAD(?:[~^][0-9]{0,3})?", 64, refers=True
    ),
    "timestamp": Kind(
        "a time like 2026-01-31T12:00:00Z",
        r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z",
        30,
    ),
    "switch": Kind("yes or no", longest=5),
    "sql": Kind(
        "one SELECT statement, without a semicolon",
        SQL,
        4000,
        plain=False,
        refuses=lambda value: SQL_REFUSED.search(value) is not None,
    ),
    "matcher": Kind(
        "a condition like alertname=HighErrorRate",
        r"[A-Za-z_][A-Za-z0-9_]*(?:=|!=|=~|!~)[A-Za-z0-9_.:/@ |*+-]+",
        300,
    ),
}


def is_reference(value: Json) -> bool:
    """Whether the whole value stands for an earlier step's output."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def check(spec: Field, value: Json, remotes: Container[str] | None = None) -> str | int:
    """Return the value in its one normal form.

    Args:
        spec: the field.
        value: what was given for it.
        remotes: the repositories that may be named; None when that was decided before.

    Raises:
        WrongValue: it is not what the field wants.
    """
    if value is not None and value == spec.default:
        return spec.default
    if is_reference(value):
        if not spec.refers:
            raise WrongValue("has to be known before approval; a reference is not possible here")
        return str(value)
    if spec.type == "integer":
        return _integer(spec, value)
    if spec.type == "switch":
        return _switch(value)
    text = _text(spec, value)
    if spec.type == "remote" and remotes is not None and text not in remotes:
        raise WrongValue(
            "is no repository that may be used; add it to tools.git_remotes or to a service"
        )
    return text


def _integer(spec: Field, value: Json) -> int:
    if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValue("wants a whole number")
    if not spec.min <= value <= spec.max:
        raise WrongValue(f"has to be between {spec.min} and {spec.max}")
    return value


def _switch(value: Json) -> str:
    if value in (True, "yes", "true"):
        return "yes"
    if value in (False, "no", "false"):
        return "no"
    raise WrongValue("wants yes or no")


def _text(spec: Field, value: Json) -> str:
    if spec.type == "scalar" and isinstance(value, bool | int):
        value = str(value).lower()
    if not isinstance(value, str):
        raise WrongValue("wants text")
    _refuse_characters(spec, value)
    kind = KINDS[spec.type]
    value = spec.aliases.get(value, value)
    if spec.type == "choice" and value not in spec.choices:
        raise WrongValue(f"has to be one of {', '.join(spec.choices)}")
    if kind.pattern and (not re.fullmatch(kind.pattern, value) or kind.refuses(value)):
        raise WrongValue(f"wants {kind.wants}")
    if spec.pattern and not re.fullmatch(spec.pattern, value):
        raise WrongValue(f"wants {spec.about or kind.wants}")
    return value


def _refuse_characters(spec: Field, value: str) -> None:
    """What no field takes, whatever its type."""
    if not value.strip():
        raise WrongValue("is empty")
    if len(value) > spec.longest:
        raise WrongValue(f"is longer than {spec.longest} characters")
    if value.startswith("-") and spec.type != "promql":
        raise WrongValue("may not begin with a dash")
    if any(unicodedata.category(letter) in REFUSED_CATEGORIES for letter in value):
        raise WrongValue("holds a control character")
    if not unicodedata.is_normalized("NFC", value):
        raise WrongValue("is not in Unicode's composed form (NFC)")
    if KINDS[spec.type].plain and not value.isascii():
        raise WrongValue("holds a letter that is not ASCII")
    if "{steps." in value:
        raise WrongValue("holds a reference inside text; a reference is the whole value")
