"""Slack's failures in our vocabulary, translated where the call is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from slack_sdk.errors import SlackApiError

from engine.errors import Unavailable

TRANSIENT = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
SAID = "Slack does not answer. I'll continue by myself when it is back."


@asynccontextmanager
async def reaching(seconds: float = 15) -> AsyncIterator[None]:
    """A call to Slack, bounded. Outages and rate limits are `Unavailable`; a refusal passes."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except SlackApiError as error:
        if error_of(error) in TRANSIENT or status_of(error) >= 500:
            raise Unavailable("slack", SAID) from error
        raise
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable("slack", SAID) from error


def error_of(error: SlackApiError) -> str:
    """Slack's own word for what is wrong; empty when the answer was none of its own."""
    data = getattr(error.response, "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def status_of(error: SlackApiError) -> int:
    """The HTTP status of the answer."""
    return int(getattr(error.response, "status_code", 0) or 0)


def retry_after(error: SlackApiError) -> float | None:
    """Seconds that Slack asks us to wait; None when it was no rate limit."""
    if status_of(error) != 429 and error_of(error) not in ("ratelimited", "rate_limited"):
        return None
    headers = getattr(error.response, "headers", None) or {}
    given = next((v for k, v in headers.items() if k.lower() == "retry-after"), "30")
    return float(given) if str(given).replace(".", "", 1).isdigit() else 30.0
