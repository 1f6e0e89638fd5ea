"""The definitions of kubectl and Helm against a real API server, with kwok's simulated pods."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from engine.domain.call import Ending
from engine.tools.api import Endpoint
from tests.contract.definitions.bench import PLACE, Definitions, until
from tests.contract.definitions.kubernetes import Cluster

WORKLOAD = {"kind": "deployment", "name": "checkout"}


@asynccontextmanager
async def definitions(
    cluster: Cluster, namespace: str, kubeconfig: Path | None = None
) -> AsyncIterator[Definitions]:
    """The catalog, connected to a namespace of the cluster."""
    endpoint = Endpoint(cluster.url, file=kubeconfig or cluster.kubeconfig)
    place = PLACE.model_copy(update={"namespace": namespace, "cluster": "test"})
    async with aiohttp.ClientSession() as session:
        yield Definitions(
            {"kubectl": endpoint, "helm": endpoint},
            session,
            programs=f"{cluster.programs}:/usr/bin:/bin",
            place=place,
        )


@pytest.fixture
async def bench(cluster: Cluster) -> AsyncIterator[Definitions]:
    namespace = f"shop-{uuid4().hex[:8]}"
    await cluster.shop(namespace)
    async with definitions(cluster, namespace) as opened:
        yield opened


async def test_every_write_takes_effect_is_probed_and_undone(
    bench: Definitions, cluster: Cluster
) -> None:
    async def complete() -> bool:
        found = await bench.read("kubectl.rollout_status", **WORKLOAD)
        return found.outputs["complete"] == "yes"

    restart, restarted = await bench.write("kubectl.rollout_restart", **WORKLOAD)
    restart_found = await bench.took_effect(restart)
    await until(complete)
    restart_undone = await bench.undo(restart, restarted)

    scale, scaled = await bench.write("kubectl.scale", **WORKLOAD, replicas=4)
    scale_found = await bench.took_effect(scale)
    scale_undone = await bench.undo(scale, scaled)
    unmet = await bench.write("kubectl.scale", **WORKLOAD, replicas=3, current_replicas=7)

    image = {"container": "app", "image": "registry.example/checkout:1.1.0"}
    change, changed = await bench.write("kubectl.set_image", **WORKLOAD, **image)
    change_found = await bench.took_effect(change)
    change_undone = await bench.undo(change, changed)

    cordon, cordoned = await bench.write("kubectl.cordon", node="node-1")
    cordon_found = await bench.took_effect(cordon)
    cordon_undone = await bench.undo(cordon, cordoned)
    await until(complete)
    now = await bench.read("kubectl.get", **WORKLOAD)
    pods = (await cluster.kubectl("-n", bench.place.namespace, "get", "pods", "-o", "name")).split()
    _, deleted = await bench.write("kubectl.delete_pod", name=pods[0].removeprefix("pod/"))

    done = (restarted, restart_undone, scaled, scale_undone, changed, change_undone)
    assert [one.message for one in done if one.ending is not Ending.SUCCEEDED] == []
    assert restart_found
    assert scale_found
    assert change_found
    assert cordon_found
    assert (cordoned.ending, cordon_undone.ending) == (Ending.SUCCEEDED, Ending.SUCCEEDED)
    assert unmet[1].ending is Ending.FAILED
    assert "Nothing was changed" in unmet[1].message
    assert scaled.outputs == {"previous_replicas": "2"}
    assert (now.outputs["replicas"], now.outputs["image"]) == (
        "2",
        "registry.example/checkout:1.0.0",
    )
    assert deleted.ending is Ending.SUCCEEDED


async def test_what_is_not_there_changes_nothing_and_reads_tell_facts(bench: Definitions) -> None:
    missing = {"kind": "deployment", "name": "none"}

    failed = [
        (await bench.write("kubectl.rollout_restart", **missing))[1],
        (await bench.write("kubectl.scale", **missing, replicas=1))[1],
        (await bench.write("kubectl.rollout_undo", **WORKLOAD, revision=77))[1],
        (await bench.write("helm.rollback", release="none", revision=1))[1],
        await bench.read("kubectl.get", **missing),
    ]
    reads = [
        await bench.read("kubectl.get", kind="pods"),
        await bench.read("kubectl.describe", **WORKLOAD),
        await bench.read("kubectl.events"),
        await bench.read("kubectl.rollout_history", **WORKLOAD),
        await bench.read("kubectl.version"),
        await bench.read("kubectl.can_i", verb="get", resource="pods"),
        await bench.read("kubectl.wait", **WORKLOAD, condition="condition=Available"),
        await bench.read("helm.list"),
        await bench.read("helm.version"),
    ]

    assert [one.ending for one in failed] == [Ending.FAILED] * 5
    assert [one.message for one in reads if one.ending is not Ending.SUCCEEDED] == []
    assert (reads[0].outputs["count"], reads[5].outputs["answer"]) == ("2", "yes")
