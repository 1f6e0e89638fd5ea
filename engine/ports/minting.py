"""What a call is given beside its input, and where it is remembered what to take back."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from engine.domain.minted import Minted


@dataclass(frozen=True, slots=True)
class Given:
    """For one call alone; none of it outlives the call.

    `files` are put into its working folder, and `login` names the one that its programs log in
    with. `address` (`host:port`) is where the connection is found instead of its own host.
    `secrets` are the values that nothing may show.
    """

    token: str = field(default="", repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    login: str = ""
    address: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def more(self, other: "Given") -> "Given":
        """Both; where they differ, the other one counts."""
        return Given(
            token=other.token or self.token,
            variables={**self.variables, **other.variables},
            files={**self.files, **other.files},
            login=other.login or self.login,
            address=other.address or self.address,
            secrets=tuple(dict.fromkeys((*self.secrets, *other.secrets))),
        )


@dataclass(frozen=True, slots=True)
class Authorised:
    """A session of Boundary: what its program shows the workers, and the host's credentials."""

    id: str
    authorisation: str = field(repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


class Source(Protocol):
    """Gives something of one connection."""

    def given(self, seconds: float) -> AbstractAsyncContextManager[Given]:
        """For a call of at most so many seconds; taken back when the block ends.

        Raises:
            Unavailable: whoever gives it does not answer; nothing was begun.
            ToolFailed: it is refused.
        """
        ...


class MintedRecords(Protocol):
    """What is out, so that it is taken back even when whoever uses it dies."""

    async def keep(self, minted: Minted) -> None:
        """Remember it. Raises `Unavailable`; then it must not be used."""
        ...

    async def forget(self, minted: Minted) -> None:
        """It was taken back. Raises `Unavailable`."""
        ...

    async def out(self) -> list[Minted]:
        """All that is out. Raises `Unavailable`."""
        ...


class Taker(Protocol):
    """Takes back what one giver gave."""

    async def take_back(self, minted: Minted) -> None:
        """Returns when it is of no use any more. Raises `Unavailable` or `ToolFailed`."""
        ...


async def surely(work: Awaitable[None]) -> None:
    """What is taken back is taken back, also when we are cancelled meanwhile."""
    ending = asyncio.ensure_future(work)
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await ending
        raise
