"""Workflows of the catalog as users see them: typed input, evidence, steps, and the way back."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from engine.domain.form import InputField
from engine.domain.ids import PersonId
from engine.domain.model import Json, Model, Name, Sentence
from engine.domain.outline import Action, Look

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Kind = Literal[
    "text", "name", "key", "commit", "version", "image", "assignments", "duration", "integer",
    "choice", "switch",
]  # fmt: skip
Value = str | int
LONGEST = 200
KIND = "deployment"
FILE, SETTINGS = re.compile(r".+\.(?:ya?ml|json)"), "values.yaml"
REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
FORMS: dict[str, tuple[str, str]] = {
    "name": (r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", "a name in small letters"),
    "key": (r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*", "a key, or keys joined by dots"),
    "commit": (r"[0-9a-f]{7,64}", "a commit id"),
    "version": (r"v?[0-9][A-Za-z0-9.+_-]{0,99}", "a version like 1.4.2"),
    "image": (
        r"[a-z0-9][a-z0-9._:/-]*(?::[A-Za-z0-9_][A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})",
        "an image with its tag or digest",
    ),
    "assignments": (
        r"[A-Za-z][\w.-]*=[\w.:/@+-]*(?:,[A-Za-z][\w.-]*=[\w.:/@+-]*)*",
        "settings like image.tag=1.4.2",
    ),
    "duration": (r"[1-9][0-9]{0,5}[smhd]", "a time like 30s, 5m or 2h"),
}
"""What a value looks like, by type, and how that is said."""


class WrongInput(ValueError):
    """A value that its input refuses; the text says what is wanted, never the value."""


class Input(Model):
    """One typed input; `about` says what it is for."""

    type: Kind
    about: Sentence = ""
    optional: bool = False
    default: Value | None = None
    choices: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    min: int = 0
    max: int = 1_000_000
    max_length: Annotated[int, Field(ge=1, le=1000)] = LONGEST

    @property
    def wants(self) -> str:
        """What has to be typed, in words."""
        if self.type == "integer":
            return f"a whole number from {self.min} to {self.max}"
        if self.type == "choice":
            return f"one of {', '.join(self.choices)}"
        said = {"switch": "yes or no", "text": "one line of text"}
        return said[self.type] if self.type in said else FORMS[self.type][1]

    def for_people(self, name: str) -> InputField:
        """The input as somebody fills it in."""
        choices = ("yes", "no") if self.type == "switch" else self.choices
        return InputField(
            name=name,
            about=self._told(),
            kind="choice" if choices else "text",
            choices=choices,
            longest=self.max_length,
            optional=self.optional or self.default is not None,
        )

    def _told(self) -> str:
        if self.type == "integer" and self.about:
            return f"{self.about}, from {self.min} to {self.max}"
        return self.about or self.wants


class Deed(Action):
    """A step. A write that can't be undone says why, in `no_rollback`.

    It is left out where a placeholder of `only` has another value than is said there; `*` stands
    for any value that is known.
    """

    no_rollback: Sentence = ""
    only: Annotated[dict[Name, Name], Field(max_length=5)] = Field(default_factory=dict)


class Refusal(Model):
    """Nothing is drafted where two values are the same; `say` tells why not."""

    value: Name
    same_as: Name
    say: Name


class Template(Model):
    """A workflow: what it needs to know, what it looks at, what it does and how it is checked.

    Placeholders name `service` (its entry in the services file), `context`, `input` and `evidence`
    (by the name of a reading). `needs` are placeholders that must be known before anything is
    looked at. `authors` count as requesters of every plan that it makes.
    """

    workflow: Slug
    version: Annotated[int, Field(ge=1, le=100_000)] = 1
    title: Name
    about: Sentence = ""
    authors: Annotated[tuple[PersonId, ...], Field(max_length=20)] = ()
    input: Annotated[dict[Slug, Input], Field(max_length=20)] = Field(default_factory=dict)
    needs: tuple[Name, ...] = ()
    evidence: Annotated[tuple[Look, ...], Field(min_length=1, max_length=20)]
    refuse: Annotated[tuple[Refusal, ...], Field(max_length=10)] = ()
    plan_title: Sentence
    why: Sentence = ""
    steps: Annotated[tuple[Deed, ...], Field(min_length=2, max_length=50)]

    @property
    def fields(self) -> tuple[InputField, ...]:
        """Its inputs as somebody fills them in."""
        return tuple(one.for_people(name) for name, one in self.input.items())


class TemplateRecord(Model):
    """A workflow on its shelf.

    `source` is `built-in`, a folder, or `api` for what was written here; only the last can be
    changed here. `authors` are all who wrote in it, `enabled_by` whoever let it be started last.
    """

    template: Template
    body: str
    digest: str
    source: str
    enabled: bool = True
    authors: tuple[PersonId, ...] = ()
    author_name: str = ""
    enabled_by: PersonId | None = None
    enabled_by_name: str = ""
    written_at: datetime | None = None

    @property
    def ours(self) -> bool:
        """Whether it was written here and not in a file."""
        return self.source == "api"

    @property
    def responsible(self) -> tuple[PersonId, ...]:
        """Who never approves what it makes."""
        given = (*self.template.authors, *self.authors, self.enabled_by)
        return tuple(dict.fromkeys(one for one in given if one))


class TemplateText(Model):
    """One version of a workflow that somebody wrote here; it never changes."""

    name: Slug
    version: int
    body: str
    digest: str
    author: PersonId
    author_name: str
    at: datetime


class TemplateState(Model):
    """Which version of it is current, and whether it may be started."""

    name: Slug
    version: int
    enabled: bool
    enabled_by: PersonId
    enabled_by_name: str
    removed: bool = False


class Picked(Model):
    """A workflow that somebody started: as it was then, with what they filled in."""

    template: Template
    digest: str
    input: dict[Slug, Value]
    authors: tuple[PersonId, ...] = ()


def described(entry: Mapping[str, Json], environment: str) -> dict[str, Json]:
    """What the services file says of a service, with what it means where it says nothing."""
    name = str(entry.get("name", ""))
    usual: dict[str, Json] = {
        "kind": KIND,
        "container": name,
        "image": name,
        "vault": {"role": name},
    }
    said = {**usual, **{key: value for key, value in entry.items() if value not in ("", None)}}
    gitops = entry.get("gitops")
    if isinstance(gitops, dict):
        path = str(gitops.get("path", ""))
        file = path if FILE.fullmatch(path) else f"{path}/{environment}/{SETTINGS}"
        said["gitops"] = {**gitops, "file": file}
    helm = entry.get("helm")
    if isinstance(helm, dict) and not helm.get("remote"):
        said["helm"] = {**helm, "oci": helm.get("chart", "")}
    return said


def filled(
    template: Template, given: Mapping[str, Json]
) -> tuple[dict[str, Value], dict[str, str]]:
    """The values in their normal form, and what is wrong with which."""
    values: dict[str, Value] = {}
    wrong = {name: "is no input of this workflow" for name in given if name not in template.input}
    for name, wanted in template.input.items():
        value = given.get(name)
        if value in (None, ""):
            value = wanted.default
        if value in (None, ""):
            if not wanted.optional:
                wrong[name] = f"is needed: {wanted.wants}"
            continue
        try:
            values[name] = normal(wanted, value)
        except WrongInput as error:
            wrong[name] = str(error)
    return values, wrong


def normal(wanted: Input, value: Json) -> Value:
    """One value. Raises `WrongInput` that says what is wanted and never what was given."""
    if wanted.type == "integer":
        return whole(wanted, value)
    if wanted.type == "switch":
        if value in (True, "yes", "true"):
            return "yes"
        if value in (False, "no", "false"):
            return "no"
        raise WrongInput("wants yes or no")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongInput(f"wants {wanted.wants}")
    return text(wanted, str(value).strip())


def whole(wanted: Input, value: Json) -> int:
    """A number within its bounds. Raises `WrongInput`."""
    if isinstance(value, str) and re.fullmatch(r"\s*(?:0|[1-9][0-9]{0,9})\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongInput(f"wants {wanted.wants}")
    if not wanted.min <= value <= wanted.max:
        raise WrongInput(f"has to be between {wanted.min} and {wanted.max}")
    return value


def text(wanted: Input, value: str) -> str:
    """A text in its form. Raises `WrongInput`."""
    if len(value) > wanted.max_length:
        raise WrongInput(f"is longer than {wanted.max_length} characters")
    if value.startswith("-") or "{" in value or "}" in value:
        raise WrongInput("may neither begin with a dash nor hold braces")
    if any(unicodedata.category(each) in REFUSED for each in value):
        raise WrongInput("holds a control character")
    form = FORMS.get(wanted.type)
    if form and not re.fullmatch(form[0], value, re.ASCII):
        raise WrongInput(f"wants {wanted.wants}")
    if wanted.choices and value not in wanted.choices:
        raise WrongInput(f"has to be {wanted.wants}")
    return unicodedata.normalize("NFC", value)
