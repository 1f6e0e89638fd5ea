"""The definitions of kubectl and Helm against a real API server, with kwok's simulated pods."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from engine.domain.call import CallResult, Ending
from engine.errors import Invalid
from engine.tools.api import Endpoint
from tests.contract.definitions.bench import PLACE, Definitions, until
from tests.contract.definitions.charts import chart_repository
from tests.contract.definitions.kubernetes import LOOKER, Cluster

IMAGE = ".spec.template.spec.containers[0].image"
LOOKING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: lookers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: lookers}]
"""
MANIFESTS = {
    "shop/service.yaml": """
apiVersion: v1
kind: Service
metadata: {name: till}
spec: {selector: {app: till}, ports: [{port: 80}]}
""",
    "shop/secret.yaml": """
apiVersion: v1
kind: Secret
metadata: {name: till}
stringData: {password: not-to-be-seen}
""",
}
WORKLOAD = {"kind": "deployment", "name": "checkout"}


@asynccontextmanager
async def definitions(
    cluster: Cluster,
    namespace: str,
    kubeconfig: Path | None = None,
    remotes: tuple[str, ...] = (),
    *,
    preview: bool = False,
) -> AsyncIterator[Definitions]:
    """The catalog, connected to a namespace of the cluster."""
    endpoint = Endpoint(cluster.url, file=kubeconfig or cluster.kubeconfig)
    place = PLACE.model_copy(update={"namespace": namespace, "cluster": "test"})
    async with aiohttp.ClientSession() as session:
        yield Definitions(
            {"kubectl": endpoint, "helm": endpoint}
            | ({"kubectl_preview": endpoint} if preview else {}),
            session,
            programs=f"{cluster.programs}:/usr/bin:/bin",
            place=place,
            remotes=remotes,
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
    assert [one.message for one in failed[1:4] if "Nothing was changed" not in one.message] == []
    assert [one.message for one in reads if one.ending is not Ending.SUCCEEDED] == []
    assert (reads[0].outputs["count"], reads[5].outputs["answer"]) == ("2", "yes")


async def test_an_image_that_never_gets_ready_keeps_the_rollout_incomplete_until_it_is_undone(
    bench: Definitions,
) -> None:
    async def complete() -> bool:
        found = await bench.read("kubectl.rollout_status", **WORKLOAD)
        return found.outputs["complete"] == "yes"

    image = {"container": "app", "image": "registry.example/checkout:bad"}
    change, changed = await bench.write("kubectl.set_image", **WORKLOAD, **image)
    stuck = await bench.read("kubectl.rollout_status", **WORKLOAD)
    waited = await bench.read(
        "kubectl.wait", **WORKLOAD, condition="condition=Progressing=False", wait="1s"
    )
    undone = await bench.undo(change, changed)
    await until(complete)

    assert (changed.ending, stuck.outputs["complete"]) == (Ending.SUCCEEDED, "no")
    assert "did not become" in waited.message
    assert undone.ending is Ending.SUCCEEDED


async def test_who_may_not_is_told_so_in_words_and_nothing_changes(
    bench: Definitions, cluster: Cluster, tmp_path: Path
) -> None:
    login = cluster.kubeconfig_with(tmp_path / "looker", LOOKER)
    await cluster.kubectl("apply", "-f", "-", given=LOOKING)
    async with definitions(cluster, bench.place.namespace, login) as looker:
        seen = await looker.read("kubectl.get", **WORKLOAD)
        asked = await looker.read("kubectl.can_i", verb="patch", resource="deployments")
        refused = [
            (await looker.write("kubectl.scale", **WORKLOAD, replicas=3))[1],
            (await looker.write("kubectl.rollout_restart", **WORKLOAD))[1],
            (await looker.write("kubectl.set_image", **WORKLOAD, container="app", image="a:1"))[1],
            (await looker.write("kubectl.cordon", node="node-1"))[1],
            (await looker.write("helm.rollback", release="till", revision=1))[1],
        ]
    stranger = cluster.kubeconfig_with(tmp_path / "stranger", "nobody-knows-this")
    async with definitions(cluster, bench.place.namespace, stranger) as unknown:
        outside = await unknown.read("kubectl.get", **WORKLOAD)
    after = await bench.read("kubectl.get", **WORKLOAD)

    assert (seen.ending, asked.outputs["answer"]) == (Ending.SUCCEEDED, "no")
    assert [one.message for one in refused if one.ending is not Ending.FAILED] == []
    assert [one.message for one in refused if "Nothing was changed" not in one.message] == []
    assert "does not know Carapulse" in outside.message
    assert (after.outputs["replicas"], after.outputs["generation"]) == ("2", "1")


async def test_a_drained_node_gives_its_pods_up_and_takes_them_again(
    bench: Definitions, cluster: Cluster
) -> None:
    pods = ("-n", bench.place.namespace, "get", "pods", "-o=jsonpath={.items[*].status.phase}")

    drained = (await bench.write("kubectl.drain", node="node-1", wait="30s"))[1]
    emptied = await cluster.kubectl(*pods)
    step, _ = await bench.write("kubectl.uncordon", node="node-1")
    assert step.rollback

    async def running() -> bool:
        return await cluster.kubectl(*pods) == "Running Running"

    await until(running)
    assert drained.ending is Ending.SUCCEEDED
    assert "Running" not in emptied


async def test_a_chart_out_of_a_repository_is_installed_upgraded_and_rolled_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    chart = await chart_repository(tmp_path / "charts.git")
    namespace = f"till-{uuid4().hex[:8]}"
    await cluster.kubectl("create", "namespace", namespace)
    remote = f"file://{chart}"
    async with definitions(cluster, namespace, remotes=(remote,)) as bench:
        head = (await bench.read("helm.chart_head", remote=remote)).outputs["head"]
        given = {"release": "till", "remote": remote, "path": "charts/till", "expected_head": head}

        install, installed = await bench.write("helm.install_from_git", **given)
        status = await bench.read("helm.status", release="till")
        again = (await bench.write("helm.install_from_git", **given))[1]
        upgrade, upgraded = await bench.write("helm.upgrade_from_git", **given, values="tag=1.1.0")
        upgrade_found = await bench.took_effect(upgrade)
        image = await running_image(cluster, namespace)
        moved = (await bench.write("helm.upgrade_from_git", **given | {"expected_head": "a" * 40}))[
            1
        ]
        stuck = (await bench.write("helm.upgrade_from_git", **given, values="tag=bad", wait="3s"))[
            1
        ]
        kept = await running_image(cluster, namespace)
        undone = await bench.undo(upgrade, upgraded)
        history = await bench.read("helm.history", release="till")
        back = await running_image(cluster, namespace)
        listed = await bench.read("helm.list")
        removed = await bench.undo(install, installed)
        gone = await bench.read("helm.status", release="till")

    assert [one.message for one in (installed, upgraded, undone, removed) if failed(one)] == []
    assert (installed.outputs["revision"], status.outputs["status"]) == ("1", "deployed")
    assert "a release till here already" in again.message
    assert (upgraded.outputs["previous_revision"], upgraded.outputs["revision"]) == ("1", "2")
    assert (upgrade_found, image) == (True, "registry.example/till:1.1.0")
    assert "moved from" in moved.message
    assert "Nothing was changed" in moved.message
    assert (stuck.ending, kept) == (Ending.FAILED, "registry.example/till:1.1.0")
    assert "Helm put it back" in stuck.message
    assert (history.outputs["deployed"], back) == ("5", "registry.example/till:1.0.0")
    assert listed.outputs["releases"] == "2"  # with the line of the names
    assert "no such release" in gone.message


async def running_image(cluster: Cluster, namespace: str) -> str:
    """The image that the release's deployment is to run."""
    return await cluster.kubectl("-n", namespace, "get", "deploy/till", f"-o=jsonpath={{{IMAGE}}}")


async def test_manifests_out_of_a_repository_are_tried_by_a_login_of_their_own_and_applied(
    bench: Definitions, cluster: Cluster, tmp_path: Path
) -> None:
    remote = f"file://{await chart_repository(tmp_path / 'manifests.git', MANIFESTS)}"
    namespace = bench.place.namespace
    given = {"remote": remote, "path": "shop"}
    async with definitions(cluster, namespace, remotes=(remote,)) as plain:
        head = (await plain.read("kubectl.manifests_head", remote=remote)).outputs["head"]
        untold = plain.frozen("kubectl.apply", **given, expected_head=head)
        with pytest.raises(Invalid, match="no login for dry runs"):
            await plain.read("kubectl.apply_dry_run", **given)
    async with definitions(cluster, namespace, remotes=(remote,), preview=True) as able:
        step = able.frozen("kubectl.apply", **given, expected_head=head)
        preview = able.registry.preview(step.call)
        assert preview
        tried = await able.tried(preview.call)
        before = await able.read("kubectl.get", kind="service")
        applied = (await able.write("kubectl.apply", **given, expected_head=head))[1]
        told = "\n".join(able.lines)
        after = await able.tried(preview.call)
        moved = (await able.write("kubectl.apply", **given, expected_head="a" * 40))[1]

    assert plain.registry.preview(untold.call) is None
    assert (tried.outputs["differs"], before.outputs["count"]) == ("yes", "0")
    assert "+  name: till" in told
    assert "not-to-be-seen" not in told
    assert (applied.ending, applied.outputs["objects"]) == (Ending.SUCCEEDED, "2")
    assert after.outputs["differs"] == "no"
    assert "Nothing was changed" in moved.message


def failed(result: CallResult) -> bool:
    return result.ending is not Ending.SUCCEEDED
