"""A model behind OpenAI's chat/completions, or behind anything that speaks it."""

import json
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from engine.errors import Unavailable
from engine.llm.exchange import (
    COMPONENT,
    Asked,
    FunctionCall,
    ModelRefused,
    ProviderSettings,
    Reply,
    Tokens,
)
from engine.llm.troubles import Errors, bounded, odd, told
from engine.llm.trust import Trust

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import AsyncOpenAI

CALLS_AT_MOST = 64


class OpenAI:
    """The `Provider` port. Answers are structured outputs, reads are function calls."""

    def __init__(self, settings: ProviderSettings, api_key: SecretStr) -> None:
        self.settings = settings
        self._api_key = api_key
        self._trust = Trust()

    async def ask(self, asked: Asked) -> Reply:
        import openai  # noqa: PLC0415 -- heavy; only a process that asks a model pays for it

        errors = Errors(openai.APITimeoutError, openai.APIStatusError, openai.OpenAIError)
        trusted = await self._trust.context()
        async with told(errors, self.settings.timeout_seconds), self._client(trusted) as client:
            create = client.chat.completions.with_streaming_response.create
            question: Any = self._question(asked)
            async with create(**question) as response:
                return reply(await bounded(response))

    def _client(self, trusted: "SSLContext") -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient  # noqa: PLC0415

        return AsyncOpenAI(
            api_key=self._api_key.get_secret_value() or "none",
            base_url=self.settings.base_url,
            timeout=self.settings.timeout_seconds,
            max_retries=self.settings.retries,
            http_client=DefaultAsyncHttpxClient(verify=trusted),
        )

    def _question(self, asked: Asked) -> dict[str, Any]:
        form = {"name": "outcome", "strict": True, "schema": asked.form}
        question: dict[str, Any] = {
            "model": self.settings.model,
            "messages": [{"role": one.role, "content": one.content} for one in asked.messages],
            "response_format": {"type": "json_schema", "json_schema": form},
        }
        if asked.functions:
            question["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": one.name,
                        "description": one.about,
                        "parameters": one.parameters,
                        "strict": True,
                    },
                }
                for one in asked.functions
            ]
        return question


def reply(body: bytes) -> Reply:
    """Take the words, or the calls, out of a completion."""
    try:
        content = json.loads(body)
        choice = content["choices"][0]
        message = choice["message"]
        refusal, text = message.get("refusal"), message.get("content")
        ending, usage = choice.get("finish_reason"), content.get("usage")
        calls = _calls(message.get("tool_calls"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unavailable(COMPONENT, odd("something that is no completion")) from None
    if isinstance(refusal, str) and refusal:
        raise ModelRefused(f"The language model refuses: {refusal[:300]}")
    if ending == "content_filter":
        raise ModelRefused("The language model's provider withheld its answer.")
    if not isinstance(text, str) and not calls:
        raise Unavailable(COMPONENT, odd("a completion without words"))
    words = text if isinstance(text, str) else ""
    return Reply(words, whole=ending != "length", calls=calls, tokens=_tokens(usage))


def _calls(given: Any) -> tuple[FunctionCall, ...]:
    if not isinstance(given, list):
        return ()
    return tuple(
        FunctionCall(str(one["function"]["name"]), str(one["function"]["arguments"]))
        for one in given[:CALLS_AT_MOST]
    )


def _tokens(usage: Any) -> Tokens:
    if not isinstance(usage, dict):
        return Tokens()
    details = usage.get("prompt_tokens_details")
    return Tokens(
        input=count(usage.get("prompt_tokens")),
        cached=count(details.get("cached_tokens")) if isinstance(details, dict) else 0,
        output=count(usage.get("completion_tokens")),
    )


def count(value: Any) -> int:
    """A number of tokens, where it is one."""
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0
