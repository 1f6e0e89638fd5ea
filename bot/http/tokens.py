"""Who calls: a service token with scopes, a person's token, or the token of a hook."""

import hmac
from hashlib import sha256
from typing import Protocol

from aiohttp import web

from engine.domain.actor import Actor, ActorKind
from engine.domain.identity import Caller
from engine.domain.ids import PersonId
from engine.errors import Unidentified
from engine.ports import Store
from engine.secrets.tokens import PREFIX, token_hash

LONGEST = 16 * 1024
UNKNOWN = "This token is not known."
ONLY_PEOPLE = (
    "Only people decide on plans, and a service token is no person (rule `actors.people`)."
)


class Callers(Protocol):
    """`engine.services.identities.Identities`."""

    async def caller(self, token: str) -> Caller: ...


CALLERS = web.AppKey("callers", Callers)


def bearer(request: web.Request) -> str:
    """The token of the Authorization header. Raises 401 with what is expected."""
    given = request.headers.getall("Authorization", [])
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unknown("A bearer token is needed.")
    if len(token) > LONGEST or not token.isascii():
        raise unknown(UNKNOWN)
    return token


def unknown(text: str) -> web.HTTPUnauthorized:
    """401: we don't know who calls."""
    return web.HTTPUnauthorized(text=text, headers={"WWW-Authenticate": "Bearer"})


def same(given: str, expected: str) -> bool:
    """Whether two tokens are equal, in a time that tells neither their content nor length."""
    return hmac.compare_digest(
        sha256(given.encode("utf-8", "replace")).digest(), sha256(expected.encode()).digest()
    )


async def require_scope(request: web.Request, store: Store, scope: str) -> Actor:
    """Who holds a live token that may do this; 401 or 403 for everybody else."""
    token = bearer(request)
    if not token.startswith(PREFIX):
        return (await person(request, token, scope)).actor
    async with store.begin() as unit:
        found = await unit.tokens.scopes(token_hash(token))
    if found is None:
        raise unknown(UNKNOWN)
    name, scopes = found
    if scope not in scopes:
        raise web.HTTPForbidden(text=f"The token {name} lacks the scope {scope}.")
    return Actor(kind=ActorKind.SERVICE, id=PersonId(f"token:{name}"), name=name)


async def require_person(request: web.Request) -> Caller:
    """The person who calls; a program is 403, whatever its scopes are."""
    token = bearer(request)
    if token.startswith(PREFIX):
        raise web.HTTPForbidden(text=ONLY_PEOPLE)
    return await person(request, token)


async def person(request: web.Request, token: str, scope: str = "") -> Caller:
    """Who holds this token of the identity provider, and may do this."""
    callers = request.app.get(CALLERS)
    if callers is None:
        raise unknown(UNKNOWN)
    try:
        caller = await callers.caller(token)
    except Unidentified as error:
        raise unknown(str(error)) from None
    if scope and scope not in caller.scopes:
        raise web.HTTPForbidden(text=f"{caller.actor.name} lacks the scope {scope}.")
    return caller
