"""What the settings have given to each call of a connection, from all of its sources."""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from engine.errors import ToolFailed
from engine.ports.minting import Given, Source
from engine.tools.api import Endpoint

# A later call may print what an earlier one was given.
REMEMBERED = 40
POSTGRES = ("postgres", "postgresql")


@dataclass(frozen=True, slots=True)
class Sources:
    """By connection, in order; the later one counts where two give the same."""

    of: Mapping[str, Sequence[Source]] = field(default_factory=dict)
    remembered: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED), repr=False)

    @asynccontextmanager
    async def given(self, connection: str, seconds: float) -> AsyncIterator[Given]:
        """All of it, for one call.

        Raises:
            Unavailable: a source does not answer.
            ToolFailed: a source refuses.
        """
        given = Given()
        async with AsyncExitStack() as stack:
            for one in self.of.get(connection, ()):
                given = given.more(await stack.enter_async_context(one.given(seconds)))
            for value in given.secrets:
                if value not in self.remembered:
                    self.remembered.append(value)
            yield replace(given, secrets=tuple({*given.secrets, *self.remembered}))


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The `Source` port: a token that somebody replaces; it is read for each call."""

    file: Path

    @asynccontextmanager
    async def given(self, seconds: float) -> AsyncIterator[Given]:
        """The token of now."""
        token = self.read()
        yield Given(token=token, secrets=(token,))

    def read(self) -> str:
        """Raises `ToolFailed` where there is none."""
        try:
            token = self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            kind = type(error).__name__
            raise ToolFailed(f"The token file {self.file.name} can't be read ({kind}).") from None
        if not token or not token.isprintable():
            raise ToolFailed(f"The token file {self.file.name} holds no token.")
        return token


def reached(endpoint: Endpoint, given: Given) -> Endpoint:
    """The connection with what was given for one call."""
    return replace(
        endpoint,
        url=led(endpoint.url, given.address),
        token=given.token or endpoint.token,
        name=urlsplit(endpoint.url).hostname or "" if given.address else "",
    )


def led(url: str, address: str) -> str:
    """The URL with another host and port.

    Of Postgres the name stays, so that its certificate can be checked; libpq connects to the
    `hostaddr` beside it.
    """
    if not address:
        return url
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    if parts.scheme not in POSTGRES:
        return urlunsplit(parts._replace(netloc=f"{user}{at}{address}"))
    host, _, port = address.rpartition(":")
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(
        parts._replace(
            netloc=f"{user}{at}{parts.hostname or host}:{port}", query=f"{query}hostaddr={host}"
        )
    )
