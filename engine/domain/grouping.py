"""Which alerts are one problem, and where in our world that problem is."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

import orjson

from engine.domain.context import ContextRef
from engine.domain.ids import Tenant
from engine.domain.model import Json
from engine.domain.problem import Alert

KEYS = ("alertname", "service", "environment", "cluster")
ENVIRONMENTS = ("environment", "env")
# Labels that may name a service, the most telling first.
SERVICES = ("service", "app", "application", "job", "deployment")
# What a name in a scope looks like. Scopes reach policies and tools, so all else is dropped.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def problem_key(labels: Mapping[str, str], keys: Sequence[str] = KEYS) -> str:
    """The same for all alerts that are one problem; `labels` are an alert's, cleaned."""
    chosen = [[key, labels.get(key, "")] for key in sorted(keys)]
    return sha256(orjson.dumps(chosen)).hexdigest()


def grouped(alerts: Sequence[Alert], keys: Sequence[str] = KEYS) -> dict[str, list[Alert]]:
    """Alerts by problem key, in the order of the keys, so that transactions lock in one order."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(problem_key(alert.labels, keys), []).append(alert)
    return dict(sorted(found.items()))


def named(labels: dict[str, str], *candidates: str) -> str:
    """The first of these labels that is a plain name."""
    for key in candidates:
        if NAME.fullmatch(labels.get(key, "")):
            return labels[key]
    return ""


def context(labels: dict[str, str], tenant: Tenant) -> ContextRef:
    """The scope that labels tell, without a service."""
    return ContextRef(
        tenant=tenant,
        environment=named(labels, *ENVIRONMENTS),
        cluster=named(labels, "cluster"),
        namespace=named(labels, "namespace"),
        region=named(labels, "region"),
    )


def placed(found: ContextRef, service: str, entry: dict[str, Json]) -> ContextRef:
    """The scope of a known service; `entry` is its entry in the services file.

    A label can't move a service to a place where it does not run: a made-up `dev` would make a
    change of production look harmless. Where a label is missing and there is one place only, it is
    that one.
    """
    update = {"service": service, "namespace": found.namespace or str(entry.get("namespace") or "")}
    places = entry.get("places")
    if isinstance(places, list) and places:
        pairs = [str(place).partition("/")[::2] for place in places]
        environment = chosen(found.environment, {name for name, _ in pairs})
        clusters = {cluster for name, cluster in pairs if name == environment and cluster}
        update |= {"environment": environment, "cluster": chosen(found.cluster, clusters)}
    return found.model_copy(update=update)


def chosen(label: str, known: set[str]) -> str:
    """The label where it is known; without one the only one there is; else unknown."""
    if label:
        return label if label in known else ""
    return next(iter(known)) if len(known) == 1 else ""
