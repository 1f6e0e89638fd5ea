"""Sandboxes of every kind that this machine can have, opened once for each test file."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine.tools.boxes import Sandbox
from engine.tools.containers.confinement import Confinement
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.sandbox import ProcessSandbox
from tests.contract.container_engine import ContainerEngine, docker_engine, podman_engine


@pytest.fixture(scope="module")
def docker() -> Iterator[ContainerEngine]:
    """A Docker engine of our own, or a skip that says why there is none."""
    with docker_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def podman() -> Iterator[ContainerEngine]:
    """Podman's service of our own, or a skip that says why there is none."""
    with podman_engine() as engine:
        yield engine


def confined(engine: ContainerEngine) -> Confinement:
    """Our limits, small enough to be reached in a test."""
    return Confinement(
        engine.image, memory=256 << 20, processes=64, files=64 << 20, engine=engine.kind
    )


def own_address() -> str:
    """The address under which others find this machine; loopback where it has no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@pytest.fixture(params=["bubblewrap", "docker", "podman"])
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """Each kind in turn."""
    if request.param == "bubblewrap":
        detected = await ProcessSandbox.detect(tmp_path / "calls")
        if not detected.bwrap:
            pytest.skip("bubblewrap is not installed, or may not make namespaces here")
        yield detected
        return
    engine: ContainerEngine = request.getfixturevalue(request.param)
    async with ContainerSandbox.opened(
        engine.socket, confined(engine), work_folder=tmp_path / "calls", prepared=0
    ) as opened:
        yield opened
