"""Tokens that prove nothing: so many from one source, and it waits."""

from collections import OrderedDict
from hashlib import sha256

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.http.tokens import IDENTIFIED
from engine.domain.turnstile import Turnstile
from engine.errors import Unidentified

MOST = 30
SECONDS = 60.0
KNOWN_AT_MOST = 1000
# Hooks bring tokens of their own, and an Alertmanager takes 429 for "never again".
EXEMPT = ("/v1/hooks/", "/slack/")
TOO_MANY = "Too many tokens from your address were not known. Try again in {} s."


def guarded(gate: Turnstile) -> Middleware:
    """A middleware that answers 429 to a source of too many 401s.

    Who shares that source and has been let in before is let in on: by a hash of the token.
    """
    known: OrderedDict[bytes, None] = OrderedDict()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization")
        if given is None or request.path.startswith(EXEMPT):
            return await handler(request)
        source, token = request.remote or "", sha256(given.encode("utf-8", "replace")).digest()
        wait = gate.wait(source)
        if wait and token not in known:
            headers = {"Retry-After": str(wait)}
            raise web.HTTPTooManyRequests(text=TOO_MANY.format(wait), headers=headers)
        try:
            return await handler(request)
        except (web.HTTPUnauthorized, Unidentified):
            known.pop(token, None)
            gate.charge(source)
            raise
        finally:
            if request.get(IDENTIFIED):
                known[token] = None
                known.move_to_end(token)
            if len(known) > KNOWN_AT_MOST:
                known.popitem(last=False)

    return middleware
