"""A real Kubernetes control plane with simulated pods, from programs that are on this machine.

kwok plays the nodes: a pod is Running and Ready at once. A container whose image has the tag `bad`
stays waiting and is never Ready, so a rollout of it fails its verification.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.local.ports import free_port
from tests.contract.definitions.bench import executable, until

NEEDED = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    "kubectl",
    "helm",
)
LOOKER = "may-only-look"
"""The token of somebody whom no role lets do anything."""

CONTEXTS = ("test", "eu-9")
"""Names that the kubeconfig has for the one cluster."""

STAGES = Path(__file__).with_name("stages.yaml")
NODE = """
apiVersion: v1
kind: Node
metadata: {name: node-1, annotations: {kwok.x-k8s.io/node: fake}}
status:
  allocatable: {cpu: "32", memory: 64Gi, pods: "500"}
  capacity: {cpu: "32", memory: 64Gi, pods: "500"}
"""


def deployment(name: str, replicas: int = 2) -> str:
    """A deployment as people write it."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: app, image: "registry.example/{name}:1.0.0"}}]}}
"""


def programs() -> Path | None:
    """The folder that holds the control plane; None where it was not built."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = sorted((cache / "carapulse").glob("kubernetes-*/complete"))
    folder = built[-1].parent / "bin" if built else cache
    return folder if executable(folder, *NEEDED) else None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is up. Each test has a namespace of its own in it."""

    url: str
    kubeconfig: Path
    programs: Path

    async def kubectl(self, *arguments: str, given: str = "") -> str:
        """What kubectl says; raises when it fails."""
        return await self._said("kubectl", arguments, given)

    async def helm(self, *arguments: str) -> str:
        """What Helm says; raises when it fails."""
        return await self._said("helm", arguments, "")

    async def _said(self, program: str, arguments: tuple[str, ...], given: str) -> str:
        process = await asyncio.create_subprocess_exec(
            str(self.programs / program),
            f"--kubeconfig={self.kubeconfig}",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate(given.encode())
        if process.returncode:
            raise RuntimeError(complained.decode())
        return said.decode()

    async def shop(self, namespace: str) -> None:
        """A namespace with the deployment `checkout`, rolled out."""
        await self.kubectl("create", "namespace", namespace)
        await self.kubectl("-n", namespace, "apply", "-f", "-", given=deployment("checkout"))
        rollout = ("rollout", "status", "deploy/checkout", "--timeout=60s")
        await self.kubectl("-n", namespace, *rollout)

    def kubeconfig_with(self, path: Path, token: str) -> Path:
        """A kubeconfig of somebody else's."""
        path.write_text(kubeconfig(self.url, token))
        return path


def kubeconfig(url: str, token: str) -> str:
    """One cluster, under each of its names."""
    contexts = ", ".join(f"{{name: {name}, context: {{cluster: t, user: u}}}}" for name in CONTEXTS)
    return (
        f"apiVersion: v1\nkind: Config\ncurrent-context: {CONTEXTS[0]}\n"
        f'clusters: [{{name: t, cluster: {{server: "{url}", insecure-skip-tls-verify: true}}}}]\n'
        f"users: [{{name: u, user: {{token: {token}}}}}]\n"
        f"contexts: [{contexts}]\n"
    )


def etcd(store: int, peer: int) -> tuple[str, ...]:
    """One member that keeps nothing."""
    return (
        "--data-dir=etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls=http://127.0.0.1:{store}",
        f"--advertise-client-urls=http://127.0.0.1:{store}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
    )


def api_server(store: int, port: int) -> tuple[str, ...]:
    """Tokens out of a file, and rights by RBAC."""
    return (
        f"--etcd-servers=http://127.0.0.1:{store}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--cert-dir=certs",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=sa.key",
        "--service-account-signing-key-file=sa.key",
        "--token-auth-file=tokens.csv",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
    )


def beside() -> dict[str, tuple[str, ...]]:
    """What works beside the API server: controllers, the scheduler, and kwok as every kubelet."""
    return {
        "kube-controller-manager": (
            "--kubeconfig=kubeconfig",
            "--service-account-private-key-file=sa.key",
            "--leader-elect=false",
            f"--secure-port={free_port()}",
            "--cert-dir=certs-controller",
        ),
        "kube-scheduler": (
            "--kubeconfig=kubeconfig",
            "--leader-elect=false",
            f"--secure-port={free_port()}",
            "--cert-dir=certs-scheduler",
        ),
        "kwok": (
            "--kubeconfig=kubeconfig",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40",
            "--server-address=127.0.0.1:0",
            f"--config={STAGES}",
        ),
    }


@asynccontextmanager
async def open_cluster(folder: Path, root: Path) -> AsyncIterator[Cluster]:
    """Start every part on free ports; all of them are dead at the end."""
    store, peer, port = free_port(), free_port(), free_port()
    token = secrets.token_hex(16)
    (root / "tokens.csv").write_text(
        f'{token},admin,1,"system:masters"\n{LOOKER},looker,2,"lookers"\n'
    )
    url = f"https://127.0.0.1:{port}"
    (root / "kubeconfig").write_text(kubeconfig(url, token))
    cluster = Cluster(url, root / "kubeconfig", folder)
    async with AsyncExitStack() as stack:

        async def start(name: str, *arguments: str) -> None:
            await stack.enter_async_context(_running(folder / name, root, arguments))

        await start("etcd", *etcd(store, peer))
        await _key(root / "sa.key")
        await start("kube-apiserver", *api_server(store, port))
        await until(lambda: _said(cluster, "get", "--raw", "/readyz"), 60)
        for name, arguments in beside().items():
            await start(name, *arguments)
        await cluster.kubectl("apply", "-f", "-", given=NODE)
        yield cluster


async def _said(cluster: Cluster, *arguments: str) -> bool:
    try:
        return bool(await cluster.kubectl(*arguments))
    except RuntimeError:
        return False


async def _key(path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "openssl", "genrsa", "-out", str(path), "2048", stderr=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


@asynccontextmanager
async def _running(program: Path, root: Path, arguments: tuple[str, ...]) -> AsyncIterator[None]:
    with (root / f"{program.name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(program), *arguments, cwd=root, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.kill()
        await process.wait()
