"""A real OPA server with our rules, where there is an `opa` on the PATH."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import aiohttp

from bot.local.ports import answers_http, free_port
from engine.domain.breaker import Breaker
from engine.policy.opa import OpaPolicy

OPA = shutil.which("opa")


@asynccontextmanager
async def opa_server(
    folders: Sequence[Path], *, named: bool = False, bundle: bool = False
) -> AsyncIterator[str]:
    """Its address, once it answers; it gives its decisions ids only where it logs them."""
    assert OPA is not None
    port = free_port()
    more = ["--set", "decision_logs.console=true"] if named else []
    server = await asyncio.create_subprocess_exec(
        OPA, "run", "--server", "--log-level", "error", "--addr", f"127.0.0.1:{port}",
        *more, *(["--bundle"] if bundle else []), *map(str, folders),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = monotonic() + 20
        while not await answers_http(port, "/health"):
            assert monotonic() < deadline, "opa does not start"
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        await server.wait()


@asynccontextmanager
async def opa_policy(
    folders: Sequence[Path], *, named: bool = False, bundle: bool = False
) -> AsyncIterator[OpaPolicy]:
    """The adapter in front of such a server."""
    async with (
        opa_server(folders, named=named, bundle=bundle) as url,
        aiohttp.ClientSession() as session,
    ):
        yield OpaPolicy(session, url, timeout=5, breaker=Breaker(5, 30, monotonic))
