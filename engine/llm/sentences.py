"""The offline planner's sentences, made of what was found and nothing else."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from engine.llm.findings import FRESH, STALE, Findings
from engine.llm.history import Change

SINGLE = (("day", 86400), ("h", 3600), ("min", 60), ("s", 1))


def percent(rate: Decimal) -> str:
    """`37 %`, `0.4 %`."""
    value = rate * 100
    shown = f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
    return f"{shown} %"


def span(length: timedelta) -> str:
    """`2 days`, `3 min`, `40 s`."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in SINGLE:
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return "0 s"


def rate(found: Findings) -> str:
    """`Error rate 37 % (limit 5 %).`; empty when it is not known."""
    if found.error_rate is None:
        return ""
    shown = f"{percent(found.error_rate)} (limit {percent(found.limit)})"
    return f"Error rate {shown}{cited(found, 'error_rate', 'health')}."


def changed(found: Findings, change: Change) -> str:
    """`It changed pool_size 10 -> 0.`; empty when no setting is seen to change."""
    if not found.shows(change):
        return ""
    told = [
        f"{key} {old or 'nothing'} -> {new or 'nothing'}"
        for key, (old, new) in found.values.items()
    ]
    return f"It changed {', '.join(told[:3])}{cited(found, 'last_change')}." if told else ""


def who(change: Change) -> str:
    """The change with its author."""
    return f"{change.name} by {change.author}" if change.author else change.name


def began(found: Findings) -> str:
    """When the errors began, measured from the change that is suspected."""
    after = found.delay
    if after is None:
        return ""
    if not after:
        return "Errors began with it."
    if after < timedelta(0):
        return f"Errors began {span(-after)} before it."
    return f"Errors began {span(after)} after it."


def likelihood(found: Findings) -> str:
    """How likely the suspected change is the cause, by its age alone."""
    age = found.age_of(found.suspect) if found.delay is None else found.delay
    if age is None or age < timedelta(0) or age >= STALE:
        return "Less likely"
    return "Most likely" if age < FRESH else "Possibly"


def cause(found: Findings) -> str:
    """What is most likely behind it: the change, its author, what it did, what is measured."""
    change = found.suspect
    if change is None:
        return rate(found)
    age = found.age_of(change)
    aged = f", {span(age)} before I looked" if age is not None else ""
    first = f"{likelihood(found)}: commit {who(change)}{aged}{cited(found, 'changes')}."
    return " ".join(filter(None, (first, changed(found, change), rate(found), began(found))))


def healthy(service: str, found: Findings) -> str:
    """`error rate 0.3 %, 3 of 3 ready, last change 2 days ago`, after `checkout looks healthy:`."""
    return f"{service} looks healthy: {facts(found)}."


def facts(found: Findings) -> str:
    """The numbers that tell how a service is."""
    parts: list[str] = []
    if found.error_rate is not None:
        cite = cited(found, "error_rate", "health")
        parts.append(f"error rate {percent(found.error_rate)}{cite}")
    ready, instances = found.fact("health", "ready"), found.fact("health", "instances")
    if ready and instances:
        parts.append(f"{ready} of {instances} ready{cited(found, 'health')}")
    if found.age is not None:
        parts.append(f"last change {span(found.age)} ago{cited(found, 'changes')}")
    status = found.fact("health", "status") or "unknown"
    return ", ".join(parts) or f"status {status}{cited(found, 'health')}"


def cited(found: Findings, *names: str) -> str:
    """` [2]`, the number of the first of these readings that worked; nothing when none did."""
    for name in names:
        evidence = found.named.get(name)
        if evidence and evidence.ok:
            return f" [{evidence.number}]"
    return ""


def either(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"
