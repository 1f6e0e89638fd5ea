"""Who calls: a service token with scopes, or the token of a hook."""

import hmac
from hashlib import sha256

from aiohttp import web

from engine.domain.actor import Actor, ActorKind
from engine.domain.ids import PersonId
from engine.ports import Store
from engine.secrets.tokens import PREFIX, token_hash

LONGEST = 512


def bearer(request: web.Request) -> str:
    """The token of the Authorization header. Raises 401 with what is expected."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
        raise unknown("A bearer token is needed.")
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
    """Who holds a live service token with this scope; 401 or 403 for everybody else."""
    token = bearer(request)
    if not token.startswith(PREFIX) or not token.isascii():
        raise unknown("This token is not known.")
    async with store.begin() as unit:
        found = await unit.tokens.scopes(token_hash(token))
    if found is None:
        raise unknown("This token is not known.")
    name, scopes = found
    if scope not in scopes:
        raise web.HTTPForbidden(text=f"The token {name} lacks the scope {scope}.")
    return Actor(kind=ActorKind.SERVICE, id=PersonId(f"token:{name}"), name=name)
