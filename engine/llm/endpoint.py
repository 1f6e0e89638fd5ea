"""One question to a chat/completions endpoint, bounded in time and size, with errors in words."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from engine.domain.model import Json
from engine.errors import DraftFailed, Unavailable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

COMPONENT = "model"
BODY_LIMIT = 512_000


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, where, and how long to wait. `deadline_seconds` is for a whole draft."""

    api_key: SecretStr
    base_url: str
    model: str
    timeout_seconds: float = 60
    deadline_seconds: float = 150
    repair_rounds: int = 2
    retries: int = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """What one question cost, for metrics. `ending` is a short word."""

    model: str
    seconds: float
    input_tokens: int = 0
    output_tokens: int = 0
    ending: str = "answered"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the exchange."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's words; `whole` is False when it was cut at its own limit."""

    text: str
    whole: bool = True
    usage: dict[str, Any] = field(default_factory=dict)


def ignore(usage: Usage) -> None:
    """Report usage to nobody."""


class Endpoint:
    """OpenAI's chat/completions, or anything that speaks it."""

    def __init__(self, settings: ModelSettings, on_usage: Callable[[Usage], None] = ignore) -> None:
        self._settings = settings
        self._on_usage = on_usage

    async def ask(self, messages: Sequence[Message], schema: dict[str, Json]) -> Reply:
        """Ask once.

        Raises:
            Unavailable: no usable answer came from the endpoint.
            DraftFailed: the model refused.
        """
        began, ending, reply = time.monotonic(), "unavailable", Reply("")
        try:
            reply = _reply(await self._body(messages, schema))
            ending = "answered"
        except DraftFailed:
            ending = "refused"
            raise
        finally:
            self._on_usage(
                Usage(
                    model=self._settings.model,
                    seconds=time.monotonic() - began,
                    input_tokens=_count(reply.usage, "prompt_tokens"),
                    output_tokens=_count(reply.usage, "completion_tokens"),
                    ending=ending,
                )
            )
        return reply

    async def _body(self, messages: Sequence[Message], schema: dict[str, Json]) -> bytes:
        """Vendor errors end here; their texts may hold what we sent, so they are not passed on."""
        import openai  # noqa: PLC0415 -- heavy; only a process that asks a model pays for it
        from httpx2 import HTTPError  # noqa: PLC0415 -- what the SDK raises while a body is read

        try:
            async with self._client() as client:
                return await self._read(client, messages, schema)
        except openai.APITimeoutError:
            waited = f"{self._settings.timeout_seconds:g} s"
            raise Unavailable(COMPONENT, _silent(f"no answer within {waited}")) from None
        except openai.APIStatusError as error:
            raise Unavailable(COMPONENT, _silent(_status(error.status_code))) from None
        except openai.OpenAIError as error:
            raise Unavailable(COMPONENT, _silent(_cause(error))) from None
        except HTTPError as error:
            raise Unavailable(COMPONENT, _silent(f"{_kind(error)} while it spoke")) from None

    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI  # noqa: PLC0415

        return AsyncOpenAI(
            api_key=self._settings.api_key.get_secret_value() or "none",
            base_url=self._settings.base_url,
            timeout=self._settings.timeout_seconds,
            max_retries=self._settings.retries,
        )

    async def _read(
        self, client: "AsyncOpenAI", messages: Sequence[Message], schema: dict[str, Json]
    ) -> bytes:
        asked: Any = {
            "model": self._settings.model,
            "messages": [{"role": one.role, "content": one.content} for one in messages],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "outcome", "strict": True, "schema": schema},
            },
        }
        body = bytearray()
        create = client.chat.completions.with_streaming_response.create
        async with create(**asked) as response:
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise Unavailable(COMPONENT, _odd(f"more than {BODY_LIMIT // 1000} kB"))
        return bytes(body)


def _reply(body: bytes) -> Reply:
    """Take the words out of a completion."""
    try:
        content = json.loads(body)
        choice = content["choices"][0]
        message = choice["message"]
        refusal, text = message.get("refusal"), message.get("content")
        ending, usage = choice.get("finish_reason"), content.get("usage")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unavailable(COMPONENT, _odd("something that is no completion")) from None
    if isinstance(refusal, str) and refusal:
        raise DraftFailed(f"The language model refuses: {refusal[:300]}")
    if ending == "content_filter":
        raise DraftFailed("The language model's provider withheld its answer.")
    if not isinstance(text, str):
        raise Unavailable(COMPONENT, _odd("a completion without words"))
    known = usage if isinstance(usage, dict) else {}
    return Reply(text, whole=ending != "length", usage=known)


def _silent(why: str) -> str:
    return f"The language model does not answer: {why}."


def _odd(what: str) -> str:
    return f"The language model's endpoint answers with {what}."


def _status(code: int) -> str:
    reasons = {
        401: "its endpoint does not accept the key",
        403: "its endpoint does not allow this key",
        404: "its endpoint does not know the model",
        429: "its endpoint is over its limit",
    }
    return f"{reasons.get(code, 'its endpoint fails')} (HTTP {code})"


def _cause(error: Exception) -> str:
    return _kind(error.__cause__) if error.__cause__ else "its endpoint can't be reached"


def _kind(error: BaseException) -> str:
    """The name of an error as words: `ConnectError` is "connect error"."""
    name = type(error).__name__
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()


def _count(usage: dict[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) else 0
