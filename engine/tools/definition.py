"""What a tool definition says: the shape of the YAML files in the catalog."""

import hashlib
from typing import Annotated, Literal, Self

import rfc8785
from pydantic import Field as Bound
from pydantic import StringConstraints

from engine.domain.call import Comparison, Effect
from engine.domain.model import Json, Model
from engine.tools.fields import Field

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,49}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}\.(py|json|yaml)$")]
Flag = Annotated[str, StringConstraints(pattern=r"^--?[A-Za-z][A-Za-z0-9-]{0,60}$")]
Template = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Complaint(Model):
    """A way in which a tool fails: a pattern (RE2) of its output, and what it means in words."""

    pattern: str
    say: Template


class Printed(Model):
    """What a command has to print last; `otherwise` may name it as `{printed}`."""

    equals: Template
    otherwise: Template


class Command(Model):
    """One argument vector; a placeholder never makes more than its one argument.

    An argument that names an optional field without a value is left out whole.
    `succeeds` are the exit codes of a success.
    `local`: it touches the call's own folder alone, so stopping it changes nothing outside.
    `final`: its exit code tells for sure whether it took effect; otherwise only `fails_when` does.
    `quiet`: what it prints is searched for outputs and complaints, and is no news for people.
    """

    argv: Annotated[tuple[Template, ...], Bound(min_length=1, max_length=60)]
    local: bool = False
    final: bool = True
    quiet: bool = False
    succeeds: tuple[Annotated[int, Bound(ge=0, le=255)], ...] = (0,)
    prints: Printed | None = None
    fails_when: tuple[Complaint, ...] = ()


class HttpRequest(Model):
    """A request below the connection's URL. A query parameter without a value is left out.

    `body` is JSON with placeholders in its texts; a text that is one placeholder becomes the
    value itself (a number stays a number), and without a value its key is left out.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Annotated[str, StringConstraints(pattern=r"^/")]
    query: dict[str, Template] = Bound(default_factory=dict)
    body: dict[str, Json] = Bound(default_factory=dict)
    content_type: Literal[
        "application/json", "application/merge-patch+json", "application/strategic-merge-patch+json"
    ] = "application/json"
    error: str = ""
    fails_when: tuple[Complaint, ...] = ()


class Output(Model):
    """A fact that is taken out of what a tool answered.

    `command` counts from 1 and says whose standard output is meant. `pattern` (RE2) gives its
    first group, `path` walks JSON (`*` is every element), and neither is the last line.
    `where` keeps the elements whose field equals a filled template or, after a slash, another
    place of the document. `take` makes one value of many. `missing` is the sentence of a failure
    when there is no value; without it the output is empty.
    """

    command: Annotated[int, Bound(ge=1, le=50)] = 1
    pattern: str = ""
    path: str = ""
    where: dict[str, Template] = Bound(default_factory=dict)
    value: str = ""
    take: Literal["first", "last", "min", "max", "count", "present", "all"] = "first"
    missing: str = ""
    about: str = ""


class Expect(Model):
    """What the probe of a write has to find."""

    output: Slug
    comparison: Comparison = Comparison.EQUALS
    value: Template


class ProbeTemplate(Model):
    """A read of the same tool that tells whether the write took effect."""

    action: Slug
    input: dict[Slug, Template]
    expect: Expect


class RollbackTemplate(Model):
    """The action of the same tool that undoes the write; `{outputs.NAME}` are the write's own."""

    action: Slug
    input: dict[Slug, Template]


class ReliesTemplate(Model):
    """A read of the same tool whose named outputs a write relies on.

    They are pinned when a plan is drafted, and read again right before the write.
    """

    action: Slug
    input: dict[Slug, Template]
    outputs: Annotated[tuple[Slug, ...], Bound(min_length=1, max_length=10)]


class PreviewTemplate(Model):
    """A read of the same tool that shows what the write would change, and changes nothing.

    What it prints is the difference. Its output `head`, if it has one, is what `expected_head` is
    compared with; `also` lists, a line each, what the write takes along. With `on_card` it is
    tried when the plan is drafted, and the card tells that, and what fails.
    """

    action: Slug
    input: dict[Slug, Template]
    on_card: bool = False


