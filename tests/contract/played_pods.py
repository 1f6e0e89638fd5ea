"""Pods that really run, in front of a real API server whose nodes are simulated.

All requests go to the API server, but for the log of a pod, which no kubelet serves here: for that,
the command of the stored pod is run on this machine, with the stored Secret as its call.
"""

import asyncio
import base64
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from engine.tools.jobs.manifests import CALL_FILE


@dataclass
class Player:
    """Hands requests on. `seen`: pods whose log was read; `breaks`: how often one breaks off."""

    url: str
    session: aiohttp.ClientSession
    seen: list[dict[str, Any]] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    breaks: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The API server's own answer, or a log that is played."""
        if request.path.endswith("/log"):
            return await self._log(request)
        headers = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in request.headers
        }
        async with self.session.request(
            request.method,
            f"{self.url}{request.path_qs}",
            data=await request.read(),
            headers=headers,
            ssl=False,
        ) as answer:
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type
            )

    async def _log(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if self.kept:  # read again after it broke off
            for line in self.kept:
                await response.write(line)
            return response
        pod = await self._asked(request, request.path.removesuffix("/log"))
        self.seen.append(pod)
        name = pod["spec"]["volumes"][0]["secret"]["secretName"]
        namespace = pod["metadata"]["namespace"]
        secret = await self._asked(request, f"/api/v1/namespaces/{namespace}/secrets/{name}")
        await self._run(pod, base64.b64decode(secret["data"][CALL_FILE]), response)
        return response

    async def _asked(self, request: web.Request, path: str) -> Any:
        headers = {"Authorization": request.headers["Authorization"]}
        async with self.session.get(f"{self.url}{path}", headers=headers, ssl=False) as answer:
            assert answer.status == 200, path
            return await answer.json()

    async def _run(self, pod: dict[str, Any], call: bytes, response: web.StreamResponse) -> None:
        """Run the pod's command; its end, or the reader's, is the end of both."""
        root = Path(tempfile.mkdtemp(prefix="pod-"))
        (root / CALL_FILE).write_bytes(call)
        command = pod["spec"]["containers"][0]["command"]
        process = await asyncio.create_subprocess_exec(
            *command[:-2],
            *(str(root / CALL_FILE), str(root)),
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            start_new_session=True,
            limit=1 << 20,
        )
        assert process.stdout
        try:
            async for line in process.stdout:
                if self.breaks:
                    self.kept.append(line)
                    continue
                await response.write(line)
            if self.breaks:
                self.breaks -= 1
                for line in self.kept[: len(self.kept) // 2]:
                    await response.write(line)
                response.force_close()
                assert response._req
                assert response._req.transport
                response._req.transport.abort()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await asyncio.to_thread(shutil.rmtree, root)


@asynccontextmanager
async def played(url: str) -> AsyncIterator[tuple[str, Player]]:
    """Play pods for the API server at this address; the address to ask instead."""
    async with aiohttp.ClientSession() as session:
        player = Player(url, session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", player.answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            yield f"http://127.0.0.1:{port}", player
        finally:
            await runner.cleanup()
