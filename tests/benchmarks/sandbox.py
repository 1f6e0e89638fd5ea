"""How long a call waits for its container, beside a bare container that does nothing."""

import asyncio
import sys
import time
from contextlib import ExitStack

from bot.local.stack import Stack
from engine.domain.model import Json
from engine.tools.boxes import Needs
from engine.tools.containers.confinement import Confinement
from engine.tools.containers.engine_api import EngineApi
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.process import Limits
from tests.benchmarks.figures import Aim, Samples
from tests.benchmarks.rows import Say, alternate, rows_of
from tests.contract.container_engine import ContainerEngine, docker_engine, why_no_docker

WARM, COLD = "sandbox, warm start", "sandbox, cold start"
CALLS = 5
BARE: dict[str, Json] = {"Cmd": ["true"], "HostConfig": {"NetworkMode": "none", "AutoRemove": True}}


async def sandbox(stack: Stack, seconds: float, say: Say) -> None:
    """From a call to the end of its first program, which does nothing."""
    if reason := why_no_docker():
        sys.stdout.write(f"  no sandbox to measure: {reason}\n")
        return
    rows = rows_of(
        (WARM, "ms", Aim(1.0), "a bare container, made, started and waited for"),
        (COLD, "ms", None, "the same"),
    )
    with ExitStack() as opened:
        docker = await asyncio.to_thread(opened.enter_context, docker_engine())
        await alternate(
            rows,
            lambda: bare(docker),
            lambda: ours(docker),
            until=time.monotonic() + 8 * seconds,
        )
    for row in rows.values():
        say(row)


async def bare(docker: ContainerEngine) -> dict[str, Samples]:
    """What the engine itself takes."""
    took = []
    async with EngineApi.opened(docker.socket) as api:
        for _ in range(CALLS):
            began = time.monotonic()
            container = await api.create({**BARE, "Image": docker.image})
            stream = await api.attach(container)
            await api.start(container)
            async for _ in stream.frames():
                pass  # its end is the end of the stream
            took.append((time.monotonic() - began) * 1000)
            stream.close()
    return {WARM: Samples(took), COLD: Samples(took)}


async def ours(docker: ContainerEngine) -> dict[str, Samples]:
    """Confined, with a gate, a working folder and a first process."""
    warm: list[float] = []
    cold: list[float] = []
    for prepared, took in ((1, warm), (0, cold)):
        async with ContainerSandbox.opened(
            docker.socket, Confinement(docker.image), prepared=prepared
        ) as opened:
            for _ in range(CALLS):
                await opened.warm()
                began = time.monotonic()
                async with opened.open(Needs(), {}) as box:
                    await box.run(["true"], Limits(), ignored)
                    took.append((time.monotonic() - began) * 1000)
                await asyncio.gather(*opened.preparing)
    return {WARM: Samples(warm), COLD: Samples(cold)}


async def ignored(stream: str, line: str) -> None:
    """It prints nothing."""
