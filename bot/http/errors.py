"""Every error leaves as problem details (RFC 9457); this is one of the two broad excepts."""

import http
from collections.abc import Mapping

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.http.answers import in_words
from bot.http.request_ids import request_id
from engine.domain.model import Json
from engine.errors import (
    CarapulseError,
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    SignInNeeded,
    Stale,
    Tampered,
    TooMany,
    Unavailable,
    Unidentified,
)

STATUSES: tuple[tuple[type[CarapulseError], int], ...] = (
    (Invalid, 400),
    (Unidentified, 401),
    (NotFound, 404),
    (NotAllowed, 403),
    (Stale, 412),
    (Conflict, 409),
    (Tampered, 409),
    (TooMany, 429),
    (Unavailable, 503),
)
RETRY_SECONDS = 1
KEPT = ("Allow", "WWW-Authenticate", "Retry-After")
log = structlog.get_logger(__name__)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with problem details whatever goes wrong; a bug is logged and told as one."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return refused(request, error)
    except CarapulseError as error:
        return expected(request, error)
    except TimeoutError:
        return expected(request, Unavailable("time", "This took too long. Try again shortly."))
    except Exception:
        log.exception("request failed", action="http.failed", method=request.method)
        return problem(request, 500, "Something is wrong on our side; it has been logged.")


def refused(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    """The framework's own answers (404, 405, ...), with the headers that belong to them."""
    if error.status < 400:
        return error
    kept = {name: error.headers[name] for name in KEPT if name in error.headers}
    return problem(request, error.status, explained(error), headers=kept)


def explained(error: web.HTTPException) -> str:
    """What was said with it, or what its number means; the framework's own text is the number."""
    if error.text and error.text != f"{error.status}: {error.reason}":
        return error.text
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return f"This address does not take {error.method}; it takes {allowed}."
    if error.status == 404:
        return "There is nothing at this address."
    return f"{error.reason}."


def expected(request: web.Request, error: CarapulseError) -> web.Response:
    """An error that its type explains."""
    status = next((code for kind, code in STATUSES if isinstance(error, kind)), 500)
    headers = {503: {"Retry-After": str(RETRY_SECONDS)}, 401: {"WWW-Authenticate": "Bearer"}}
    if isinstance(error, TooMany):
        headers[429] = {"Retry-After": str(error.seconds)}
    fields = error.fields if isinstance(error, Invalid) else {}
    more: dict[str, Json] = {}
    if isinstance(error, SignInNeeded):
        more = {"sign_in_url": error.url}
    said = in_words(str(error))
    return problem(request, status, said, headers=headers.get(status), fields=fields, more=more)


def problem(
    request: web.Request,
    status: int,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
    more: Mapping[str, Json] | None = None,
) -> web.Response:
    """Problem details; `errors` lists what is wrong with which field, `more` what else is told."""
    body: dict[str, Json] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id(request),
        **(more or {}),
    }
    if fields:
        body["errors"] = [{"path": path, "detail": text} for path, text in fields.items()]
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/problem+json",
        headers=headers,
    )
