"""Who calls: a service token with scopes, a person's token, or the token of a hook."""

import hmac
from hashlib import sha256
from typing import Protocol

from aiohttp import web

from engine.domain.actor import Actor, ActorKind
from engine.domain.identity import Caller
from engine.domain.ids import PersonId
from engine.domain.policy import Deed
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
# Set in a request once its token has proven somebody.
IDENTIFIED = web.RequestKey("identified", bool)


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


class Access(Protocol):
    """`engine.services.access.Access`."""

    async def check(self, actor: Actor, deed: Deed, subject: str = "") -> None: ...


ACCESS = web.AppKey("access", Access)
# What a scope opens, where that is not of the same name.
DOORS = {
    "plan.create": Deed.PLAN_ASK,
    "execution.operate": Deed.EXECUTION_READ,
    "freeze.write": Deed.FREEZE_READ,
    "tool.read": Deed.TOOL_LIST,
    "tool.run": Deed.TOOL_LIST,
    "runbook.read": Deed.KNOWLEDGE_READ,
    "runbook.write": Deed.KNOWLEDGE_WRITE,
    "playbook.read": Deed.KNOWLEDGE_READ,
    "playbook.write": Deed.KNOWLEDGE_WRITE,
}


async def require_scope(
    request: web.Request, store: Store, scope: str, deed: Deed | None = None
) -> Actor:
    """Who holds a live token that may do this, if the policy lets them in; else 401 or 403.

    `deed` is what the policy is asked, where the scope does not say it.
    """
    actor = await holder(request, store, scope)
    if access := request.app.get(ACCESS):
        await access.check(actor, deed or DOORS.get(scope) or Deed(scope), request.path)
    return actor


async def holder(request: web.Request, store: Store, scope: str) -> Actor:
    """Whose token it is, with its scopes; 401 or 403 where it lacks this one."""
    token = bearer(request)
    if not token.startswith(PREFIX):
        caller = await person(request, token, scope)
        return caller.actor.model_copy(update={"scopes": tuple(sorted(caller.scopes))})
    async with store.begin() as unit:
        found = await unit.tokens.scopes(token_hash(token))
    if found is None:
        raise unknown(UNKNOWN)
    request[IDENTIFIED] = True
    name, scopes = found
    if scope not in scopes:
        raise web.HTTPForbidden(text=f"The token {name} lacks the scope {scope}.")
    return Actor(
        kind=ActorKind.SERVICE, id=PersonId(f"token:{name}"), name=name, scopes=tuple(scopes)
    )


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
    request[IDENTIFIED] = True
    if scope and scope not in caller.scopes:
        raise web.HTTPForbidden(text=f"{caller.actor.name} lacks the scope {scope}.")
    return caller
