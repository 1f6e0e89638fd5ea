"""A tunnel of Boundary around one call: a session, and the program that is its near end."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

import structlog

from engine.domain.minted import Giver, Minted
from engine.errors import ToolFailed, Unavailable
from engine.ports.minting import Authorised, Given, MintedRecords, surely
from engine.tools.process import PROGRAMS, Ended, Limits, Stream, environment, run

COMPONENT = "boundary"
LISTEN = "127.0.0.1"
MARGIN = timedelta(seconds=60)
KILL_GRACE = 2.0
# A target lets a session last so long where nobody has said less.
SESSION_AT_MOST = timedelta(hours=8)
AUTHORISATION = "BOUNDARY_CONNECT_AUTHZ_TOKEN"
MEMORY = 8 << 30  # address space, of which programs written in Go reserve much
log = structlog.get_logger(__name__)


class Sessions(Protocol):
    """The controller."""

    async def authorise(self, target: str, host: str = "") -> Authorised:
        """A session. Raises `Unavailable` or `ToolFailed`."""
        ...

    async def take_back(self, minted: Minted) -> None:
        """Cancel one. Raises `Unavailable` or `ToolFailed`."""
        ...


class Filling(Protocol):
    """What is made of the credentials that come with a session."""

    def filled(self, fields: Mapping[str, str], where: str) -> Given:
        """Raises `ToolFailed` where a field is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Tunnels:
    """What all tunnels have in common. `seconds` is how long the program may take to listen."""

    sessions: Sessions
    records: MintedRecords
    clock: Callable[[], datetime]
    holder: str
    program: str = "boundary"
    seconds: float = 15.0
    work_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The `Source` port: the way to one target, and the credentials that come with it."""

    tunnels: Tunnels
    connection: str
    target: str
    host: str
    templates: Filling

    @asynccontextmanager
    async def given(self, seconds: float) -> AsyncIterator[Given]:
        """The address of a program that listens; session and program end with the block."""
        program = found(self.tunnels.program)
        session = await self._authorised(seconds)
        minted = self._minted(session.id, seconds)
        try:
            await self.tunnels.records.keep(minted)
            given = self.templates.filled(session.fields, f"The session with {self.target}")
            async with self._listening(program, session, seconds) as address:
                yield replace(given, address=address)
        finally:
            await surely(self._cancelled(minted))

    async def _authorised(self, seconds: float) -> Authorised:
        """Whoever is cancelled while a session is made waits for it, to cancel it."""
        asking = asyncio.ensure_future(self.tunnels.sessions.authorise(self.target, self.host))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            await asyncio.wait([asking])
            if not asking.cancelled() and asking.exception() is None:
                await self._cancelled(self._minted(asking.result().id, seconds))
            raise

    def _minted(self, session: str, seconds: float) -> Minted:
        until = self.tunnels.clock() + timedelta(seconds=seconds + self.tunnels.seconds) + MARGIN
        return Minted(
            giver=Giver.BOUNDARY,
            id=session,
            connection=self.connection,
            holder=self.tunnels.holder,
            until=until,
            expires=until + SESSION_AT_MOST,
        )

    @asynccontextmanager
    async def _listening(
        self, program: str, session: Authorised, seconds: float
    ) -> AsyncIterator[str]:
        """The program runs beside the block."""
        near = NearEnd(session.id)
        folder = await asyncio.to_thread(
            tempfile.mkdtemp, prefix="tunnel-", dir=self.tunnels.work_folder
        )
        limits = Limits(
            seconds=seconds + self.tunnels.seconds, kill_grace=KILL_GRACE, memory=MEMORY
        )
        running = asyncio.create_task(
            run(
                (program, "connect", "-format=json", f"-listen-addr={LISTEN}"),
                folder=Path(folder),
                environment=environment(Path(folder), {AUTHORISATION: session.authorisation}),
                limits=limits,
                on_line=near.line,
            )
        )
        try:
            yield await near.address(running, self.tunnels.seconds)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _cancelled(self, minted: Minted) -> None:
        """Cancelled and forgotten; what can't be now is left to the sweeper."""
        try:
            await self.tunnels.sessions.take_back(minted)
            await self.tunnels.records.forget(minted)
        except (Unavailable, ToolFailed) as error:
            log.warning("a session stays till it is swept", action="tunnel.left", why=str(error))


@dataclass(slots=True)
class NearEnd:
    """What the program says: one JSON object when it listens. None of it is shown to anybody."""

    session: str
    told: asyncio.Event = field(default_factory=asyncio.Event)
    at: str = ""

    async def line(self, stream: Stream, text: str) -> None:
        """The next line; its object says where it listens."""
        if stream != "out" or self.told.is_set() or not text.startswith("{"):
            return
        try:
            said = json.loads(text)
            loopback = ip_address(str(said["address"])).is_loopback
            port = int(said["port"])
        except (ValueError, KeyError, TypeError):
            return
        if said.get("session_id") == self.session and loopback and 0 < port < 65536:
            self.at = f"{said['address']}:{port}"
            self.told.set()

    async def address(self, running: asyncio.Task[Ended], seconds: float) -> str:
        """Where it listens. Raises `Unavailable` when it has ended, or says nothing in time."""
        telling = asyncio.create_task(self.told.wait())
        try:
            await asyncio.wait(
                {telling, running}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            telling.cancel()
        if self.at and not running.done():
            return self.at
        code = running.result().exit_code if running.done() else None
        why = f"ended with code {code}" if running.done() else "does not listen"
        raise Unavailable(COMPONENT, f"The tunnel can't be made: its program {why}.")


def found(program: str) -> str:
    """Its whole path. Raises `ToolFailed`."""
    whole = program if os.path.isabs(program) else shutil.which(program, path=PROGRAMS)
    if whole is None or not os.access(whole, os.X_OK):
        raise ToolFailed(f"The program of tunnels ({program}) is not installed with the worker.")
    return whole
