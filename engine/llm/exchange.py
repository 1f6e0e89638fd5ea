"""What is said to a model and what comes back, the same for every provider."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.domain.model import Json
from engine.errors import DraftFailed

COMPONENT = "model"


class ModelRefused(DraftFailed):
    """The model, or its provider, does not want to answer."""


class OverBudget(DraftFailed):
    """Another question would cost more than was allowed for today."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the exchange; the role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Function:
    """A read that the model may ask for. The name is made of letters, digits and underscores."""

    name: str
    about: str
    parameters: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the exchange so far, the form of the answer, and what may be called instead.

    `person` is who it is for, so that it can be counted for them.
    """

    messages: Sequence[Message]
    form: dict[str, Json]
    functions: Sequence[Function] = ()
    person: str = ""

    @property
    def system(self) -> str:
        """The rules alone."""
        return "\n\n".join(one.content for one in self.messages if one.role == "system")

    @property
    def said(self) -> list[Message]:
        """Everything but the rules."""
        return [one for one in self.messages if one.role != "system"]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A read that the model asks for; the arguments are as it wrote them."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider counted. `cached` are part of `input`."""

    input: int = 0
    cached: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's words, or the calls that it wants. `whole` is False when it was cut off."""

    text: str
    whole: bool = True
    calls: tuple[FunctionCall, ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
    by: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one question cost, for metrics. `ending` is answered, refused or unavailable."""

    provider: str
    model: str
    seconds: float
    tokens: Tokens = field(default_factory=Tokens)
    microdollars: int = 0
    ending: str = "answered"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One model: where it is, and how long one question may take with all its tries.

    Prices are microdollars per million tokens, 0 where they are not known.
    """

    name: str
    model: str
    base_url: str
    timeout_seconds: float = 60
    retries: int = 1
    output_tokens: int = 8000
    input_price: int = 0
    cached_price: int = 0
    output_price: int = 0

    def cost(self, tokens: Tokens) -> int:
        """Microdollars, rounded up."""
        fresh = max(tokens.input - tokens.cached, 0) * self.input_price
        total = fresh + tokens.cached * self.cached_price + tokens.output * self.output_price
        return -(-total // 1_000_000)


class Provider(Protocol):
    """Somebody who answers."""

    @property
    def settings(self) -> ProviderSettings: ...

    async def ask(self, asked: Asked) -> Reply:
        """Ask once.

        Raises:
            Unavailable: no usable answer came.
            ModelRefused: the model, or its provider, does not want to.
        """
        ...


def ignore(usage: Usage) -> None:
    """Report usage to nobody."""
