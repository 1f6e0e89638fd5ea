"""Containers that run and wait for a call, which then begins in a fraction of a start's time."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import orjson

from engine.domain.model import Json
from engine.tools.containers.confinement import FIRST_PROCESS, GATE_FOLDER, Confinement
from engine.tools.containers.engine_api import EngineApi
from engine.tools.containers.ownership import labels
from engine.tools.containers.streams import EngineLost, EngineRefused, RawStream
from engine.tools.holders import MARK, Holder

READY_SECONDS = 15.0
# A socket's path has room for 107 bytes, and ours adds 24.
LONGEST_FOLDER = 80


@dataclass(frozen=True, slots=True)
class Container:
    """One that runs: `folder` is its part of our disk, `wire` the stdin of its first process."""

    id: str
    folder: Path
    wire: RawStream
    made: float

    @property
    def gate(self) -> Path:
        """Where its gate listens, while it has one."""
        return self.folder / "gate" / "gate"

    @property
    def hosts(self) -> Path:
        """Its /etc/hosts: the only names that it knows."""
        return self.folder / "hosts"

    async def prepare(self, wanted: Json) -> None:
        """Tell the first process what to prepare, and wait until it has.

        Raises:
            EngineLost: it ended, or does not answer.
        """
        await self.wire.send(orjson.dumps(wanted) + b"\n")
        said = b""
        try:
            async with asyncio.timeout(READY_SECONDS), aclosing(self.wire.frames()) as frames:
                async for _, piece in frames:
                    said += piece
                    if said == b"ready\n":
                        return
        except TimeoutError:
            raise EngineLost("the container did not get ready") from None
        words = said.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise EngineLost(f"the container ended at once: {words[:300] or 'it said nothing'}")


class Maker:
    """Makes containers on one engine."""

    def __init__(self, api: EngineApi, confinement: Confinement, work_folder: Path | None) -> None:
        self._api = api
        self._confinement = confinement
        self.parent = _short(work_folder)
        self._holder = Holder.ourselves()

    @cached_property
    def _sources(self) -> tuple[str, str]:
        """The first process, and the seccomp profile as the engine takes it."""
        profile = self._confinement.profile()
        given = str(profile.resolve())
        if self._confinement.engine == "docker":
            given = orjson.dumps(orjson.loads(profile.read_bytes())).decode()
        return FIRST_PROCESS.read_text(encoding="utf-8"), given

    @property
    def image(self) -> str:
        """What containers are made of when the call does not say."""
        return self._confinement.image

    async def make(self, binds: Sequence[str] = (), image: str = "") -> Container:
        """Make and start one that waits for its call.

        Raises:
            EngineLost: the engine does not answer.
            EngineRefused: it does not make it: the image is missing, or a limit is not known.
        """
        async with AsyncExitStack() as unless_it_works:
            folder = await asyncio.to_thread(self._folder)
            unless_it_works.push_async_callback(
                asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True
            )
            config = await asyncio.to_thread(self._config, folder, binds, image or self.image)
            container = await self._started(folder, config, unless_it_works)
            unless_it_works.pop_all()
            return container

    async def remove(self, container: Container) -> None:
        """End it, with all that runs in it, and leave nothing of it."""
        try:
            await self._api.remove(container.id)
        except EngineLost:
            pass  # its stdin ends now, so it ends too; else the sweeper finds it
        finally:
            container.wire.close()
            await asyncio.to_thread(shutil.rmtree, container.folder, ignore_errors=True)

    def _config(self, folder: Path, binds: Sequence[str], image: str) -> dict[str, Json]:
        """The body that makes it; it is shown its own part of the folder."""
        own = (
            f"{folder / 'gate'}:{GATE_FOLDER}:ro",
            f"{folder / 'hosts'}:/etc/hosts:ro",
            f"{folder / 'resolv.conf'}:/etc/resolv.conf:ro",
        )
        confinement = replace(self._confinement, image=image)
        return confinement.container(
            *self._sources, (*own, *binds), labels(self._holder, time.time())
        )

    async def _started(
        self, folder: Path, config: dict[str, Json], unless_it_works: AsyncExitStack
    ) -> Container:
        id_ = await self._api.create(config)
        unless_it_works.push_async_callback(self._give_up, id_)
        wire = await self._api.attach(id_)
        unless_it_works.callback(wire.close)
        await self._api.start(id_)
        return Container(id_, folder, wire, time.monotonic())

    async def _give_up(self, id_: str) -> None:
        try:
            await self._api.remove(id_)
        except (EngineLost, EngineRefused):
            return  # the sweeper tries again

    def _folder(self) -> Path:
        """A private folder with what the container is shown: no name, no resolver, no gate yet."""
        folder = Path(tempfile.mkdtemp(prefix="call-", dir=self.parent)).resolve()
        (folder / MARK).write_text(str(self._holder), encoding="utf-8")
        (folder / "gate").mkdir(mode=0o755)
        for name, text in (("hosts", "127.0.0.1\tlocalhost\n"), ("resolv.conf", "")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
        return folder


def _short(work_folder: Path | None) -> Path:
    """Where folders of calls are made; a path that leaves no room for a socket's is not taken."""
    usual = Path(tempfile.gettempdir())
    if work_folder is None:
        return usual
    work_folder.mkdir(parents=True, exist_ok=True)
    return work_folder if len(os.fsencode(work_folder.resolve())) <= LONGEST_FOLDER else usual
