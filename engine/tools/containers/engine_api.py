"""The part of the Docker Engine API that a sandbox needs, as Docker and Podman both serve it.

Plain HTTP on the engine's socket rather than the SDK: that is synchronous (a thread for each
stream that is read), and hands out the socket beneath a buffer that may have taken output already.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson

from engine.domain.model import Json
from engine.tools.containers.streams import EngineLost, EngineRefused, RawStream, upgraded

ANSWER_SECONDS = 30.0
EXIT_POLL = 0.01
EXIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """A container that is there."""

    id: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EngineApi:
    """One container engine. Every call raises `EngineLost` or `EngineRefused`."""

    socket: Path
    session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def opened(cls, socket: Path) -> AsyncIterator[Self]:
        """Connections to this socket; nothing is asked yet."""
        connector = aiohttp.UnixConnector(str(socket), limit=20)
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield cls(socket, session)

    async def version(self) -> str:
        """Name and version of the engine, for people."""
        told = await self._ask("GET", "/version")
        parts = told.get("Components") or [{}]
        name = str(parts[0].get("Name") or "Docker").removesuffix(" Engine")
        return f"{name} {told.get('Version', '')}".strip()

    async def image_digest(self, image: str) -> str:
        """The id of an image that is there."""
        told = await self._ask("GET", f"/images/{quote(image, safe='/:@')}/json")
        return str(told["Id"])

    async def create(self, config: Mapping[str, Json]) -> str:
        """Make a container and return its id; it does not run yet."""
        return str((await self._ask("POST", "/containers/create", config))["Id"])

    async def start(self, container: str) -> None:
        """Run it."""
        await self._ask("POST", f"/containers/{container}/start")

    async def attach(self, container: str) -> RawStream:
        """The stdin and output of its first process; before `start`, so that nothing is missed."""
        target = f"/containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1"
        return await upgraded(self.socket, target, None)

    async def program(
        self, container: str, argv: Sequence[str], variables: Mapping[str, str], folder: str
    ) -> str:
        """Make a program in it that does not run yet; its id."""
        wanted: dict[str, Json] = {
            "Cmd": list(argv),
            "Env": [f"{name}={text}" for name, text in variables.items()],
            "WorkingDir": folder,
            "AttachStdout": True,
            "AttachStderr": True,
        }
        told = await self._ask("POST", f"/containers/{container}/exec", wanted)
        return str(told["Id"])

    async def run(self, program: str) -> RawStream:
        """Start it; its output. When this fails it may run nevertheless."""
        return await upgraded(self.socket, f"/exec/{program}/start", {"Detach": False})

    async def exit_code(self, program: str) -> int:
        """How a program ended whose output has ended."""
        async with asyncio.timeout(EXIT_SECONDS):
            while (code := await self.ended(program)) is None:  # noqa: ASYNC110 (only told when asked)
                await asyncio.sleep(EXIT_POLL)
            return code

    async def ended(self, program: str) -> int | None:
        """Its exit code, or None while it runs."""
        told = await self._ask("GET", f"/exec/{program}/json")
        return None if told.get("Running") else int(told["ExitCode"])

    async def signal(self, container: str, name: str) -> None:
        """Send a signal to the first process."""
        await self._ask("POST", f"/containers/{container}/kill?signal={name}")

    async def remove(self, container: str) -> None:
        """Kill and remove it with all that is in it; one that is gone is no error."""
        try:
            await self._ask("DELETE", f"/containers/{container}?force=true&v=true")
        except EngineRefused as error:
            if error.status not in (404, 409):  # 409: its removal has begun
                raise

    async def labelled(self, label: str) -> list[Found]:
        """All containers with this label, also those that do not run."""
        chosen = quote(orjson.dumps({"label": [label]}))
        found = await self._ask("GET", f"/containers/json?all=true&filters={chosen}")
        return [Found(str(one["Id"]), one.get("Labels") or {}) for one in found]

    async def _ask(self, method: str, target: str, body: Json | Mapping[str, Json] = None) -> Any:
        data = orjson.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        try:
            async with self.session.request(
                method, f"http://engine{target}", data=data, headers=headers
            ) as answer:
                text = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise EngineLost("the engine's socket does not answer") from None
        if answer.status >= 400:
            raise EngineRefused(answer.status, _said(text))
        try:
            return orjson.loads(text) if text else None
        except orjson.JSONDecodeError:
            raise EngineLost("the engine answered with something else") from None


def _said(text: bytes) -> str:
    """The words of an error."""
    try:
        return str(orjson.loads(text)["message"])[:500]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return text[:500].decode(errors="replace")
