"""Reads Rego modules and their data from folders, and refuses what must never be evaluated."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from engine.domain.canonical import parse
from engine.domain.model import Json
from engine.errors import ConfigurationError, Invalid

# What a policy may not call: it would show the process environment, or reach the network.
FORBIDDEN = re.compile(r"\b(opa\s*\.\s*runtime|http\s*\.\s*send|net\s*\.\s*lookup_ip_addr)\b")
BRACKETED = re.compile(r"\bopa\s*\[")
MOST_BYTES = 1_000_000
# Directory groups, and the roles that each of them has.
Bound = Mapping[str, Sequence[str]]
UNBOUND: Bound = MappingProxyType({})
# Roles of programs: they are in the audit under these names.
OURS = frozenset({"services", "workers", "gates"})


def modules(folders: Sequence[Path]) -> dict[str, str]:
    """The source of each module (tests left out), by a name that is unique over all folders.

    Raises:
        ConfigurationError: a folder is missing, or a module holds what is forbidden.
    """
    found: dict[str, str] = {}
    for number, folder in enumerate(folders):
        if not folder.is_dir():
            raise ConfigurationError(f"The policy folder {folder} is missing.")
        for path in sorted(folder.rglob("*.rego")):
            if not path.name.endswith("_test.rego"):
                found[f"{number}/{path.relative_to(folder).as_posix()}"] = _source(path)
    if not found:
        raise ConfigurationError("There is no Rego module in the policy folders.")
    return found


def data(folders: Sequence[Path], bound: Bound = UNBOUND) -> dict[str, Json]:
    """The `data.json` of each folder, merged; the later folder wins, key by key.

    `bound` are the roles of directory groups; a role that is bound there is theirs alone.
    """
    merged: dict[str, Json] = {}
    for folder in folders:
        path = folder / "data.json"
        if path.is_file():
            merged = _merge(merged, _object(path))
    return _merge(merged, {"roles": held(bound)}) if bound else merged


def held(bound: Bound) -> dict[str, Json]:
    """The groups of each role. Raises `ConfigurationError` for a role that no group may have."""
    found: dict[str, Json] = {}
    for role in sorted({role for roles in bound.values() for role in roles}):
        if role in OURS:
            raise ConfigurationError(
                f"policy.roles: {role} are our own services, and no group can be one of them."
            )
        groups: list[Json] = [*sorted(group for group, roles in bound.items() if role in roles)]
        found[role] = groups
    return found


def _source(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise ConfigurationError(f"The policy {path.name} is larger than {MOST_BYTES} bytes.")
    source = path.read_text(encoding="utf-8")
    if wrong := FORBIDDEN.search(source) or BRACKETED.search(source):
        raise ConfigurationError(f"The policy {path.name} uses {wrong.group(0)}, which is refused.")
    return source


def _object(path: Path) -> dict[str, Json]:
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except (Invalid, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The policy data {path} can't be read: {error}") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"The policy data {path} must be one object.")
    return value


def _merge(first: dict[str, Json], second: dict[str, Json]) -> dict[str, Json]:
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _merge(before, value) if both else value  # type: ignore[arg-type]
    return merged
