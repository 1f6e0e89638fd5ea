"""Whether what a model names exists and belongs there: a target counts only when it resolves."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.domain.draft import Briefing
from engine.domain.model import Json
from engine.ports import Services

COMMITS = re.compile(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b")
HEX = re.compile(r"[0-9a-f]{7,64}")
# Where the settings of a service live; they are told beside each other.
PLACES = ("remote", "path")
# These name a commit; it must have been seen.
COMMIT_INPUTS = ("commit", "revision", "expected_head")
# These name something that runs, or that somebody owns.
NAMES = frozenset(
    {
        "name",
        "namespace",
        "application",
        "app",
        "release",
        "service",
        "deployment",
        "workload",
        "object",
        "chart",
        "role",
        "connection_name",
        "node",
        "path",
    }
)
EVERYWHERE = ("all_namespaces", "all_clusters")
AROUND_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Belonging:
    """Finds inputs that name something which is not the service's, or which nobody has seen."""

    services: Services

    def of_write(
        self, given: Mapping[str, Json], service: str, briefing: Briefing
    ) -> Iterator[tuple[str, str]]:
        """What is wrong in a write for this service, by input."""
        gitops = self._entry(service).get("gitops")
        if "remote" in given and isinstance(gitops, dict):
            for name in PLACES:
                ours = str(gitops.get(name) or "")
                if ours and name in given and not _below(str(given[name]), ours):
                    yield name, f"is not of {service}, whose {name} is {ours}"
        yield from self._unknown(given, [service], briefing)
        yield from _unseen(given, commits(briefing))

    def of_read(
        self, given: Mapping[str, Json], service: str, briefing: Briefing
    ) -> Iterator[tuple[str, str]]:
        """What is wrong in a read: it may also look at what the service depends on."""
        around = self._around(service) if service else self.services.names()[:AROUND_AT_MOST]
        yield from self._unknown(given, around, briefing)
        named = {*commits(briefing), *HEX.findall(briefing.draft.text)}
        yield from _unseen(given, named)

    def _unknown(
        self, given: Mapping[str, Json], around: list[str], briefing: Briefing
    ) -> Iterator[tuple[str, str]]:
        for name in EVERYWHERE:
            if given.get(name):
                yield name, "looks at what belongs to others"
        for name in sorted(NAMES & set(given)):
            value = given[name]
            if not isinstance(value, str) or (name == "path" and "remote" in given):
                continue
            if value.startswith("{steps.") or self._is_of(value, around):
                continue
            if name == "node" and value in briefing.draft.text:
                continue
            yield name, f"{value[:60]!r} is nothing of {', '.join(around[:5]) or 'a service'}"

    def _is_of(self, value: str, around: list[str]) -> bool:
        """The service's own name, a word of its entry, an instance of it, or a path with those."""
        parts = {value, *value.split("/")}
        for service in around:
            words = set(_words(self._entry(service)))
            if parts & words or any(part.startswith(f"{service}-") for part in parts):
                return True
        return False

    def _around(self, service: str) -> list[str]:
        needs = self._entry(service).get("depends_on")
        listed = [str(one) for one in needs] if isinstance(needs, list) else []
        return [service, *listed, *self.services.dependants(service)[:AROUND_AT_MOST]]

    def _entry(self, service: str) -> dict[str, Json]:
        known = self.services.resolve(service) if service else None
        return self.services.entry(known) if known else {}


def commits(briefing: Briefing) -> set[str]:
    """All commits that git evidence shows."""
    shown = [one for one in briefing.evidence if one.tool == "git" and one.ok]
    return {
        commit
        for one in shown
        for text in (*one.facts.values(), one.body)
        for commit in COMMITS.findall(text)
    }


def _unseen(given: Mapping[str, Json], seen: set[str]) -> Iterator[tuple[str, str]]:
    for name in COMMIT_INPUTS:
        value = given.get(name)
        if not isinstance(value, str) or not HEX.fullmatch(value):
            continue
        if not any(one.startswith(value) or value.startswith(one) for one in seen):
            yield name, "is no commit that was looked at"


def _below(value: str, ours: str) -> bool:
    return value == ours or value.startswith(f"{ours.rstrip('/')}/")


def _words(content: Json) -> Iterator[str]:
    """Every text in an entry but its prose."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for one in content:
            yield from _words(one)
    elif isinstance(content, dict):
        for key, one in content.items():
            if key not in ("description", "metrics", "owners", "depends_on"):
                yield from _words(one)
