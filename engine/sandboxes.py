"""The sandbox that the settings ask for, and where a change may run."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from engine.configured import hidden
from engine.domain.call import Effect
from engine.errors import ConfigurationError
from engine.sections import SandboxSettings
from engine.settings import Settings
from engine.tools.boxes import Box, Needs, ReadsOnly, Sandbox
from engine.tools.containers.confinement import Confinement
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.jobs.cluster_api import ClusterApi
from engine.tools.jobs.manifests import PodLimits
from engine.tools.jobs.sandbox import JobSandbox
from engine.tools.sandbox import ProcessSandbox, installed

SOCKETS = {"docker": Path("/var/run/docker.sock"), "podman": Path("/run/podman/podman.sock")}
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Apart:
    """Changes in containers, looks in processes of this machine."""

    reads: Sandbox
    writes: Sandbox

    def login_path(self, file: Path, *, writes: bool) -> Path:
        return (self.writes if writes else self.reads).login_path(file, writes=writes)

    @asynccontextmanager
    async def open(self, needs: Needs, variables: Mapping[str, str]) -> AsyncIterator[Box]:
        """A box of the kind that the call asks for."""
        sandbox = self.writes if needs.writes else self.reads
        async with sandbox.open(needs, variables) as box:
            yield box


@asynccontextmanager
async def opened_sandbox(settings: Settings) -> AsyncIterator[Sandbox]:
    """What tools run in, for as long as the block lasts.

    Raises:
        ConfigurationError: changes would run in processes of a machine that is not all there is.
    """
    wanted = settings.sandbox
    processes = await ProcessSandbox.detect(settings.tools.work_folder, hidden(settings))
    if wanted.runtime == "process":
        yield processes if runs_changes_here(settings) else ReadsOnly(processes)
        return
    async with AsyncExitStack() as stack:
        opened = _cluster if wanted.runtime == "kubernetes" else _engine
        containers = await opened(settings, stack)
        yield containers if wanted.reads == "container" else Apart(processes, containers)


async def _engine(settings: Settings, stack: AsyncExitStack) -> Sandbox:
    """Containers of an engine on this machine."""
    wanted = settings.sandbox
    return await stack.enter_async_context(
        ContainerSandbox.opened(
            socket_of(wanted),
            confinement(wanted),
            work_folder=settings.tools.work_folder,
            prepared=wanted.prepared,
        )
    )


async def _cluster(settings: Settings, stack: AsyncExitStack) -> Sandbox:
    """Jobs of a cluster. Raises `ConfigurationError` without its certificate."""
    wanted = settings.sandbox
    api = await stack.enter_async_context(cluster_of(wanted))
    grace = max(1, round(settings.execution.kill_grace))
    return await stack.enter_async_context(JobSandbox.opened(api, pod_limits(wanted), grace))


def cluster_of(wanted: SandboxSettings) -> AbstractAsyncContextManager[ClusterApi]:
    """The namespace that Jobs run in. Raises `ConfigurationError` without its certificate."""
    at = wanted.kubernetes
    if not at.ca_file.is_file():
        raise ConfigurationError(
            f"The cluster's certificate {at.ca_file} is not there. Set "
            "sandbox.kubernetes.ca_file, or choose another sandbox.runtime."
        )
    return ClusterApi.opened(at.url, at.namespace, at.token_file, at.ca_file)


def pod_limits(wanted: SandboxSettings) -> PodLimits:
    """Limits of a pod, out of the settings."""
    return PodLimits(
        image=wanted.image,
        user=wanted.user,
        memory=wanted.memory,
        files=wanted.files,
        processors=wanted.processors,
        seccomp=wanted.kubernetes.seccomp,
    )


def runs_changes_here(settings: Settings) -> bool:
    """Whether this is the local profile.

    Raises:
        ConfigurationError: it is said to be, but the database or Temporal is somewhere else.
    """
    if not settings.sandbox.local:
        return False
    dsn = settings.postgres.dsn.get_secret_value()
    named = {"the database": _database_hosts(dsn), "Temporal": [_host(settings.temporal.address)]}
    for what, hosts in named.items():
        if not all(map(_is_here, hosts)):
            raise ConfigurationError(
                f"sandbox.local is for `carapulse up`, where all runs on one machine, but {what} "
                "is elsewhere. Remove it, and set sandbox.runtime to docker, podman or kubernetes."
            )
    return True


def socket_of(wanted: SandboxSettings) -> Path:
    """Where the engine listens."""
    return wanted.socket or SOCKETS[wanted.runtime]


def confinement(wanted: SandboxSettings) -> Confinement:
    """Limits of a container, out of the settings."""
    return Confinement(
        image=wanted.image,
        user=wanted.user,
        memory=wanted.memory * MIB,
        processors=wanted.processors,
        processes=wanted.processes,
        files=wanted.files * MIB,
        seccomp=wanted.seccomp,
        engine="podman" if wanted.runtime == "podman" else "docker",
    )


def installed_for(wanted: SandboxSettings) -> Callable[[str], bool]:
    """Whether a program is where tools run: in the image, or on this machine."""
    if wanted.runtime == "process":
        return installed
    in_image = frozenset(wanted.programs)
    if wanted.reads == "process":
        return lambda program: program in in_image and installed(program)
    return in_image.__contains__


def image_for(wanted: SandboxSettings) -> Callable[[Effect], str]:
    """What a call's programs are in: it is frozen with the call, and approved with it."""

    def image(effect: Effect) -> str:
        processes = wanted.runtime == "process" or (
            wanted.reads == "process" and effect is Effect.READ
        )
        return "" if processes else wanted.image

    return image


def _database_hosts(dsn: str) -> list[str]:
    parts = urlsplit(dsn)
    return [parts.hostname or "", *parse_qs(parts.query).get("host", [])]


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _is_here(host: str) -> bool:
    """This machine, or a socket on it."""
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
