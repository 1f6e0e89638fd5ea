"""A secret of Vault for one call: read or minted before it, revoked after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from engine.domain.minted import Giver, Minted
from engine.errors import ToolFailed, Unavailable
from engine.ports.minting import Given, MintedRecords, surely
from engine.secrets.filling import Templates, texts_of
from engine.secrets.vault.agent import VaultAgent
from engine.secrets.vault.api import VaultRefused

FORBIDDEN = 403
NO_SUCH = 404
# What a call may take beside its own time: to be made ready, and to be cleared away.
MARGIN = timedelta(seconds=60)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A path of Vault, as `secret/data/checkout` or `database/creds/reader`, and what for.

    It is read, or written to with `body` (`kubernetes/creds/...` wants that).
    """

    path: str
    method: Literal["read", "write"] = "read"
    body: Mapping[str, str] = field(default_factory=dict)
    templates: Templates = field(default_factory=Templates)


@dataclass(frozen=True, slots=True)
class VaultMint:
    """What all secrets have in common: the login, the records of what is out, who uses it."""

    agent: VaultAgent
    records: MintedRecords
    clock: Callable[[], datetime]
    holder: str

    async def take_back(self, minted: Minted) -> None:
        """Revoke a lease; one that Vault does not know has ended. The `Taker` port."""
        try:
            await self.asked(
                lambda token: self.agent.api.ask(
                    "PUT", "sys/leases/revoke", token, {"lease_id": minted.id}
                )
            )
        except VaultRefused as error:
            if error.status != NO_SUCH:
                raise

    async def asked(
        self, ask: Callable[[str], Awaitable[dict[str, Any]]], seconds: float = 0.0
    ) -> dict[str, Any]:
        """With our token; where it is not taken we log in again, once, for it may be revoked."""
        token = await self.agent.token(seconds)
        try:
            return await ask(token)
        except VaultRefused as error:
            if error.status != FORBIDDEN or await self._valid(token):
                raise
        await self.agent.anew()
        return await ask(await self.agent.token(seconds))

    async def _valid(self, token: str) -> bool:
        try:
            await self.agent.api.read("auth/token/lookup-self", token)
        except VaultRefused:
            return False
        return True


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """The `Source` port: one secret of one connection."""

    mint: VaultMint
    connection: str
    wanted: Wanted

    @asynccontextmanager
    async def given(self, seconds: float) -> AsyncIterator[Given]:
        """Minted when a call is about to begin; its lease is recorded before it is used."""
        answer = await self._minted_or_none(seconds)
        lease = str(answer.get("lease_id") or "")
        if not lease:
            yield self._filled(answer)
            return
        minted = self._minted(lease, seconds, float(answer.get("lease_duration") or 0))
        try:
            await self.mint.records.keep(minted)
            await self._last(answer, lease, seconds)
            yield self._filled(answer)
        finally:
            await surely(self._taken_back(minted))

    async def _minted_or_none(self, seconds: float) -> dict[str, Any]:
        """Whoever is cancelled while Vault makes credentials waits for them, to take them back."""
        asking = asyncio.ensure_future(self._asked(seconds))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            await asyncio.wait([asking])
            if not asking.cancelled() and asking.exception() is None:
                await self._unused(asking.result(), seconds)
            raise

    async def _unused(self, answer: Mapping[str, Any], seconds: float) -> None:
        """Take back what no call was given."""
        if lease := str(answer.get("lease_id") or ""):
            await self._taken_back(self._minted(lease, seconds, 0))

    async def _asked(self, seconds: float) -> dict[str, Any]:
        """The secret, as Vault answers it."""
        api, wanted = self.mint.agent.api, self.wanted

        async def ask(token: str) -> dict[str, Any]:
            if wanted.method == "write":
                return await api.write(wanted.path, token, wanted.body)
            return await api.read(wanted.path, token)

        return await self.mint.asked(ask, seconds)

    def _filled(self, answer: Mapping[str, Any]) -> Given:
        where = f"The secret {self.wanted.path}"
        return self.wanted.templates.filled(texts_of(_data(answer)), where)

    def _minted(self, lease: str, seconds: float, lives: float) -> Minted:
        now = self.mint.clock()
        until = now + timedelta(seconds=seconds) + MARGIN
        return Minted(
            giver=Giver.VAULT,
            id=lease,
            connection=self.connection,
            holder=self.mint.holder,
            until=until,
            expires=max(until, now + timedelta(seconds=lives)),
        )

    async def _last(self, answer: Mapping[str, Any], lease: str, seconds: float) -> None:
        """A lease that is shorter than its call is renewed; one that stays so is told."""
        lives = float(answer.get("lease_duration") or 0)
        if lives < seconds and answer.get("renewable") is True:
            body = {"lease_id": lease, "increment": int(seconds) + 1}
            renewed = await self.mint.asked(
                lambda token: self.mint.agent.api.ask("PUT", "sys/leases/renew", token, body)
            )
            lives = float(renewed.get("lease_duration") or 0)
        if lives < seconds:
            log.warning(
                "credentials end before their call may",
                action="vault.short_lease",
                path=self.wanted.path,
                lives=lives,
                call=seconds,
            )

    async def _taken_back(self, minted: Minted) -> None:
        """Revoked and forgotten; what can't be now is left to the sweeper."""
        try:
            await self.mint.take_back(minted)
            await self.mint.records.forget(minted)
        except (Unavailable, ToolFailed) as error:
            log.warning(
                "a lease stays till it is swept",
                action="vault.not_revoked",
                path=self.wanted.path,
                why=str(error),
            )


def _data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields; those of the second version of KV lie one deeper, beside their metadata."""
    data = answer.get("data")
    if not isinstance(data, dict):
        return {}
    inner = data.get("data")
    if isinstance(inner, dict) and isinstance(data.get("metadata"), dict):
        return inner
    return data
