"""The digest that binds an approval to a plan version: SHA-256 over its canonical JSON.

In it is all that decides what runs, where, for whom, and until when. Not in it is what only helps
people to read: reference, conversation, requester_name, title, why, the reasons of the risk,
dependants, planner, used, knowledge, evidence, changes, changed_by, warnings, label, created_at,
the reason for break-glass, wanted (a part of constraints), and a step's title and why.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from engine.domain.call import Call, Probe
from engine.domain.canonical import canonical
from engine.domain.model import Json
from engine.domain.plan import PlanVersion, Relied, Step
from engine.errors import Tampered


def digest(version: PlanVersion) -> str:
    """Hex SHA-256 of the version.

    Raises:
        Invalid: the version holds what has no canonical form.
    """
    return sha256(canonical(envelope(version))).hexdigest()


def outputs_digest(outputs: Mapping[str, str]) -> str:
    """Hex SHA-256 of what a step left for later ones."""
    return sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


def check(version: PlanVersion) -> None:
    """Raises `Tampered` when the version is not what its digest was made of."""
    if digest(version) != version.digest:
        raise Tampered(
            f"{version.reference} v{version.version} is not what was shown: its digest differs. "
            "Nothing runs. Someone changed it outside of Carapulse."
        )


def envelope(version: PlanVersion) -> dict[str, Json]:
    """What is hashed."""
    return {
        "schema_version": version.schema_version,
        "tenant": version.tenant,
        "plan_id": version.plan_id,
        "version": version.version,
        "requester": version.requester,
        "editors": list(version.editors),
        "origin": version.origin.value,
        "session": version.session,
        "risk": int(version.risk),
        "intent": version.intent,
        "context": version.context.model_dump(mode="json"),
        "constraints": version.constraints.model_dump(mode="json"),
        "requirements": version.requirements.model_dump(mode="json"),
        "decide_before": instant(version.decide_before),
        "start_before": instant(version.start_before),
        "steps": [_step(step) for step in version.steps],
    }


def instant(moment: datetime) -> str:
    """A time as RFC 3339 in UTC, to the microsecond, always of the same length."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _step(step: Step) -> dict[str, Json]:
    return {
        "number": step.number,
        "kind": step.kind.value,
        "group": step.group,
        "context": step.context.model_dump(mode="json") if step.context else None,
        "reaches": [place.model_dump(mode="json") for place in step.reaches],
        "call": _call(step.call),
        "expect": step.expect.model_dump(mode="json") if step.expect else None,
        "relies": _relied(step.relies),
        "probe": _probe(step.probe),
        "rollback": _call(step.rollback) if step.rollback else None,
        "rollback_probe": _probe(step.rollback_probe),
    }


def _call(call: Call) -> dict[str, Json]:
    return call.model_dump(mode="json", exclude={"title"})


def _relied(relied: Relied | None) -> dict[str, Json] | None:
    if relied is None:
        return None
    return {"call": _call(relied.call), "values": dict(relied.values)}


def _probe(probe: Probe | None) -> dict[str, Json] | None:
    if probe is None:
        return None
    return {"call": _call(probe.call), "expect": probe.expect.model_dump(mode="json")}
