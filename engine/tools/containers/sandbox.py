"""The container sandbox: one container for each call, and no network but the call's own gate."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from engine.errors import ToolFailed
from engine.tools.boxes import Box, BoxLost, Needs
from engine.tools.containers.confinement import (
    INSIDE,
    INSIDE_HOME,
    INSIDE_LOGIN,
    Confinement,
)
from engine.tools.containers.engine_api import EngineApi
from engine.tools.containers.furnishing import proxied, wanted, ways_of
from engine.tools.containers.ownership import sweep
from engine.tools.containers.prepared import Container, Maker
from engine.tools.containers.streams import EngineLost, EngineRefused, RawStream
from engine.tools.egress import Resolve, gate, resolved
from engine.tools.holders import sweep_folders
from engine.tools.process import Ended, Limits, OnRawLine, Output, environment

SWEEP_SECONDS = 60.0
# One that waits longer is replaced: its lease runs.
WAITS_AT_MOST = 1800.0
LOOK_SECONDS = 0.25
ASK_SECONDS = 0.05
NOT_STARTED = (126, 127)
FINDING = (
    *("python3", "-I", "-S", "-c"),
    "import shutil, sys; sys.exit(shutil.which(sys.argv[1]) is None)",
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ContainerBox:
    """One container that a call has for itself."""

    api: EngineApi
    container: Container
    variables: Mapping[str, str]

    async def run(self, argv: Sequence[str], limits: Limits, on_line: OnRawLine) -> Ended:
        """Run one program; when its time is over, the whole container is asked, then killed."""
        output = Output(limits, on_line)
        running = ""
        try:
            async with asyncio.timeout(limits.seconds) as deadline:
                program = await self.api.program(self.container.id, argv, self.variables, INSIDE)
                running = program
                stream = await self.api.run(program)
                code = await self._read(program, stream, output)
                running = ""
        except TimeoutError:
            if not deadline.expired():
                raise BoxLost(running=bool(running)) from None
            return Ended(None, bytes(output.captured), captured_all=False)
        except EngineRefused as error:
            raise ToolFailed(f"{argv[0]} can't be started in the sandbox: {error}") from None
        except EngineLost:
            raise BoxLost(running=bool(running)) from None
        finally:
            if running:
                await asyncio.shield(self._stop(running, limits.kill_grace))
        if code in NOT_STARTED and await self._lacks(argv[0]):
            raise ToolFailed(f"{argv[0]} is not in the image of the sandbox.")
        return Ended(code, bytes(output.captured), output.captured_all)

    async def _read(self, program: str, stream: RawStream, output: Output) -> int:
        """Hand on all that it prints until it ends, also where a child keeps its output open."""
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(_handed_on(stream, output))
                ended = group.create_task(self._ended(program, reading))
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
            if isinstance(first, EngineRefused):  # it knows nothing of what ran any more
                raise EngineLost(str(first)) from None
            raise first from None
        finally:
            stream.close()
        await output.finish()
        return ended.result()

    async def _ended(self, program: str, reading: asyncio.Task[None]) -> int:
        """Its exit code. What it left running holds its output open: that is not waited for."""
        while not reading.done():
            await asyncio.wait([reading], timeout=LOOK_SECONDS)
            if not reading.done() and (code := await self.api.ended(program)) is not None:
                await asyncio.wait([reading], timeout=LOOK_SECONDS)
                reading.cancel()
                return code
        return await self.api.exit_code(program)

    async def _lacks(self, program: str) -> bool:
        """Whether there is no such program; engines tell it in words that a tool could print."""
        try:
            asking = await self.api.program(
                self.container.id, [*FINDING, program], self.variables, INSIDE
            )
            (await self.api.run(asking)).close()
            return await self.api.exit_code(asking) == 1
        except (EngineLost, EngineRefused, TimeoutError):
            return False

    async def _stop(self, program: str, grace: float) -> None:
        """Ask all that runs in there to end, then kill it with the container."""
        until = time.monotonic() + grace
        try:
            if grace:
                await self.api.signal(self.container.id, "TERM")
            while time.monotonic() < until and await self.api.ended(program) is None:  # noqa: ASYNC110
                await asyncio.sleep(ASK_SECONDS)
            await self.api.remove(self.container.id)
        except (EngineLost, EngineRefused):
            return  # it is gone, or goes when the box closes


@dataclass(slots=True)
class ContainerSandbox:
    """Makes boxes on one engine; one container more than is needed waits for the next call."""

    api: EngineApi
    maker: Maker
    resolve: Resolve = resolved
    prepared: int = 1
    waiting: list[Container] = field(default_factory=list)
    preparing: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        socket: Path,
        confinement: Confinement,
        *,
        work_folder: Path | None = None,
        prepared: int = 1,
        resolve: Resolve = resolved,
    ) -> AsyncIterator["ContainerSandbox"]:
        """Containers on this engine for as long as the block lasts; it need not answer yet."""
        async with EngineApi.opened(socket) as api:
            maker = Maker(api, confinement, work_folder)
            sandbox = cls(api, maker, resolve, prepared)
            sweeping = asyncio.create_task(sandbox.sweep())
            try:
                yield sandbox
            finally:
                sweeping.cancel()
                await asyncio.gather(sweeping, return_exceptions=True)
                await sandbox.close()

    def login_path(self, file: Path, *, writes: bool) -> Path:
        return Path(INSIDE_LOGIN) / file.name

    @asynccontextmanager
    async def open(self, needs: Needs, variables: Mapping[str, str]) -> AsyncIterator[Box]:
        """A container with the call's files, names and gate."""
        async with AsyncExitStack() as stack:
            try:
                container = await self._furnished(needs, stack)
            except EngineLost as error:
                raise ToolFailed(f"The sandbox does not answer: {error}.") from None
            except EngineRefused as error:
                raise ToolFailed(f"The sandbox can't be made: {error}") from None
            built = environment(Path(INSIDE_HOME), proxied(needs.destinations, variables))
            yield ContainerBox(self.api, container, built)

    async def warm(self) -> None:
        """Have as many containers waiting as are asked for. Raises as `Maker.make`."""
        while len(self.waiting) < self.prepared:
            self.waiting.append(await self.maker.make())

    async def sweep(self) -> None:
        """Remove what dead workers left, now and every minute."""
        while True:
            try:
                await asyncio.to_thread(sweep_folders, self.maker.parent)
                await sweep(self.api)
            except (EngineLost, EngineRefused) as error:
                log.warning("no look at sandboxes", action="sandbox.unswept", why=str(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def close(self) -> None:
        """Remove what waits."""
        for task in self.preparing:
            task.cancel()
        await asyncio.gather(*self.preparing, return_exceptions=True)
        while self.waiting:
            await self._removed(self.waiting.pop())

    async def _furnished(self, needs: Needs, stack: AsyncExitStack) -> Container:
        """One that waited, or a new one; those with folders of this machine are made for them."""
        binds = [f"{one}:{one}:ro" for one in needs.readable]
        binds += [f"{one}:{one}:rw" for one in needs.writable]
        usual = not binds and needs.image in ("", self.maker.image)
        waited = await self._taken() if usual else None
        if waited is not None:
            try:
                return await stack.enter_async_context(self._ready(waited, needs))
            except EngineLost as error:
                log.warning("a new container", action="sandbox.replaced", why=str(error))
        made = await self.maker.make(binds, needs.image)
        return await stack.enter_async_context(self._ready(made, needs))

    async def _taken(self) -> Container | None:
        """One that waits, if its lease has not run for too long; the next is made meanwhile."""
        container = None
        while self.waiting and container is None:
            container = self.waiting.pop(0)
            if time.monotonic() - container.made > WAITS_AT_MOST:
                await self._removed(container)
                container = None
        self._prepare_next()
        return container

    def _prepare_next(self) -> None:
        if len(self.waiting) + len(self.preparing) >= self.prepared:
            return
        task = asyncio.create_task(self._prepare())
        self.preparing.add(task)
        task.add_done_callback(self.preparing.discard)

    async def _prepare(self) -> None:
        try:
            self.waiting.append(await self.maker.make())
        except (EngineLost, EngineRefused) as error:
            log.warning("no container waits", action="sandbox.unprepared", why=str(error))

    @asynccontextmanager
    async def _ready(self, container: Container, needs: Needs) -> AsyncIterator[Container]:
        """With the call's files, its gate and the names that it knows; removed at the end."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._removed, container)
            ways, names = ways_of(needs.destinations)
            if needs.destinations:
                await stack.enter_async_context(
                    gate(container.gate, needs.destinations, self.resolve)
                )
                await asyncio.to_thread(container.hosts.write_text, names)
            await container.prepare(await asyncio.to_thread(wanted, needs, ways))
            yield container

    async def _removed(self, container: Container) -> None:
        ending = asyncio.ensure_future(self._remove(container))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending
            raise

    async def _remove(self, container: Container) -> None:
        try:
            await self.maker.remove(container)
        except EngineRefused as error:
            log.warning("a container stays", action="sandbox.not_removed", why=str(error))


async def _handed_on(stream: RawStream, output: Output) -> None:
    async with aclosing(stream.frames()) as frames:
        async for which, piece in frames:
            await output.take(which, piece)
