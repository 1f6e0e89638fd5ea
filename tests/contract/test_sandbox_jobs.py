"""Jobs on a real API server, which checks and stores them; nodes and logs are played.

The namespace enforces the Pod Security Standard "restricted": a pod that did not keep it would
never be there.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import orjson
import pytest

from engine.errors import ToolFailed
from engine.tools.addresses import Address
from engine.tools.boxes import Needs, Order
from engine.tools.egress import Destination
from engine.tools.jobs.cluster_api import ClusterApi
from engine.tools.jobs.manifests import LABEL, PodLimits, Times, job
from engine.tools.jobs.sandbox import BATCH, NETWORKING, JobSandbox
from engine.tools.process import Ended, Limits
from tests.contract.definitions.kubernetes import Cluster
from tests.contract.played_pods import Player, played

LIMITS = PodLimits("registry.example/sandbox:1")
QUICK = Limits(seconds=20)
NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: restricted}}
"""


@dataclass
class Room:
    """A namespace of a test's own, and the sandbox in it."""

    sandbox: JobSandbox
    api: ClusterApi
    player: Player

    async def left(self) -> list[str]:
        """What there is of any call."""
        found = []
        for group, kind in ((BATCH, "jobs"), (NETWORKING, "networkpolicies"), ("", "secrets")):
            found += [kind for _ in await self.api.listed(group, kind, LABEL)]
        return found + ["pods" for _ in await self.api.listed("", "pods", LABEL)]


@pytest.fixture
async def room(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Room]:
    namespace = f"sandbox-{secrets.token_hex(4)}"
    await cluster.kubectl("apply", "-f", "-", given=NAMESPACE % namespace)
    token = tmp_path / "token"
    config = await cluster.kubectl("config", "view", "--raw", "--output=json")
    token.write_text(orjson.loads(config)["users"][0]["user"]["token"])
    authority = cluster.kubeconfig.parent / "certs" / "apiserver.crt"

    async def known(host: str) -> list[Address]:
        return [ip_address("10.1.2.3"), ip_address("10.1.2.4")]

    async with (
        played(cluster.url) as (url, player),
        ClusterApi.opened(url, namespace, token, authority) as api,
        JobSandbox.opened(api, LIMITS, kill_grace=1, resolve=known) as sandbox,
    ):
        yield Room(sandbox, api, player)
    await cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@dataclass
class Heard:
    lines: list[str]

    async def __call__(self, stream: str, line: str) -> None:
        self.lines.append(f"{stream} {line}")


def python(program: str) -> tuple[str, ...]:
    return ("python3", "-I", "-S", "-c", program)


async def test_the_programs_of_a_call_run_in_order_in_one_folder(room: Room) -> None:
    first = python("open('left', 'w').write(open('given').read()); print('one')")
    second = python(
        "import os, sys; print(open('left').read(), os.environ['SAID'], file=sys.stderr)"
    )
    needs = Needs(files={"given": "hello"}, orders=(Order(first), Order(second)))
    heard = Heard([])

    async with room.sandbox.open(needs, {"SAID": "so"}) as box:
        endings = [await box.run(first, QUICK, heard), await box.run(second, QUICK, heard)]
        meanwhile = await room.left()

    assert endings == [Ended(0, b"one\n"), Ended(0, b"")]
    assert heard.lines == ["out one", "err hello so"]
    assert "secrets" not in meanwhile, "the Secret is gone as soon as the pod has read it"
    assert await room.left() == []


