"""Looks at this machine: programs that tools need, and room to work in."""

import shutil
import tempfile
from pathlib import Path

from bot.cli.doctor_finding import Finding, fail, ok, warn
from engine.sandboxes import cluster_of, confinement, runs_changes_here, socket_of
from engine.settings import Settings
from engine.tools.containers.engine_api import EngineApi
from engine.tools.containers.streams import EngineLost, EngineRefused
from engine.tools.jobs.cluster_api import ClusterLost, ClusterRefused
from engine.tools.jobs.manifests import LABEL
from engine.tools.jobs.sandbox import BATCH
from engine.tools.process import PROGRAMS
from engine.tools.sandbox import ProcessSandbox

GIB = 1024**3
LITTLE = 1.0
TOO_LITTLE = 0.2


async def git(settings: Settings) -> list[Finding]:
    """The git tool's program, in the places where tools look."""
    if found := shutil.which("git", path=PROGRAMS):
        return [ok("git", found)]
    return [fail("git", "is not installed where the worker runs", "Install git.")]


async def sandbox(settings: Settings) -> list[Finding]:
    """What changes run in, and what looks run in."""
    wanted = settings.sandbox
    if wanted.runtime == "process":
        refused = [] if runs_changes_here(settings) else [no_changes()]
        return [*refused, await processes(settings)]
    looks = [await processes(settings)] if wanted.reads == "process" else []
    changes = jobs if wanted.runtime == "kubernetes" else containers
    return [await changes(settings), *looks]


def no_changes() -> Finding:
    """Processes are for looking, outside of `up`."""
    return fail(
        "sandbox",
        "changes are refused: sandbox.runtime is process",
        "Set CARAPULSE_SANDBOX__RUNTIME to docker, podman or kubernetes.",
    )


async def containers(settings: Settings) -> Finding:
    """Whether the engine answers and has the image."""
    wanted = settings.sandbox
    socket = socket_of(wanted)
    confinement(wanted).profile()
    async with EngineApi.opened(socket) as api:
        try:
            version = await api.version()
            digest = await api.image_digest(wanted.image)
        except EngineLost:
            return fail(
                "sandbox",
                f"no container engine answers at {socket}, so no change can run",
                "Start Docker or Podman, or set CARAPULSE_SANDBOX__SOCKET to its socket.",
            )
        except EngineRefused as error:
            return fail(
                "sandbox",
                f"the image {wanted.image} is not there: {error}",
                "Build it: docker build -t carapulse-sandbox -f deploy/sandbox.Dockerfile deploy",
            )
    return ok("sandbox", f"changes run in containers of {version}, image {digest[:19]}")


async def jobs(settings: Settings) -> Finding:
    """Whether the cluster answers and lets us see Jobs."""
    at = settings.sandbox.kubernetes
    async with cluster_of(settings.sandbox) as api:
        try:
            await api.listed(BATCH, "jobs", LABEL)
        except (ClusterLost, ClusterRefused) as error:
            return fail(
                "sandbox",
                f"no Job can run in namespace {at.namespace} of {at.url}: {error}",
                "Give the worker the role that engine/tools/jobs/README.md lists.",
            )
    return ok("sandbox", f"changes run in Jobs of namespace {at.namespace} of {at.url}")


async def processes(settings: Settings) -> Finding:
    """Whether programs run in a closed world, or only in a folder of their own."""
    detected = await ProcessSandbox.detect(settings.tools.work_folder)
    if detected.bwrap:
        return ok("sandbox", f"tools run inside {detected.bwrap}")
    return warn(
        "sandbox",
        "tools run in a folder and environment of their own, but can read this machine's files",
        "Install bubblewrap, and allow it to make user namespaces.",
    )


async def disk(settings: Settings) -> list[Finding]:
    """Room for what tools write while they work."""
    folder = settings.tools.work_folder or Path(tempfile.gettempdir())
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    found = f"{free:.1f} GiB free where tools work ({folder})"
    if free < TOO_LITTLE:
        return [fail("disk", found, "Make room, or set CARAPULSE_TOOLS__WORK_FOLDER elsewhere.")]
    if free < LITTLE:
        return [warn("disk", found, "Make room, or set CARAPULSE_TOOLS__WORK_FOLDER elsewhere.")]
    return [ok("disk", found)]
