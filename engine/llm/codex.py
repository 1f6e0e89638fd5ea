"""A model behind a Codex subscription: the responses API, with a login instead of a key."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigurationError, Unavailable
from engine.llm.exchange import (
    COMPONENT,
    Asked,
    FunctionCall,
    ModelRefused,
    ProviderSettings,
    Reply,
    Tokens,
)
from engine.llm.login import Issuer
from engine.llm.openai import CALLS_AT_MOST, count
from engine.llm.token_file import TokenFile
from engine.llm.token_file import Tokens as Login
from engine.llm.troubles import Errors, bounded, odd, silent, told
from engine.llm.trust import Trust

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import AsyncOpenAI

ORIGINATOR = "carapulse"
ITEM = "response.output_item.done"
COMPLETED, INCOMPLETE, FAILED = "response.completed", "response.incomplete", "response.failed"


class Codex:
    """The `Provider` port. Its tokens are refreshed before they end, by one task at a time."""

    def __init__(self, settings: ProviderSettings, tokens: TokenFile, issuer: Issuer) -> None:
        self.settings = settings
        self._tokens = tokens
        self._issuer = issuer
        self._refreshing = asyncio.Lock()
        self._trust = Trust()

    async def ask(self, asked: Asked) -> Reply:
        import openai  # noqa: PLC0415 -- heavy; only a process that asks a model pays for it

        errors = Errors(openai.APITimeoutError, openai.APIStatusError, openai.OpenAIError)
        async with told(errors, self.settings.timeout_seconds):
            login, trusted = await self._login(), await self._trust.context()
            async with self._client(login, trusted) as client:
                create = client.responses.with_streaming_response.create
                question: Any = self._question(asked)
                async with create(**question) as response:
                    return reply(await bounded(response))

    async def _login(self) -> Login:
        """Valid tokens. Another process may have refreshed them, so the file is read each time."""
        async with self._refreshing:
            try:
                tokens = await asyncio.to_thread(self._tokens.read)
                if tokens.stale(datetime.now(UTC)):
                    tokens = await self._issuer.refresh(tokens)
                    await asyncio.to_thread(self._tokens.write, tokens)
            except ConfigurationError as error:
                raise Unavailable(COMPONENT, silent(str(error).rstrip("."))) from None
            return tokens

    def _client(self, login: Login, trusted: "SSLContext") -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient  # noqa: PLC0415

        headers = {"originator": ORIGINATOR, "OpenAI-Beta": "responses=experimental"}
        if login.account_id:
            headers["chatgpt-account-id"] = login.account_id
        return AsyncOpenAI(
            api_key=login.access_token.get_secret_value(),
            base_url=self.settings.base_url,
            timeout=self.settings.timeout_seconds,
            max_retries=self.settings.retries,
            http_client=DefaultAsyncHttpxClient(verify=trusted),
            default_headers=headers,
        )

    def _question(self, asked: Asked) -> dict[str, Any]:
        form = {"type": "json_schema", "name": "outcome", "strict": True, "schema": asked.form}
        return {
            "model": self.settings.model,
            "instructions": asked.system,
            "input": [_turn(one.role, one.content) for one in asked.said],
            "text": {"format": form},
            "tools": [
                {
                    "type": "function",
                    "name": one.name,
                    "description": one.about,
                    "parameters": one.parameters,
                    "strict": True,
                }
                for one in asked.functions
            ],
            "store": False,
            "stream": True,
        }


def reply(body: bytes) -> Reply:
    """Take the words, or the calls, out of a stream of events."""
    try:
        events = list(_events(body))
        response, ending = events[-1]["response"], events[-1]["type"]
        finished = [one["item"] for one in events if one["type"] == ITEM]
        items = finished or [one for one in response["output"] if isinstance(one, dict)]
        calls = tuple(
            FunctionCall(str(one["name"]), str(one["arguments"]))
            for one in items
            if one.get("type") == "function_call"
        )[:CALLS_AT_MOST]
        parts = [part for one in items if one.get("type") == "message" for part in one["content"]]
        words = "".join(str(one["text"]) for one in parts if one.get("type") == "output_text")
        refusals = [str(one["refusal"]) for one in parts if one.get("type") == "refusal"]
        tokens = _tokens(response.get("usage"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unavailable(COMPONENT, odd("something that is no response")) from None
    if refusals:
        raise ModelRefused(f"The language model refuses: {refusals[0][:300]}")
    if ending == FAILED or not (words or calls):
        raise Unavailable(COMPONENT, odd("a response without words"))
    return Reply(words, whole=ending == COMPLETED, calls=calls, tokens=tokens)


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    """The events that count, of a stream of server-sent events with one JSON object each."""
    for line in body.decode("utf-8", "replace").splitlines():
        content = line.removeprefix("data:").strip()
        if line.startswith("data:") and content.startswith("{"):
            event = json.loads(content)
            if event.get("type") in (ITEM, COMPLETED, INCOMPLETE, FAILED):
                yield event


def _turn(role: str, content: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": content}]}


def _tokens(usage: Any) -> Tokens:
    if not isinstance(usage, dict):
        return Tokens()
    details = usage.get("input_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Tokens(count(usage.get("input_tokens")), cached, count(usage.get("output_tokens")))
