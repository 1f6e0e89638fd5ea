"""What depends on what, around one service."""

from collections.abc import Mapping

from engine.domain.model import Model

MOST = 60


class Graph(Model):
    """Services and who needs whom: `(web, checkout)` says that web needs checkout."""

    focus: str
    names: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]


def around(focus: str, needs: Mapping[str, tuple[str, ...]], *, most: int = MOST) -> Graph:
    """All that depend on it and all that it depends on, also through others; nearest first."""
    needed_by: dict[str, list[str]] = {}
    for name, targets in needs.items():
        for target in targets:
            needed_by.setdefault(target, []).append(name)
    up = _reach(focus, {name: tuple(sorted(users)) for name, users in needed_by.items()})
    names = list(dict.fromkeys([focus, *up, *_reach(focus, needs)]))[:most]
    kept = set(names)
    edges = [(one, other) for one in names for other in needs.get(one, ()) if other in kept]
    return Graph(focus=focus, names=tuple(names), edges=tuple(edges))


def _reach(start: str, step: Mapping[str, tuple[str, ...]]) -> list[str]:
    found: list[str] = []
    waiting = list(step.get(start, ()))
    while waiting:
        name = waiting.pop(0)
        if name not in found and name != start:
            found.append(name)
            waiting += step.get(name, ())
    return found
