"""The Kubernetes sandbox: one Job for each call, for workers that may have no engine's socket."""

import asyncio
import base64
import binascii
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import structlog

from engine.domain.model import Json
from engine.errors import ToolFailed
from engine.tools.boxes import Box, BoxLost, Needs
from engine.tools.egress import Refused, Resolve, addresses_of, resolved
from engine.tools.jobs.cluster_api import ClusterApi, ClusterLost, ClusterRefused
from engine.tools.jobs.manifests import (
    LABEL,
    LEASE,
    ROOT,
    START_SECONDS,
    PodLimits,
    Reached,
    Times,
    job,
    network_policy,
    secret,
)
from engine.tools.process import Ended, Limits, OnRawLine, Output, Stream, environment

BATCH, NETWORKING = "batch/v1", "networking.k8s.io/v1"
LOOK_SECONDS = 0.2
SWEEP_SECONDS = 60.0
AGAIN = 3
GONE_SECONDS = 10
log = structlog.get_logger(__name__)
Frame = Mapping[str, Any]


@dataclass(slots=True)
class JobBox:
    """One Job that runs its orders by itself; here they are followed, one after the other."""

    frames: AsyncGenerator[Frame, None]
    needs: Needs
    number: int = 0

    async def run(self, argv: Sequence[str], limits: Limits, on_line: OnRawLine) -> Ended:
        """Follow the next program, which is the one that was ordered."""
        if tuple(argv) != self.needs.orders[self.number].argv:
            raise ToolFailed("A Job runs what was ordered when it began, and nothing else.")
        output = Output(limits, on_line)
        try:
            async with asyncio.timeout(limits.seconds) as deadline:
                code = await self._followed(output)
        except TimeoutError:
            if not deadline.expired():
                raise
            return Ended(None, bytes(output.captured), captured_all=False)
        except (ClusterLost, ClusterRefused):
            raise BoxLost(running=True) from None
        await output.finish()
        self.number += 1
        return Ended(code, bytes(output.captured), output.captured_all)

    async def _followed(self, output: Output) -> int:
        async for frame in self.frames:
            if frame.get("order") != self.number:
                continue
            if "absent" in frame:
                raise ToolFailed(f"{frame['absent']} is not in the image of the sandbox.")
            if "exit" in frame:
                return int(frame["exit"])
            which: Stream = "out" if frame.get("stream") == "out" else "err"
            await output.take(which, _decoded(frame.get("data")))
        raise ClusterLost("the pod ended before its program")


