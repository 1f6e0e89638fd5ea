"""kubectl in a container: it logs in with its own file and reaches the API server that is named."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from engine.domain.call import Ending
from engine.tools.api import Endpoint
from engine.tools.containers.sandbox import ContainerSandbox
from tests.contract.conftest import confined
from tests.contract.container_engine import ContainerEngine, load_image
from tests.contract.definitions.bench import PLACE, Definitions
from tests.contract.definitions.kubernetes import Cluster

IMAGE = "carapulse-sandbox-kubectl:latest"
WORKLOAD = {"kind": "deployment", "name": "checkout"}


@dataclass
class Room:
    """The catalog in a namespace of its own, run in containers."""

    bench: Definitions
    cluster: Cluster
    sandbox: ContainerSandbox
    namespace: str


@pytest.fixture(scope="module")
def with_kubectl(docker: ContainerEngine, cluster: Cluster) -> ContainerEngine:
    """The image of the tests, with the cluster's own kubectl."""
    load_image(docker.socket, IMAGE, [cluster.programs / "kubectl"])
    return replace(docker, image=IMAGE)


@pytest.fixture
async def room(
    with_kubectl: ContainerEngine, cluster: Cluster, tmp_path: Path
) -> AsyncIterator[Room]:
    namespace = f"shop-{uuid4().hex[:8]}"
    await cluster.shop(namespace)
    login = tmp_path / "kubeconfig"  # readable for us alone, as it should be
    login.write_text(cluster.kubeconfig.read_text())
    login.chmod(0o600)
    place = PLACE.model_copy(update={"namespace": namespace, "cluster": "test"})
    async with (
        aiohttp.ClientSession() as session,
        ContainerSandbox.opened(with_kubectl.socket, confined(with_kubectl)) as sandbox,
    ):
        bench = Definitions({"kubectl": Endpoint(cluster.url, file=login)}, session, place=place)
        bench.runner = replace(bench.runner, sandbox=sandbox)
        yield Room(bench, cluster, sandbox, namespace)


async def test_a_change_takes_effect_is_probed_and_undone(room: Room) -> None:
    bench = room.bench

    step, done = await bench.write("kubectl.scale", **WORKLOAD, replicas=4, current_replicas=2)
    took = await bench.took_effect(step)
    scaled = await replicas(room)
    undone = await bench.undo(step, done)

    assert done.ending is Ending.SUCCEEDED, (done.message, bench.lines)
    assert took
    assert scaled == "4"
    assert undone.ending is Ending.SUCCEEDED, (undone.message, bench.lines)
    assert await replicas(room) == "2"


async def test_a_cluster_that_is_not_the_named_one_is_not_reached(room: Room) -> None:
    async with aiohttp.ClientSession() as session:
        elsewhere = Definitions(
            {"kubectl": Endpoint("https://127.0.0.1:1", file=room.cluster.kubeconfig)},
            session,
            place=room.bench.place,
        )
        elsewhere.runner = replace(elsewhere.runner, sandbox=room.sandbox)
        seen = await elsewhere.read("kubectl.rollout_status", **WORKLOAD)

    assert seen.ending is Ending.FAILED
    assert "can't be reached" in seen.message


async def replicas(room: Room) -> str:
    """What the cluster wants now."""
    path = "--output=jsonpath={.spec.replicas}"
    return await room.cluster.kubectl("-n", room.namespace, "get", "deploy/checkout", path)