class CheckTemplate(Model):
    """A read of the same tool that shows afterwards whether the write did what it is for."""

    action: Slug
    input: dict[Slug, Template]
    expect: Expect
    within_seconds: Annotated[int, Bound(ge=0, le=3600)] = 60


class Action(Model):
    """One thing that a tool can do.

    `done` says in words what a success left behind; it may name inputs and outputs. An action
    that is not `offered` serves as a probe or preview only. With `commands` and a `request` the
    programs are used where they are installed, and the request where they are not.
    `answers` are its outputs where the request was used and they are not the same.
    With the `login` preview it logs in as `tools.connections.TOOL_preview`, and is not there
    without that: a dry run at the server takes the rights of a write.
    `output` says what is printed. `lines` are the ways in which people type it behind the
    program's name; without any, those of its one command. `flags` is what they may add: a field
    (`{tail}`), or a pattern (RE2) of values that mean nothing here. What is not `typed` is never
    read from a command line: it wants to be asked for in words.
    """

    title: Template
    done: str = ""
    about: str = ""
    effect: Effect
    reversible: bool = False
    idempotent: bool = False
    input: dict[Slug, Field] = Bound(default_factory=dict)
    commands: tuple[Command, ...] = ()
    request: HttpRequest | None = None
    hosts: tuple[Template, ...] = ()
    timeout_seconds: Annotated[int, Bound(ge=1, le=3600)] = 60
    output: Literal["text", "json", "table", "nothing"] = "text"
    outputs: dict[Slug, Output] = Bound(default_factory=dict)
    answers: dict[Slug, Output] | None = None
    probe: ProbeTemplate | None = None
    check: CheckTemplate | None = None
    rollback: RollbackTemplate | None = None
    preview: PreviewTemplate | None = None
    relies: ReliesTemplate | None = None
    redaction: Literal["text", "values", "withheld"] = "text"
    login: Literal["own", "preview"] = "own"
    offered: bool = True
    typed: bool = True
    lines: tuple[Template, ...] = ()
    flags: dict[Flag, str] = Bound(default_factory=dict)

    @property
    def answered(self) -> dict[Slug, Output]:
        """The outputs of the request."""
        return self.outputs if self.answers is None else self.answers

    @property
    def programs(self) -> frozenset[str]:
        """What has to be installed for its commands."""
        return frozenset(command.argv[0] for command in self.commands)


class Authorization(Model):
    """The header that carries the connection's token, as `{token}` in a text."""

    header: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,49}$")] = "authorization"
    value: Annotated[str, StringConstraints(pattern=r"\{token\}")] = "Bearer {token}"


class Tool(Model):
    """A tool: `files` are helper programs by name, with their whole text.

    `environment` is what its programs get; `{connection.url}`, `{connection.host}`,
    `{connection.file}` and `{connection.token}` are of the settings, and never in a plan but for
    the first two. `flags` are those that people may type with any action, as `Action.flags`.
    """

    tool: Slug
    title: str
    about: str = ""
    transport: Literal["cli", "api"]
    environment: dict[EnvironmentName, str] = Bound(default_factory=dict)
    authorization: Authorization = Authorization()
    flags: dict[Flag, str] = Bound(default_factory=dict)
    files: dict[FileName, str] = Bound(default_factory=dict)
    actions: Annotated[dict[Slug, Action], Bound(min_length=1)]

    @property
    def connects(self) -> bool:
        """Whether it is of no use without a connection of the settings."""
        hosts = (host for action in self.actions.values() for host in action.hosts)
        return self.transport == "api" or any(
            "{connection." in text for text in (*self.environment.values(), *hosts)
        )

    @property
    def body(self) -> str:
        """The one canonical text of this definition (RFC 8785), kept for as long as needed."""
        return rfc8785.dumps(self.model_dump(mode="json")).decode()

    @property
    def digest(self) -> str:
        """SHA-256 of the body."""
        return digest_of(self.body)

    @classmethod
    def from_body(cls, body: str) -> Self:
        """Read a stored body."""
        return cls.model_validate_json(body)


def digest_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
