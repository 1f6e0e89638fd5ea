"""What goes into a prompt: the nearest of all that is known, within a number of tokens."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from engine.domain.draft import Briefing, Evidence
from engine.domain.model import Json
from engine.domain.passage import Passage
from engine.domain.plan import Origin
from engine.ports import Services, Tools

CHARACTERS_PER_TOKEN = 3
SERVICES_IN_FULL = 20
NAMES_AT_MOST = 200
PASSAGES_AT_MOST = 8
PASSAGE_AT_MOST = 4000
BODY_AT_MOST = 4000
HISTORY_AT_MOST = 20
WORDS = re.compile(r"[\w.-]+")
EMPTY: dict[str, Json] = {
    "aliases": [],
    "places": [],
    "depends_on": [],
    "gitops": None,
    "metrics": {},
}
# Of the characters that one question may hold; what one part leaves, the next may use.
SHARES = {"evidence": 0.4, "services": 0.15, "catalogue": 0.25, "passages": 0.15, "history": 0.05}


@dataclass(frozen=True, slots=True)
class Selected:
    """What was chosen for one request; `others` counts the services that are only named or not."""

    services: list[dict[str, Json]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    others: int = 0
    catalogue: list[dict[str, Json]] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    history: list[str] = field(default_factory=list)

    def values(self, briefing: Briefing) -> dict[str, Any]:
        """What the request's template names."""
        draft = briefing.draft
        return {
            "services": self.services,
            "names": self.names,
            "others": self.others,
            "evidence": self.evidence,
            "passages": self.passages,
            "problems": briefing.problems,
            "labels": draft.labels,
            "history": self.history,
            "current": briefing.current,
            "from_alert": draft.origin is Origin.ALERT,
            "requester": draft.requester_name,
            "context": draft.context,
            "text": draft.text,
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """Chooses. Parts that matter more choose first; the rest is cut, never the request."""

    services: Services
    tools: Tools
    tokens: int

    def of(self, briefing: Briefing) -> Selected:
        """All parts within the budget together."""
        whole = self.tokens * CHARACTERS_PER_TOKEN
        room = Room(whole, whole)
        names = self.services.names()
        near = self._near(briefing, names)
        evidence = _evidence(briefing.evidence, room.share("evidence"))
        services = self._entries(near, room.share("services"))
        catalogue = self._catalogue(near, briefing, room.share("catalogue"))
        passages = _passages(briefing.knowledge, room.share("passages"))
        history = _history(briefing, room.share("history"))
        shown = {str(one["name"]) for one in services}
        named = [name for name in names if name not in shown][:NAMES_AT_MOST]
        others = len(names) - len(shown) - len(named)
        return Selected(services, named, others, catalogue, evidence, passages, history)

    def _near(self, briefing: Briefing, names: list[str]) -> list[str]:
        """Services that the request is about, then those around them, then the first others."""
        found: dict[str, None] = {}
        context = briefing.current.context if briefing.current else briefing.draft.context
        for name in filter(None, (context.service, *self._named(briefing))):
            if known := self.services.resolve(name):
                found[known] = None
        for name in tuple(found)[:3]:
            needs = self.services.entry(name).get("depends_on")
            found.update(dict.fromkeys(map(str, needs)) if isinstance(needs, list) else {})
            found.update(dict.fromkeys(self.services.dependants(name)[:SERVICES_IN_FULL]))
        for name in names[:SERVICES_IN_FULL]:
            found.setdefault(name)
        return list(found)

    def _named(self, briefing: Briefing) -> Iterator[str]:
        """Words, and pairs of words, that stand for a service."""
        draft = briefing.draft
        for text in (draft.text, *draft.labels.values(), *briefing.problems):
            words = WORDS.findall(text[:4000])
            yield from words
            yield from (f"{one} {other}" for one, other in pairwise(words))

    def _entries(self, near: Sequence[str], room: "Part") -> list[dict[str, Json]]:
        chosen = []
        for name in near[:SERVICES_IN_FULL]:
            entry = {**EMPTY, **self.services.entry(name)}
            if not room.takes(len(str(entry))):
                break
            chosen.append(entry)
        return chosen

    def _catalogue(
        self, near: Sequence[str], briefing: Briefing, room: "Part"
    ) -> list[dict[str, Json]]:
        """Actions, those first whose tool the service or the request names; in their own order."""
        every = self.tools.catalogue()
        service = str(self.services.entry(near[0])) if near else ""
        about = f"{briefing.draft.text} {service} {_tools_of(briefing)}".casefold()
        ranked = sorted(every, key=lambda one: -_weight(one, about))
        chosen = {str(one["name"]) for one in ranked if room.takes(len(str(one["input"])) + 120)}
        return [one for one in every if str(one["name"]) in chosen]


@dataclass(slots=True)
class Part:
    """Characters left for one part."""

    room: "Room"
    left: float

    def takes(self, size: int) -> bool:
        """Use that much, if there is so much."""
        if size > self.left:
            return False
        self.left -= size
        self.room.left -= size
        return True


@dataclass(slots=True)
class Room:
    """Characters left for all parts together, of `whole`."""

    whole: int
    left: float

    def share(self, name: str) -> Part:
        """All that is left, but for what is promised to the parts that choose later."""
        parts = list(SHARES)
        later = parts[parts.index(name) + 1 :]
        return Part(self, self.left - self.whole * sum(SHARES[part] for part in later))


def actions(catalogue: Collection[dict[str, Json]]) -> set[tuple[str, str]]:
    """(tool, action) of each entry."""
    return {(str(one["tool"]), str(one["action"])) for one in catalogue}


def _weight(entry: dict[str, Json], about: str) -> int:
    words = {str(entry["tool"]), *str(entry["action"]).split("_")}
    return sum(word in about for word in words if len(word) > 2)


def _tools_of(briefing: Briefing) -> str:
    used = [one.call.name for one in briefing.current.steps] if briefing.current else []
    return " ".join([*(f"{one.tool}.{one.action}" for one in briefing.evidence), *used])


def _evidence(evidence: Sequence[Evidence], room: Part) -> list[Evidence]:
    """Every result, with as much of its body as its part of the room allows."""
    each = max(int(room.left / max(len(evidence), 1)) - 600, 200)
    body = min(each, BODY_AT_MOST)
    chosen = [one.model_copy(update={"body": one.body[:body]}) for one in evidence]
    return [one for one in chosen if room.takes(len(one.body) + 600)]


def _passages(passages: Sequence[Passage], room: Part) -> list[Passage]:
    chosen = []
    for one in passages[:PASSAGES_AT_MOST]:
        short = one.model_copy(update={"text": one.text[:PASSAGE_AT_MOST]})
        if room.takes(len(short.text) + len(short.title)):
            chosen.append(short)
    return chosen


def _history(briefing: Briefing, room: Part) -> list[str]:
    """What was said before, the newest kept; the request itself is told apart."""
    ours = f": {briefing.draft.text}"
    said = [line for line in briefing.history if not line.endswith(ours)]
    kept = [line for line in reversed(said[-HISTORY_AT_MOST:]) if room.takes(len(line))]
    return kept[::-1]
