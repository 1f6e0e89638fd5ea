"""What every sandbox is: it opens a box for one call, and the call's programs run in there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine.errors import ToolFailed
from engine.tools.egress import Destination
from engine.tools.process import Ended, Limits, OnRawLine


class BoxLost(Exception):
    """The sandbox went away; while a program was `running`, its end is not known."""

    def __init__(self, *, running: bool) -> None:
        super().__init__("the sandbox does not answer")
        self.running = running


@dataclass(frozen=True, slots=True)
class Order:
    """One program of a call: when it counts as done, and what its last line has to be."""

    argv: tuple[str, ...]
    succeeds: tuple[int, ...] = (0,)
    prints: str | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What one call needs of the outside.

    `files` are put into its working folder, `login` is what its programs log in with, `readable`
    and `writable` are folders of this machine. `orders` is all that will run, in order, within
    `seconds`, out of `image` where the call was frozen with one.
    """

    destinations: tuple[Destination, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    login: Path | None = None
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    writes: bool = False
    orders: tuple[Order, ...] = ()
    seconds: float = 60
    image: str = ""


class Box(Protocol):
    """One open sandbox: a private working folder, gone when it closes."""

    async def run(self, argv: Sequence[str], limits: Limits, on_line: OnRawLine) -> Ended:
        """Run one program to its end; nothing of it is left when this returns or raises.

        Raises:
            ToolFailed: it can't be started.
            BoxLost: the sandbox itself does not answer any more.
        """
        ...


class Sandbox(Protocol):
    """Makes boxes."""

    def login_path(self, file: Path, *, writes: bool) -> Path:
        """Where the programs find the file that they log in with."""
        ...

    def open(self, needs: Needs, variables: Mapping[str, str]) -> AbstractAsyncContextManager[Box]:
        """A box for one call, whose programs have these variables beside our own.

        Raises:
            ToolFailed: this sandbox is not for such a call, or can't be made now.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReadsOnly:
    """A sandbox that is good enough for looking, not for changing."""

    behind: Sandbox

    def login_path(self, file: Path, *, writes: bool) -> Path:
        return self.behind.login_path(file, writes=writes)

    @asynccontextmanager
    async def open(self, needs: Needs, variables: Mapping[str, str]) -> AsyncIterator[Box]:
        """Raises `ToolFailed` for a write; nothing has run then."""
        if needs.writes:
            raise ToolFailed(
                "Changes run in a container only, and sandbox.runtime is process here. "
                "Nothing was changed."
            )
        async with self.behind.open(needs, variables) as box:
            yield box
