"""`/v1/revocations`: tokens of people that count no more, before they expire."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, Field

from bot.http import bodies
from bot.http.answers import answer
from bot.http.reading import checked, content
from bot.http.tokens import require_scope
from engine.domain.identity import Revocation, RevocationKind
from engine.domain.model import Json, Model
from engine.errors import Invalid, Unidentified
from engine.ports import Store
from engine.services.identities import Identities

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SCOPE = "token.revoke"
Value = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$")]


class Asked(Model):
    """One of `jti` and `subject`; without `issued_before` it is for ever."""

    jti: Value | None = None
    subject: Value | None = None
    issued_before: AwareDatetime | None = None
    reason: Annotated[str, Field(max_length=500)] = ""


@dataclass(frozen=True, slots=True)
class RevocationRecords:
    """For holders of the scope `token.revoke`; nothing that was revoked comes back."""

    store: Store
    identities: Identities

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("GET", "/v1/revocations", self.listed),
            ("POST", "/v1/revocations", self.revoke),
            ("POST", "/v1/oidc/logout", self.sign_out),
        )

    async def listed(self, request: web.Request) -> web.Response:
        """Newest first."""
        await require_scope(request, self.store, SCOPE)
        items: list[Json] = [shown(one) for one in await self.identities.revocations()]
        return answer({"items": items, "next": None})

    async def revoke(self, request: web.Request) -> web.Response:
        """201 with what counts no more from now on."""
        actor = await require_scope(request, self.store, SCOPE)
        asked = checked(Asked, await content(request))
        if (asked.jti is None) == (asked.subject is None):
            raise Invalid("Say one of jti and subject.", {"jti": "or subject, and not both"})
        kind = RevocationKind.TOKEN if asked.jti else RevocationKind.SUBJECT
        made = await self.identities.revoke(
            actor,
            kind,
            asked.jti or asked.subject or "",
            reason=asked.reason,
            issued_before=asked.issued_before,
        )
        return answer(shown(made), status=201)

    async def sign_out(self, request: web.Request) -> web.Response:
        """The identity provider's back channel: its own signature is what lets it in."""
        token = (await request.post()).get("logout_token")
        if not isinstance(token, str):
            raise Invalid("Send a form with a logout_token.")
        try:
            await self.identities.signed_out(token)
        except Unidentified as error:
            raise Invalid(str(error)) from None
        return answer({})


def shown(one: Revocation) -> dict[str, Json]:
    """As the API tells it."""
    return {
        "id": one.id,
        "issuer": one.issuer,
        "jti" if one.kind is RevocationKind.TOKEN else "subject": one.value,
        "issued_before": bodies.time(one.issued_before),
        "reason": one.reason,
        "by": one.by_name,
        "at": bodies.time(one.at),
    }
