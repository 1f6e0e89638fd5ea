"""One tool call, rendered to the last argument, and what may be expected of its result."""

from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import Field

from engine.domain.model import Json, Model


class Effect(StrEnum):
    """What an action does to the world; comes from the tool definition alone."""

    READ = "read"
    WRITE = "write"
    DESTROY = "destroy"


class Risk(IntEnum):
    """How much harm a plan can do; the order matters."""

    READ = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The word that people read: read, low, medium, high."""
        return self.name.lower()


class Comparison(StrEnum):
    """How an expectation compares."""

    EQUALS = "=="
    DIFFERS = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


class Expectation(Model):
    """A fact about a call's outputs: `output` is compared with `value`.

    Numbers are decimal strings and are compared as decimals; `<`, `<=`, `>`, `>=` need numbers.
    `unit` is what people read behind the number; `ratio` is a fraction, shown in per cent.
    The call is repeated until the fact has held for `hold_seconds`, at most `within_seconds`.
    """

    output: str
    comparison: Comparison = Comparison.EQUALS
    value: str
    within_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    hold_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    unit: str = ""
    label: str = ""


class Request(Model):
    """An HTTP request, for tools whose transport is their API."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str
    headers: dict[str, str] = {}
    body: str = ""


class Call(Model):
    """Everything the worker runs, in order, and nothing else. Hashed whole.

    `commands` are argument vectors run one after the other in one private working folder;
    an argument may hold `{steps.N.NAME}`, a typed reference resolved only from the outputs
    recorded by this execution. `files` maps a name in the working folder to the SHA-256 of its
    content, `environment` lists names only. `definition` is the digest of the tool definition.
    """

    tool: str
    action: str
    title: str
    effect: Effect
    input: dict[str, Json]
    transport: Literal["cli", "api"]
    commands: tuple[tuple[str, ...], ...] = ()
    request: Request | None = None
    files: dict[str, str] = {}
    stdin: str = ""
    environment: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    image: str = ""
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    idempotent: bool = False
    definition: str

    @property
    def name(self) -> str:
        """`tool.action`, as policies and people know it."""
        return f"{self.tool}.{self.action}"


class Probe(Model):
    """A read that tells whether a write took effect."""

    call: Call
    expect: Expectation


class Ending(StrEnum):
    """How a call ended. Unknown: it may or may not have had its effect."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class CallResult(Model):
    """What a call left behind. `outputs` are the named facts that its definition extracts.

    `refused`: a guard stopped it before anything ran, so it tells nothing about the world.
    """

    ending: Ending
    outputs: dict[str, str] = {}
    message: str = ""
    exit_code: int | None = None
    tail: str = ""
    seconds: float = 0.0
    refused: bool = False
