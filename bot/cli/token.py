"""`carapulse token`: service tokens, revoked tokens of people, and links of accounts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER
from engine.errors import CarapulseError

if TYPE_CHECKING:
    from engine.domain.actor import Actor
    from engine.domain.audit import AuditEvent
    from engine.services.identities import Identities

token = App(name="token", help="Make, list and revoke tokens.")

COLUMNS = ("token", "scopes")
REVOKED = ("revoked", "value", "issued before", "by", "reason")


@token.command
async def create(name: str, *, scope: list[str], folder: Path = DEFAULT_FOLDER) -> None:
    """Make a service token and print it, once: only its hash is stored.

    Args:
        name: who will hold it; the audit names it so.
        scope: what it may ask, such as plan.read; give it again for each.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from bot.cli.records import open_records
    from engine.secrets.tokens import make_token, token_hash

    made = make_token()
    async with open_records(folder) as views, views.store.begin() as unit:
        await unit.tokens.add(name, token_hash(made), scope)
        await unit.audit.record(event("token.create", name, scopes=" ".join(scope)))
    print(made)  # noqa: T201 - the command's answer


@token.command(name="list")
async def listed(*, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List live service tokens, and people's tokens that were revoked.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import shown
    from bot.cli.records import open_records

    async with open_records(folder) as views, views.store.begin() as unit:
        live = await unit.tokens.live()
        gone = await unit.identities.revocations(200)
    rows = [{"token": name, "scopes": ", ".join(scopes)} for name, scopes in live]
    over = [
        {
            "revoked": one.kind.value,
            "value": one.value,
            "issued before": one.issued_before.isoformat(timespec="seconds"),
            "by": one.by_name,
            "reason": one.reason,
        }
        for one in gone
    ]
    print(shown(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer
    if over:
        print(shown(over, REVOKED, json=json))  # noqa: T201 - the same


@token.command
async def revoke(
    name: str = "",
    *,
    jti: str = "",
    subject: str = "",
    before: datetime | None = None,
    reason: str = "",
    folder: Path = DEFAULT_FOLDER,
) -> None:
    """End a service token by its name, or tokens of a person; they are refused at once.

    Args:
        name: of the service token.
        jti: of one token of a person.
        subject: whose tokens, as the identity provider names them.
        before: of a subject, only tokens issued before then; usually all, for ever.
        reason: for the audit.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from engine.domain.identity import RevocationKind

    if len([one for one in (name, jti, subject) if one]) != 1:
        raise CarapulseError("Say one of: the name of a service token, --jti, --subject.")
    if name:
        await revoke_service(name, folder)
        return
    kind = RevocationKind.TOKEN if jti else RevocationKind.SUBJECT
    before = before.astimezone() if before else None
    async with open_identities(folder) as (actor, identities):
        await identities.revoke(actor, kind, jti or subject, reason=reason, issued_before=before)
    print(f"Refused from now on: {kind.value} {jti or subject}.")  # noqa: T201 - the answer


async def revoke_service(name: str, folder: Path) -> None:
    """Raises `CarapulseError` when there is none of that name."""
    from bot.cli.records import open_records
    from engine.ground import now

    async with open_records(folder) as views, views.store.begin() as unit:
        ended = await unit.tokens.revoke(name, now())
        if not ended:
            raise CarapulseError(f"There is no live service token {name}.")
        await unit.audit.record(event("token.revoke", name))
    print(f"Refused from now on: {name}.")  # noqa: T201 - the command's answer


@token.command
async def unlink(person: str, *, folder: Path = DEFAULT_FOLDER) -> None:
    """End the link that a person has made with an account at the identity provider.

    Args:
        person: their id in the directory.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from engine.domain.ids import PersonId

    async with open_identities(folder) as (actor, identities):
        if not await identities.unbind(actor, PersonId(person)):
            raise CarapulseError(f"{person} has linked no account.")
    print(f"{person} is linked with no account any more.")  # noqa: T201 - the command's answer


@asynccontextmanager
async def open_identities(folder: Path) -> "AsyncIterator[tuple[Actor, Identities]]":
    """As this machine's user. Raises `CarapulseError` without an identity provider."""
    from bot.cli.records import configured, open_records
    from engine.configured import people
    from engine.domain.ids import Tenant
    from engine.ground import now
    from engine.identified import identifying, identity_provider

    settings = configured(folder)
    directory = people(settings.directory.file, Tenant(settings.tenant))
    async with open_records(folder) as views:
        identities = identifying(
            settings,
            identity_provider(settings, now),
            store=views.store,
            directory=directory,
            links=directory,
            clock=now,
        )
        if identities is None:
            raise CarapulseError("No identity provider is configured (CARAPULSE_OIDC__ISSUER).")
        yield myself(), identities


def event(action: str, name: str, **detail: str) -> "AuditEvent":
    """What was done with a service token, for the audit."""
    from engine.domain.audit import AuditEvent

    return AuditEvent(
        actor=myself(),
        action=action,
        subject=f"service:{name}",
        decision="allow",
        detail=dict(detail),
    )


def myself() -> "Actor":
    """This machine's user, as the audit names them."""
    import getpass

    from engine.domain.actor import Actor, ActorKind
    from engine.domain.ids import PersonId

    name = getpass.getuser()
    return Actor(kind=ActorKind.SERVICE, id=PersonId(f"cli:{name}"), name=name)
