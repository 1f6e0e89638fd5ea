"""The objects of one call in a cluster: a Job, the Secret that it reads, what it may reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.domain.model import Json
from engine.tools.addresses import Address, literal
from engine.tools.egress import Destination
from engine.tools.process import PROGRAMS

LABEL = "carapulse.io/call"
LEASE = "carapulse.io/lease"
POD_PROGRAM = Path(__file__).with_name("pod.py")
CALL_FOLDER = "/run/carapulse"
CALL_FILE = "call.json"
ROOT = "/tmp"  # noqa: S108 (an empty folder of the pod's, not the machine's)
# For a node to be found and the image to be fetched.
START_SECONDS = 120
KEPT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class PodLimits:
    """Limits of one pod; sizes are MiB. `user` is uid:gid, and never 0.

    `seccomp` is a profile that the nodes have, below their profile folder; empty: their own.
    """

    image: str
    user: str = "65532:65532"
    memory: int = 1024
    files: int = 512
    processors: float = 1.0
    seccomp: str = ""


Reached = Sequence[tuple[Destination, Sequence[Address]]]


@dataclass(frozen=True, slots=True)
class Times:
    """How long the call may take, when its worker has to be done with it, and the kill's grace."""

    seconds: float
    lease: float
    grace: int


def job(name: str, limits: PodLimits, reached: Reached, times: Times) -> dict[str, Json]:
    """The Job, not started yet: first its Secret and its network policy have to be there."""
    labels: dict[str, Json] = {LABEL: name, "app.kubernetes.io/managed-by": "carapulse"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {LEASE: str(int(times.lease))},
        },
        "spec": {
            "suspend": True,
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": int(times.seconds) + START_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    **_pod(name, limits, reached),
                    "terminationGracePeriodSeconds": times.grace,
                },
            },
        },
    }


def _pod(name: str, limits: PodLimits, reached: Reached) -> dict[str, Json]:
    uid, _, gid = limits.user.partition(":")
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostAliases": _aliases(reached),
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": int(uid),
            "runAsGroup": int(gid),
            "fsGroup": int(gid),
            "seccompProfile": _seccomp(limits),
        },
        "containers": [_container(limits)],
        "volumes": [
            {"name": "call", "secret": {"secretName": name, "defaultMode": 0o440}},
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": f"{limits.files}Mi"}},
        ],
    }


def _container(limits: PodLimits) -> Json:
    most: dict[str, Json] = {
        "memory": f"{limits.memory}Mi",
        "cpu": f"{int(limits.processors * 1000)}m",
        "ephemeral-storage": "64Mi",
    }
    source = POD_PROGRAM.read_text(encoding="utf-8")
    return {
        "name": "tool",
        "image": limits.image,
        "command": ["python3", "-I", "-S", "-c", source, f"{CALL_FOLDER}/{CALL_FILE}", ROOT],
        "env": [{"name": "PATH", "value": PROGRAMS}],
        "workingDir": "/",
        "resources": {"limits": most, "requests": {**most, "cpu": "50m", "ephemeral-storage": "0"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "call", "mountPath": CALL_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": ROOT},
        ],
    }


def _seccomp(limits: PodLimits) -> Json:
    if limits.seccomp:
        return {"type": "Localhost", "localhostProfile": limits.seccomp}
    return {"type": "RuntimeDefault"}


def _aliases(reached: Reached) -> list[Json]:
    """The only names that the pod knows, each with the address that was checked."""
    return [
        {"ip": str(addresses[0]), "hostnames": [one.host]}
        for one, addresses in reached
        if literal(one.host) is None
    ]


def secret(owner: Mapping[str, Any], call: Mapping[str, Json]) -> dict[str, Json]:
    """All that the pod has to know; it goes with its Job, and sooner."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _owned(owner),
        "immutable": True,
        "stringData": {CALL_FILE: orjson.dumps(call).decode()},
    }


def network_policy(owner: Mapping[str, Any], reached: Reached) -> dict[str, Json]:
    """Nobody comes in; out go connections to the addresses that were checked, and no other."""
    egress: list[Json] = [
        {
            "to": [{"ipBlock": {"cidr": f"{one}/{one.max_prefixlen}"}} for one in addresses],
            "ports": [{"protocol": "TCP", "port": destination.port}],
        }
        for destination, addresses in reached
    ]
    name = str(owner["metadata"]["name"])
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _owned(owner),
        "spec": {
            "podSelector": {"matchLabels": {LABEL: name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": egress,
        },
    }


def _owned(owner: Mapping[str, Any]) -> dict[str, Json]:
    """Named as the Job, and gone when it goes."""
    name, uid = str(owner["metadata"]["name"]), str(owner["metadata"]["uid"])
    return {
        "name": name,
        "labels": {LABEL: name},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid}],
    }
