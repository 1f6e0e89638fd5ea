"""A model behind Anthropic's messages API, through its own SDK."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from engine.errors import Unavailable
from engine.llm.exchange import (
    COMPONENT,
    Asked,
    Function,
    FunctionCall,
    Message,
    ModelRefused,
    ProviderSettings,
    Reply,
    Tokens,
)
from engine.llm.openai import CALLS_AT_MOST, count
from engine.llm.strict import strictly
from engine.llm.troubles import Errors, bounded, odd, told
from engine.llm.trust import Trust

if TYPE_CHECKING:
    from ssl import SSLContext

    from anthropic import AsyncAnthropic

ANSWER = "outcome"


class Anthropic:
    """The `Provider` port. The answer is a function of its own, which is called last."""

    def __init__(self, settings: ProviderSettings, api_key: SecretStr) -> None:
        self.settings = settings
        self._api_key = api_key
        self._trust = Trust()

    async def ask(self, asked: Asked) -> Reply:
        import anthropic  # noqa: PLC0415 -- heavy; only a process that asks a model pays for it

        errors = Errors(
            anthropic.APITimeoutError, anthropic.APIStatusError, anthropic.AnthropicError
        )
        trusted = await self._trust.context()
        async with told(errors, self.settings.timeout_seconds), self._client(trusted) as client:
            create = client.messages.with_streaming_response.create
            question: Any = self._question(asked)
            async with create(**question) as response:
                return reply(await bounded(response))

    def _client(self, trusted: "SSLContext") -> "AsyncAnthropic":
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient  # noqa: PLC0415

        return AsyncAnthropic(
            api_key=self._api_key.get_secret_value() or "none",
            base_url=self.settings.base_url,
            timeout=self.settings.timeout_seconds,
            max_retries=self.settings.retries,
            http_client=DefaultAsyncHttpxClient(verify=trusted),
        )

    def _question(self, asked: Asked) -> dict[str, Any]:
        answer = Function(
            ANSWER, "The answer to the request. Call it once, at the end.", asked.form
        )
        return {
            "model": self.settings.model,
            "max_tokens": self.settings.output_tokens,
            "system": asked.system,
            "messages": _turns(asked.said),
            "tools": [
                {"name": one.name, "description": one.about, "input_schema": one.parameters}
                for one in (*asked.functions, answer)
            ],
            "tool_choice": {"type": "any"} if asked.functions else {"type": "tool", "name": ANSWER},
        }


def _turns(said: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": one.role, "content": one.content} for one in said]


def reply(body: bytes) -> Reply:
    """Take the words, or the calls, out of a message."""
    try:
        content = strictly(body)
        ending, usage = content["stop_reason"], content.get("usage")
        blocks = [one for one in content["content"] if isinstance(one, dict)]
        used = [one for one in blocks if one.get("type") == "tool_use"][:CALLS_AT_MOST]
        calls = tuple(FunctionCall(str(one["name"]), json.dumps(one["input"])) for one in used)
        words = "".join(str(one["text"]) for one in blocks if one.get("type") == "text")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unavailable(COMPONENT, odd("something that is no message")) from None
    if ending == "refusal":
        raise ModelRefused("The language model refuses to answer this request.")
    answers = [one.arguments for one in calls if one.name == ANSWER]
    wanted = tuple(one for one in calls if one.name != ANSWER)
    if not (answers or wanted or words):
        raise Unavailable(COMPONENT, odd("a message without words"))
    return Reply(
        answers[0] if answers else words,
        whole=ending != "max_tokens",
        calls=() if answers else wanted,
        tokens=_tokens(usage),
    )


def _tokens(usage: Any) -> Tokens:
    """Anthropic counts cached tokens beside the others."""
    if not isinstance(usage, dict):
        return Tokens()
    cached = count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens"))
    fresh = count(usage.get("input_tokens"))
    return Tokens(fresh + cached + written, cached, count(usage.get("output_tokens")))