async def test_what_comes_after_a_program_that_ended_otherwise_does_not_run(
    room: Room, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    orders = (
        Order(python("print('moved')"), prints="unmoved"),
        Order(python(f"open({str(mark)!r}, 'w')")),
    )

    async with room.sandbox.open(Needs(orders=orders), {}) as box:
        ended = await box.run(orders[0].argv, QUICK, Heard([]))

    assert ended == Ended(0, b"moved\n")
    assert not mark.exists()


async def test_only_what_was_ordered_is_followed(room: Room) -> None:
    async with room.sandbox.open(Needs(orders=(Order(("true",)),)), {}) as box:
        with pytest.raises(ToolFailed, match="nothing else"):
            await box.run(("false",), QUICK, Heard([]))


async def test_a_program_that_is_not_in_the_image_is_a_failure(room: Room) -> None:
    order = Order(("carapulse-no-such-program",))

    async with room.sandbox.open(Needs(orders=(order,)), {}) as box:
        with pytest.raises(ToolFailed, match="carapulse-no-such-program is not in the image"):
            await box.run(order.argv, QUICK, Heard([]))


async def test_a_pod_reaches_the_checked_addresses_of_its_hosts_alone(room: Room) -> None:
    order = Order(("true",))
    needs = Needs(orders=(order,), destinations=(Destination("api.example", 6443, named=True),))

    async with room.sandbox.open(needs, {}) as box:
        await box.run(order.argv, QUICK, Heard([]))
        (policy,) = await room.api.listed(NETWORKING, "networkpolicies", LABEL)
        spec = room.player.seen[0]["spec"]

    assert policy["spec"]["egress"] == [
        {
            "ports": [{"port": 6443, "protocol": "TCP"}],
            "to": [{"ipBlock": {"cidr": f"10.1.2.{n}/32"}} for n in (3, 4)],
        }
    ]
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in policy["spec"]
    assert spec["hostAliases"] == [{"ip": "10.1.2.3", "hostnames": ["api.example"]}]
    assert spec["dnsConfig"] == {"nameservers": ["127.0.0.1"]}


async def test_a_host_without_a_good_address_starts_nothing(room: Room) -> None:
    needs = Needs(orders=(Order(("true",)),), destinations=(Destination("api.example", 443),))

    with pytest.raises(ToolFailed, match="not for tools"):
        async with room.sandbox.open(needs, {}):
            pytest.fail("it was opened")
    assert room.player.seen == []
    assert await room.left() == []


async def test_credentials_are_in_the_secret_alone(room: Room, tmp_path: Path) -> None:
    login = tmp_path / "kubeconfig"
    login.write_text("token: hunter2-in-a-file")
    inside = str(room.sandbox.login_path(login, writes=True))
    order = Order(python("import os; print(os.environ['TOKEN'], os.environ['KUBECONFIG'])"))
    heard = Heard([])

    async with room.sandbox.open(
        Needs(orders=(order,), login=login), {"TOKEN": "hunter2", "KUBECONFIG": inside}
    ) as box:
        await box.run(order.argv, QUICK, heard)
        told = orjson.dumps([room.player.seen, await room.api.listed(BATCH, "jobs", LABEL)])

    assert heard.lines == ["out hunter2 /tmp/login/kubeconfig"]
    assert b"hunter2" not in told


async def test_what_takes_too_long_is_removed_with_its_pod(room: Room) -> None:
    order = Order(python("import time; print('here', flush=True); time.sleep(3600)"))
    heard = Heard([])

    async with room.sandbox.open(Needs(orders=(order,), seconds=2), {}) as box:
        ended = await box.run(order.argv, Limits(seconds=1), heard)

    assert ended.exit_code is None
    assert heard.lines == ["out here"]
    assert await room.left() == []


async def test_a_log_that_breaks_off_is_read_again_without_what_is_known(room: Room) -> None:
    room.player.breaks = 1
    order = Order(python("for n in range(400): print(n, flush=True)"))
    heard = Heard([])

    async with room.sandbox.open(Needs(orders=(order,)), {}) as box:
        ended = await box.run(order.argv, QUICK, heard)

    assert ended.exit_code == 0
    assert heard.lines == [f"out {n}" for n in range(400)]


async def test_what_a_dead_worker_left_is_removed_when_its_lease_is_over(room: Room) -> None:
    for name, lease in (("carapulse-old", time.time() - 5), ("carapulse-new", time.time() + 600)):
        await room.api.create(BATCH, "jobs", job(name, LIMITS, (), Times(60, lease, 1)))

    sweeping = asyncio.create_task(room.sandbox.sweep())
    async with asyncio.timeout(20):
        while len(left := await room.api.listed(BATCH, "jobs", LABEL)) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    sweeping.cancel()

    assert [one["metadata"]["name"] for one in left] == ["carapulse-new"]


async def test_every_object_of_a_call_belongs_to_its_job(room: Room) -> None:
    order = Order(("true",))

    async with room.sandbox.open(Needs(orders=(order,)), {}) as box:
        await box.run(order.argv, QUICK, Heard([]))
        (owner,) = await room.api.listed(BATCH, "jobs", LABEL)
        (policy,) = await room.api.listed(NETWORKING, "networkpolicies", LABEL)

    assert [one["uid"] for one in policy["metadata"]["ownerReferences"]] == [
        owner["metadata"]["uid"]
    ]
    assert owner["spec"]["backoffLimit"] == 0
    assert owner["spec"]["ttlSecondsAfterFinished"] > 0
    assert owner["spec"]["activeDeadlineSeconds"] > 60
