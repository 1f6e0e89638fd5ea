"""A name for each request, in its logs and in its answer, and the measure of it."""

import re
import time

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from engine.domain.ids import new_id
from engine.telemetry.metrics import Metrics

HEADER = "X-Request-Id"
PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
KEY = web.RequestKey("request_id", str)
METHODS = hdrs.METH_ALL
log = structlog.get_logger(__name__)


def request_id(request: web.Request) -> str:
    """The name that this request got."""
    name: str = request.get(KEY, "")
    return name


def measured(metrics: Metrics) -> Middleware:
    """Outermost: names the request, counts it and times it."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(HEADER, "")
        request[KEY] = given if PLAIN.fullmatch(given) else new_id()
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request[KEY]):
            response = await handler(request)
        method = request.method if request.method in METHODS else "OTHER"
        seconds = time.perf_counter() - began
        metrics.http(method, template(request), response.status, seconds)
        response.headers[HEADER] = request[KEY]
        return response

    return measure


def template(request: web.Request) -> str:
    """The route's path with its placeholders; made-up paths all count as one."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"