@dataclass(frozen=True, slots=True)
class JobSandbox:
    """Makes Jobs in one namespace."""

    api: ClusterApi
    limits: PodLimits
    resolve: Resolve = field(default=resolved)
    kill_grace: int = 5

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, api: ClusterApi, limits: PodLimits, kill_grace: int = 5, resolve: Resolve = resolved
    ) -> AsyncIterator["JobSandbox"]:
        """Jobs for as long as the block lasts; what workers left behind is removed meanwhile."""
        sandbox = cls(api, limits, resolve, kill_grace)
        sweeping = asyncio.create_task(sandbox.sweep())
        try:
            yield sandbox
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)

    def login_path(self, file: Path, *, writes: bool) -> Path:
        return Path(ROOT) / "login" / file.name

    @asynccontextmanager
    async def open(self, needs: Needs, variables: Mapping[str, str]) -> AsyncIterator[Box]:
        """A Job with its Secret and its network policy; all of it is removed at the end."""
        if needs.readable or needs.writable:
            raise ToolFailed("A Job does not reach folders of the worker's machine.")
        name = f"carapulse-{secrets.token_hex(8)}"
        async with AsyncExitStack() as stack:
            try:
                reached = [
                    (one, await addresses_of(one, self.resolve)) for one in needs.destinations
                ]
                stack.push_async_callback(self._removed, name)
                await self._created(name, needs, variables, reached)
                frames = await stack.enter_async_context(aclosing(self._frames(name)))
                await self._begun(name, frames)
            except Refused as error:
                raise ToolFailed(f"A host of the call can't be reached: {error}.") from None
            except (ClusterLost, ClusterRefused) as error:
                raise ToolFailed(f"The sandbox can't be made: {error}.") from None
            yield JobBox(frames, needs)

    async def sweep(self) -> None:
        """Remove Jobs whose worker had to be done with them long ago, now and every minute."""
        while True:
            try:
                for one in await self.api.listed(BATCH, "jobs", LABEL):
                    lease = str(one["metadata"].get("annotations", {}).get(LEASE, ""))
                    if not lease.isdigit() or int(lease) < time.time():
                        await self.api.remove(BATCH, "jobs", one["metadata"]["name"], grace=0)
            except (ClusterLost, ClusterRefused) as error:
                log.warning("no look at sandboxes", action="sandbox.unswept", why=str(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def _created(
        self, name: str, needs: Needs, variables: Mapping[str, str], reached: Reached
    ) -> None:
        """The Job last: no pod is there before the policy that closes it."""
        lease = time.time() + needs.seconds + 2 * START_SECONDS
        times = Times(needs.seconds, lease, self.kill_grace)
        limits = replace(self.limits, image=needs.image or self.limits.image)
        body = job(name, limits, reached, times)
        owner = await self.api.create(BATCH, "jobs", body)
        await self.api.create(NETWORKING, "networkpolicies", network_policy(owner, reached))
        call = await asyncio.to_thread(_call, needs, variables)
        await self.api.create("", "secrets", secret(owner, call))
        await self.api.change(BATCH, "jobs", name, {"spec": {"suspend": False}})

    async def _begun(self, name: str, frames: AsyncGenerator[Frame, None]) -> None:
        """The pod has read its Secret: nobody else needs to."""
        try:
            async with asyncio.timeout(START_SECONDS):
                first = await anext(frames, None)
        except TimeoutError:
            raise ClusterLost("the pod did not start in time") from None
        if first is None or "began" not in first:
            raise ClusterLost("the pod did not do what it was told")
        await self.api.remove("", "secrets", name)

    async def _frames(self, name: str) -> AsyncGenerator[Frame, None]:
        """What the pod says; where the log breaks off it is read again, without what is known."""
        pod, known, tries = await self._pod(name), 0, 0
        while tries <= AGAIN:
            at = 0
            try:
                async with aclosing(self.api.log(pod)) as lines:
                    async for line in lines:
                        at += 1
                        if at > known:
                            known, tries = at, 0
                            yield _frame(line)
            except ClusterLost:
                tries += 1
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return
        raise ClusterLost("the log of the pod breaks off again and again")

    async def _pod(self, name: str) -> str:
        """The Job's pod, once it runs or has run."""
        while True:
            for one in await self.api.listed("", "pods", f"{LABEL}={name}"):
                if one["status"].get("phase") in ("Running", "Succeeded", "Failed"):
                    return str(one["metadata"]["name"])
            await asyncio.sleep(LOOK_SECONDS)

    async def _removed(self, name: str) -> None:
        ending = asyncio.ensure_future(self._remove(name))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending
            raise

    async def _remove(self, name: str) -> None:
        """The Secret first; what can't be removed now goes with its deadline or the sweeper."""
        for group, kind in (("", "secrets"), (BATCH, "jobs"), (NETWORKING, "networkpolicies")):
            try:
                await self.api.remove(group, kind, name, grace=self.kill_grace)
            except (ClusterLost, ClusterRefused) as error:
                log.warning("not removed", action="sandbox.not_removed", kind=kind, why=str(error))
        await self._all_ended(name)

    async def _all_ended(self, name: str) -> None:
        """Wait until no pod of it is left, within what the cluster may take for that."""
        try:
            async with asyncio.timeout(self.kill_grace + GONE_SECONDS):
                while await self.api.listed("", "pods", f"{LABEL}={name}"):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)
        except (TimeoutError, ClusterLost, ClusterRefused):
            log.warning("a pod still ends", action="sandbox.not_removed", kind="pods", name=name)


def _call(needs: Needs, variables: Mapping[str, str]) -> dict[str, Json]:
    """What the pod is told."""
    files: dict[str, Json] = {f"call/{name}": text for name, text in needs.files.items()}
    if needs.login:
        files[f"login/{needs.login.name}"] = needs.login.read_text(encoding="utf-8")
    orders: list[Json] = [
        {"argv": list(one.argv), "succeeds": list(one.succeeds), "prints": one.prints}
        for one in needs.orders
    ]
    built: dict[str, Json] = dict(environment(Path(ROOT) / "home", variables))
    return {"files": files, "orders": orders, "variables": built}


def _frame(line: bytes) -> Frame:
    """A line of the log; what is no frame of ours is none of a program's output."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _decoded(data: object) -> bytes:
    try:
        return base64.b64decode(str(data), validate=True)
    except binascii.Error:
        return b""
