"""Keeps one token of Vault alive: logs in, renews in time, logs in again when that ends."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from engine.errors import ConfigurationError, Unavailable
from engine.secrets.vault.api import COMPONENT, VaultApi, VaultRefused
from engine.secrets.vault.logins import Auth, Login
from engine.secrets.vault.sink import write_sink

RENEW_AT = 2 / 3
JITTER = 0.1
# A renewal that grants less than this part of the first time has met the token's longest life.
SPENT = 1 / 3
SHORTEST_WAIT = 0.05
FIRST_WAIT = 0.5
GOODBYE_SECONDS = 2.0
log = structlog.get_logger(__name__)
Count = Callable[[str], object]


@dataclass(slots=True)
class Held:
    """A token, and until when (of the loop's clock); `granted` is what the login gave."""

    auth: Auth
    granted: float
    until: float | None

    def left(self, now: float) -> float:
        """Seconds until it ends."""
        return float("inf") if self.until is None else self.until - now


def _uncounted(outcome: str) -> None:
    """Nobody counts."""


@dataclass(slots=True)
class VaultAgent:
    """One login of this process, made when the token is wanted first.

    `sink` is a file that gets each new token. `longest_wait` caps the pause between attempts.
    """

    api: VaultApi
    login: Login
    sink: Path | None = None
    longest_wait: float = 60.0
    count: Count = _uncounted
    held: Held | None = None
    trouble: str = "it has not logged in yet"
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["VaultAgent"]:
        """Logged in for as long as the block lasts, as far as Vault lets us."""
        task = asyncio.create_task(self.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._leave()

    def begin(self, sink: Path | None) -> None:
        """Log in before anybody wants the token, and hand it on."""
        self.sink = sink
        self.wanted.set()

    async def run(self) -> None:
        """Log in, keep the token, and begin again, for ever."""
        await self.wanted.wait()
        failures = 0
        while True:
            try:
                await self._log_in()
                failures = 0
                await self._keep()
            except (Unavailable, VaultRefused, ConfigurationError) as error:
                failures += 1
                await self._troubled(error)
                await self._paused(self._pause(failures))

    async def token(self, seconds: float = 0.0) -> str:
        """A token that lives as long as this, if Vault gives any that does.

        Raises:
            Unavailable: there is none, and none can be had now.
        """
        self.wanted.set()
        now = asyncio.get_running_loop().time()
        if self.held and self.held.left(now) < seconds < self.held.granted:
            await self.anew()
        if not self.held or self.held.left(now) <= 0:
            await self._arrival()
        assert self.held
        return self.held.auth.token

    async def anew(self) -> None:
        """Log in again now; what hangs on the token before stays. Raises `Unavailable`."""
        try:
            await self._log_in()
        except (VaultRefused, ConfigurationError) as error:
            raise Unavailable(COMPONENT, str(error)) from None

    async def healthy(self) -> None:
        """Returns while Vault serves, and we have a token if one was wanted. `Unavailable`."""
        if self.wanted.is_set() and not self._lives:
            raise Unavailable(COMPONENT, f"Not logged in to Vault: {self.trouble}")
        await self.api.healthy()

    async def _arrival(self) -> None:
        """Wait for the login, as long as one request may take; it need not pause for us."""
        self.hurry.set()
        try:
            async with asyncio.timeout(self.api.timeout), self.changed:
                await self.changed.wait_for(lambda: self._lives)
        except TimeoutError:
            raise Unavailable(COMPONENT, f"Not logged in to Vault: {self.trouble}") from None

    @property
    def _lives(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self.held is not None and self.held.left(now) > 0

    async def _log_in(self) -> None:
        auth = await self.login.log_in(self.api)
        await self._take(auth, auth.seconds)
        self.count("logged_in")
        log.info("logged in to Vault", action="vault.logged_in", seconds=auth.seconds)

    async def _take(self, auth: Auth, granted: float) -> None:
        """The token from now on."""
        new = self.held is None or self.held.auth.token != auth.token
        until = asyncio.get_running_loop().time() + auth.seconds if auth.seconds else None
        async with self.changed:
            self.held, self.trouble = Held(auth, granted, until), ""
            self.changed.notify_all()
        if new and self.sink:
            try:
                await asyncio.to_thread(write_sink, self.sink, auth.token)
            except OSError as error:
                log.warning("no token in the sink", action="vault.sink", why=type(error).__name__)

    async def _keep(self) -> None:
        """Returns when it is time to log in again. Raises `VaultRefused` when renewing is over."""
        failures = 0
        while (held := self.held) and held.until is not None:
            left = held.left(asyncio.get_running_loop().time())
            if not failures:
                await asyncio.sleep(max(SHORTEST_WAIT, left * RENEW_AT * _jittered()))
            if self.held is not held:
                continue  # somebody has logged in meanwhile
            if not held.auth.renewable:
                return
            try:
                if await self._renewed(held):
                    return
                failures = 0
            except Unavailable as error:
                failures += 1
                await self._away(error, left)
                await asyncio.sleep(min(self._pause(failures), max(SHORTEST_WAIT, left / 4)))
        await asyncio.Event().wait()  # a token without an end is kept

    async def _renewed(self, held: Held) -> bool:
        """Renew; whether it has met its end all the same."""
        answer = await self.api.write("auth/token/renew-self", held.auth.token)
        auth = Auth.of(answer)
        await self._take(auth, held.granted)
        self.count("renewed")
        return auth.seconds <= held.granted * SPENT

    async def _away(self, error: Unavailable, left: float) -> None:
        """Still logged in, but the token can't be renewed now; when it has ended, say so."""
        self.count("unavailable")
        log.warning("not renewed", action="vault.not_renewed", why=str(error), left=round(left))
        if left <= 0:
            raise error

    async def _troubled(self, error: Unavailable | VaultRefused | ConfigurationError) -> None:
        self.trouble = str(error)
        self.count("unavailable" if isinstance(error, Unavailable) else "refused")
        log.warning("not logged in to Vault", action="vault.away", why=str(error))

    async def _paused(self, seconds: float) -> None:
        """Whoever needs the token now shortens a long pause, but not the first one."""
        self.hurry.clear()
        await asyncio.sleep(min(seconds, FIRST_WAIT))
        try:
            async with asyncio.timeout(max(0.0, seconds - FIRST_WAIT)):
                await self.hurry.wait()
        except TimeoutError:
            pass  # nobody was in a hurry

    def _pause(self, failures: int) -> float:
        """Twice as long each time, up to the cap, never all workers at once."""
        doubled = FIRST_WAIT * float(1 << min(failures - 1, 16))
        return min(self.longest_wait, doubled) * _jittered()

    async def _leave(self) -> None:
        """A token that nobody else was given ends with us, and all that hangs on it."""
        if self.held is None or self.sink is not None:
            return
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self.api.write("auth/token/revoke-self", self.held.auth.token)
        except (TimeoutError, Unavailable, VaultRefused) as error:
            log.warning("the token stays", action="vault.not_left", why=type(error).__name__)


def _jittered() -> float:
    return 1 - JITTER * random.random()  # noqa: S311 - jitter
