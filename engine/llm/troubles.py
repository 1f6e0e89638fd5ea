"""Whatever goes wrong at a model's endpoint, as one sentence that is fit for a thread."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from engine.errors import Unavailable
from engine.llm.exchange import COMPONENT

BODY_LIMIT = 512_000
REASONS = {
    400: "its endpoint does not understand the question",
    401: "its endpoint does not accept the key",
    402: "its account has no credit",
    403: "its endpoint does not allow this key",
    404: "its endpoint does not know the model",
    413: "the question is too large for its endpoint",
    429: "its endpoint is over its limit",
    529: "its endpoint is overloaded",
}


@dataclass(frozen=True, slots=True)
class Errors:
    """The error classes of an SDK that say the same things."""

    timeout: type[Exception]
    status: type[Exception]
    any: type[Exception]


class Chunked(Protocol):
    """A body that is read piece by piece."""

    def iter_bytes(self) -> AsyncIterator[bytes]: ...


@asynccontextmanager
async def told(errors: Errors, seconds: float) -> AsyncIterator[None]:
    """Vendor errors end here; their texts may hold what we sent, so they are not passed on.

    Raises `Unavailable`, also when the whole takes longer than `seconds`: an endpoint that sends
    a byte now and then never runs into the SDK's own limit.
    """
    from httpx2 import HTTPError  # noqa: PLC0415 -- heavy; what SDKs raise while a body is read

    try:
        async with asyncio.timeout(seconds):
            yield
    except (TimeoutError, errors.timeout):
        raise Unavailable(COMPONENT, silent(f"no answer within {seconds:g} s")) from None
    except errors.status as error:
        raise Unavailable(COMPONENT, silent(status(getattr(error, "status_code", 0)))) from None
    except errors.any as error:
        raise Unavailable(COMPONENT, silent(cause(error))) from None
    except HTTPError as error:
        raise Unavailable(COMPONENT, silent(f"{kind(error)} while it spoke")) from None


async def bounded(response: Chunked) -> bytes:
    """The body. Raises `Unavailable` where it is larger than any answer needs to be."""
    body = bytearray()
    async for chunk in response.iter_bytes():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Unavailable(COMPONENT, odd(f"more than {BODY_LIMIT // 1000} kB"))
    return bytes(body)


def silent(why: str) -> str:
    """Nobody answered."""
    return f"The language model does not answer: {why}."


def odd(what: str) -> str:
    """Something answered that is no model."""
    return f"The language model's endpoint answers with {what}."


def status(code: int) -> str:
    """Why an HTTP status came."""
    return f"{REASONS.get(code, 'its endpoint fails')} (HTTP {code})"


def cause(error: Exception) -> str:
    """What lies behind an SDK's connection error."""
    return kind(error.__cause__) if error.__cause__ else "its endpoint can't be reached"


def kind(error: BaseException) -> str:
    """The name of an error as words: `ConnectError` is "connect error"."""
    name = type(error).__name__
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()
