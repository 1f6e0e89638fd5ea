"""A strict controller and a strict program that play Boundary; neither is to be had here.

The controller follows developer.hashicorp.com/boundary/api-docs: `targets/ID:authorize-session`,
`sessions/ID`, `sessions/ID:cancel` with the session's version. The program takes the flags and the
variable that `boundary connect` documents and prints its JSON; it leads to where its session leads.
"""

import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

from aiohttp import web

from engine.domain.model import Json

TARGET, TOKEN = "ttcp_1234567890", "at_played_token"
PROGRAM = """#!{python} -IS
import asyncio, base64, json, os, sys
if sys.argv[1:] != ["connect", "-format=json", "-listen-addr=127.0.0.1"]:
    sys.exit("usage")
mode = "{mode}"
shown = base64.b64decode(os.environ["BOUNDARY_CONNECT_AUTHZ_TOKEN"]).decode()
session, host, port = shown.split(" ")


async def pump(source, sink):
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


async def led(reader, writer):
    there = await asyncio.open_connection(host, int(port))
    await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))


async def main():
    server = await asyncio.start_server(led, "127.0.0.1", 0)
    near = server.sockets[0].getsockname()[1]
    said = {{"address": "127.0.0.1", "port": near, "protocol": "tcp", "session_id": session,
            "connection_limit": -1, "expiration": "2030-01-01T00:00:00Z"}}
    if mode == "ends":
        sys.exit("Error: unable to connect to worker")
    if mode != "says nothing":
        print(json.dumps(said), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@dataclass
class PlayedBoundary:
    """What it knows, and what it was asked. `leads_to` is the host behind the target."""

    url: str = ""
    leads_to: str = "127.0.0.1 1"
    credentials: list[Json] = field(default_factory=list)
    answers: int = 0
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/v1/")
        self.asked.append(f"{request.method} {path}")
        if self.answers:
            return refused(self.answers, "Unavailable", "away")
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return refused(401, "Unauthenticated", "Unauthenticated, or invalid token.")
        body = await request.json() if request.can_read_body else {}
        what, _, action = path.partition(":")
        if (request.method, action) == ("POST", "authorize-session"):
            return self._authorised(what.removeprefix("targets/"), body)
        session = self.sessions.get(what.removeprefix("sessions/"))
        if session is None:
            return refused(404, "NotFound", "Resource not found.")
        if (request.method, action) == ("GET", ""):
            return web.json_response(session)
        if (request.method, action) == ("POST", "cancel"):
            return self._cancelled(session, body)
        return refused(405, "MethodNotAllowed", "")

    def _authorised(self, target: str, body: dict[str, Any]) -> web.Response:
        if target != TARGET or set(body) - {"host_id"}:
            return refused(404, "NotFound", "Resource not found.")
        session = f"s_{token_hex(5)}"
        self.sessions[session] = {"id": session, "version": 2, "status": "pending"}
        token = base64.b64encode(f"{session} {self.leads_to}".encode()).decode()
        return web.json_response(
            {
                "session_id": session,
                "target_id": target,
                "type": "tcp",
                "authorization_token": token,
                "credentials": self.credentials,
            }
        )

    def _cancelled(self, session: dict[str, Any], body: dict[str, Any]) -> web.Response:
        if body != {"version": session["version"]}:
            return refused(400, "InvalidArgument", "version is required")
        session |= {"status": "canceling", "version": session["version"] + 1}
        return web.json_response(session)

    @property
    def states(self) -> list[str]:
        return [one["status"] for one in self.sessions.values()]


def refused(status: int, kind: str, message: str) -> web.Response:
    return web.json_response({"status": status, "kind": kind, "message": message}, status=status)


def program(folder: Path, mode: str = "works") -> Path:
    """The program, in a folder of the test."""
    file = folder / f"boundary-{mode.replace(' ', '-')}"
    file.write_text(PROGRAM.format(python=sys.executable, mode=mode))
    file.chmod(0o755)
    return file


@asynccontextmanager
async def played_boundary() -> AsyncIterator[PlayedBoundary]:
    """A controller on a free port."""
    boundary = PlayedBoundary()
    app = web.Application()
    app.router.add_route("*", "/v1/{path:.+}", boundary.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    boundary.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield boundary
    finally:
        await runner.cleanup()
