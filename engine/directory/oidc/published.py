"""What an issuer publishes about itself, kept for some minutes; without it nobody gets in."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from engine.directory.oidc.fetching import Fetcher, away
from engine.directory.oidc.keys import Key, usable
from engine.errors import Unavailable, Unidentified

WELL_KNOWN = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint")
# A key that we don't know may be new; made-up ones must not make us ask all the time.
GAP = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
SOON = 0.8
PATIENCE = 1.5
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """The addresses of the issuer, and its keys by id."""

    authorization_endpoint: str
    token_endpoint: str
    keys: Mapping[str, Key]


class Published:
    """The issuer's document: one request at a time, pauses after failures, no use after `ttl`."""

    def __init__(
        self,
        issuer: str,
        fetcher: Fetcher,
        *,
        algorithms: Sequence[str],
        ttl: float,
        clock: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._algorithms = tuple(algorithms)
        self._ttl = ttl
        self._clock = clock
        self._document: Document | None = None
        self._read_at = 0.0
        self._not_before = 0.0
        self._pause = FIRST_PAUSE
        self._under_way: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> Key:
        """The key of this id. Raises `Unidentified` when it is unknown, or nothing is known."""
        document = self._fresh()
        known = document is not None and key_id in document.keys
        soon = self._clock() - self._read_at >= self._ttl * SOON
        if not known or soon:
            await self._ask(0 if known else PATIENCE)
            document = self._fresh()
        if document is None:
            raise Unidentified(
                "The identity provider's keys can't be had now, so no token can be checked."
            )
        found = document.keys.get(key_id)
        if found is None:
            raise Unidentified("The token is signed with a key that its issuer does not publish.")
        return found

    async def document(self) -> Document:
        """All of it. Raises `Unavailable`."""
        if self._fresh() is None:
            await self._ask(self._fetcher.seconds * 2 + 1)
        found = self._fresh()
        if found is None:
            raise away("It does not answer, or publishes nothing that can be used.")
        return found

    async def close(self) -> None:
        """Stop asking."""
        if self._under_way:
            self._under_way.cancel()
            await asyncio.wait({self._under_way})

    def _fresh(self) -> Document | None:
        return self._document if self._clock() - self._read_at < self._ttl else None

    async def _ask(self, patience: float) -> None:
        """Read it again, unless that was tried a moment ago; others wait for the same request."""
        if self._under_way is None or self._under_way.done():
            if self._clock() < self._not_before:
                return
            self._under_way = asyncio.create_task(self._read())
        await asyncio.wait({self._under_way}, timeout=patience)

    async def _read(self) -> None:
        try:
            self._document = await self._fetched()
        except Unavailable as error:
            self._not_before = self._clock() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            log.warning("no keys", action="oidc.failed", issuer=self._issuer, said=str(error))
            return
        self._read_at = self._clock()
        self._not_before = self._read_at + GAP
        self._pause = FIRST_PAUSE

    async def _fetched(self) -> Document:
        told = await self._fetcher.get(self._issuer.rstrip("/") + WELL_KNOWN)
        if not isinstance(told, dict) or told.get("issuer") != self._issuer:
            raise away("It says that it is another issuer.")
        addresses = [told.get(name) for name in ("jwks_uri", *ENDPOINTS)]
        if not all(isinstance(one, str) for one in addresses):
            raise away("It does not say where its keys and endpoints are.")
        jwks, authorization, token = map(str, addresses)
        keys = usable(await self._fetcher.get(jwks), self._algorithms)
        if not keys:
            raise away("It publishes no key that can be used.")
        return Document(authorization, token, keys)
