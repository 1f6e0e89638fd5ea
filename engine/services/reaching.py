"""The services that a write reaches by what it writes to, whatever the plan says it is about."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.domain.call import Call, Effect
from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.domain.plan import Step
from engine.domain.risk import TARGETS
from engine.ports import Services

# What these name is no service.
ELSEWHERE = frozenset({"remote", "repository", "project", "namespace", "group", "session"})
# What a service is called where it is installed, by part of its entry.
CALLED = (("helm", "release"), ("argocd", "application"), ("vault", "role"))

Entry = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Reaching:
    """Looks inputs up in the service graph; nothing that a planner or a program says is asked."""

    services: Services

    def told(self, steps: Sequence[Step], context: ContextRef) -> tuple[Step, ...]:
        """The steps, each with the places that it reaches beside its own."""
        entries = [self.services.entry(name) for name in self.services.names()]
        declared = (context, *(step.context for step in steps if step.context))
        named = {(one.environment, one.service): one for one in reversed(declared)}
        found = []
        for step in steps:
            own = step.context or context
            places = [
                named.get((place.environment, place.service), place)
                for place in reached(step, own, entries)
            ]
            found.append(step.model_copy(update={"reaches": tuple(places)}))
        return tuple(found)


def reached(step: Step, own: ContextRef, entries: Iterable[Entry]) -> tuple[ContextRef, ...]:
    """The places, other than its own, of the services that a step writes to."""
    probes = (step.probe, step.rollback_probe)
    looks = [probe.call for probe in probes if probe]
    calls = [call for call in (step.call, step.rollback, *looks) if call is not None]
    known = list(entries)
    found: dict[ContextRef, None] = {}
    for call in calls:
        if call.effect is not Effect.READ:
            found |= dict.fromkeys(_places(call, own, known))
    return tuple(place for place in found if place != own)


def _places(call: Call, own: ContextRef, entries: Sequence[Entry]) -> Iterator[ContextRef]:
    """By the graph's paths; what lies where none is told, or in no repository, by its name."""
    in_git = list(_in_git(call, own, entries)) if {"remote", "path"} <= call.input.keys() else []
    yield from in_git
    names = {
        word
        for key in set(TARGETS) - ELSEWHERE - ({"path"} if in_git else set())
        for value in _listed(call.input.get(key))
        for word in (str(value), *str(value).split("/"))
    }
    for entry in entries:
        if names & _names(entry):
            yield _there(entry, own, own.environment)


def _in_git(call: Call, own: ContextRef, entries: Sequence[Entry]) -> Iterator[ContextRef]:
    """Whose settings lie at the path; those next to it, where it is nobody's.

    Of several services that share a folder it is the one that the step is about.
    """
    here = [one for one in entries if _same(_gitops(one), call.input)]
    path = posixpath.normpath(str(call.input["path"]))
    mine = [one for one in here if one["name"] == own.service and _below(path, _folder(one))]
    hits = mine or [one for one in here if _overlap(path, _folder(one))]
    hits = hits or [one for one in here if _below(path, posixpath.dirname(_folder(one)))]
    for entry in hits:
        yield _there(entry, own, _environment(path, entry) or own.environment)


def _same(gitops: Entry, given: Mapping[str, Json]) -> bool:
    """Whether a service's settings are in the repository that is written to."""
    remote, ours = _plain(given.get("remote")), _plain(gitops.get("remote"))
    return bool(gitops) and (remote == ours or (not ours and _named(remote, gitops)))


def _named(remote: str, gitops: Entry) -> bool:
    return remote.rsplit("/", 1)[-1] == _plain(gitops.get("repository"))


def _plain(remote: Json) -> str:
    return str(remote or "").rstrip("/").removesuffix(".git")


def _overlap(path: str, ours: str) -> bool:
    """Whether one of them is the other, or holds it."""
    return path == "." or _below(path, ours) or _below(ours, path)


def _below(path: str, folder: str) -> bool:
    return bool(folder) and (path == folder or path.startswith(f"{folder}/"))


def _environment(path: str, entry: Entry) -> str:
    """The environment whose folder below the service's it is; empty where it is none's."""
    rest = path.removeprefix(_folder(entry)).strip("/").split("/")[0]
    return rest if rest in _listed(entry.get("environments")) else ""


def _there(entry: Entry, own: ContextRef, environment: str) -> ContextRef:
    """A service's place; the step's own where it is that one's service."""
    elsewhere = environment != own.environment
    if entry["name"] == own.service and not elsewhere:
        return own
    return ContextRef(
        tenant=own.tenant,
        environment=environment,
        cluster="" if elsewhere else own.cluster,
        namespace=str(entry.get("namespace") or ""),
        region="" if elsewhere else own.region,
        service=str(entry["name"]),
    )


def _names(entry: Entry) -> set[str]:
    parts = [(entry.get(part), key) for part, key in CALLED]
    said = [str(part[key]) for part, key in parts if isinstance(part, dict) and part.get(key)]
    return {str(entry["name"]), *said}


def _gitops(entry: Entry) -> Entry:
    found = entry.get("gitops")
    return found if isinstance(found, dict) else {}


def _folder(entry: Entry) -> str:
    return posixpath.normpath(str(_gitops(entry)["path"]))


def _listed(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
