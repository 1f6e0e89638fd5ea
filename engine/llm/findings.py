"""What the evidence of a request shows, as values that sentences and playbooks use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from engine.domain.draft import Evidence
from engine.domain.model import Json
from engine.llm.playbooks import Action, Look, Playbook

COMMIT = re.compile(r"[0-9a-f]{7,64}")
LONG_COMMIT = re.compile(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b")
CHANGED_VALUE = re.compile(
    r"^([+-])\s*[\"']?([A-Za-z][\w.-]{0,60})[\"']?\s*[:=]\s*(\S[^\n]{0,80}?),?\s*$", re.MULTILINE
)
HEALTHY = frozenset({"healthy", "ok", "up", "green", "passing"})
DEFAULT_LIMIT = Decimal("0.05")
FRESH = timedelta(hours=1)
STALE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Change:
    """A commit; all but the id may be unknown."""

    commit: str
    subject: str = ""
    author: str = ""
    at: datetime | None = None

    @property
    def short(self) -> str:
        return self.commit[:7]

    @property
    def name(self) -> str:
        """`9f3c1e2 "raise pool size"`; the words are somebody's, so they are cut and quoted."""
        return f'{self.short} "{self.subject}"' if self.subject else self.short


@dataclass(frozen=True, slots=True)
class Findings:
    """The newest evidence by the names that a playbook gives its readings."""

    named: Mapping[str, Evidence]
    failed: tuple[Evidence, ...] = ()
    limit: Decimal = DEFAULT_LIMIT
    labels: Mapping[str, str] = field(default_factory=dict)

    def fact(self, name: str, fact: str) -> str:
        """A fact of a reading that worked; empty when there is none."""
        evidence = self.named.get(name)
        return evidence.facts.get(fact, "") if evidence and evidence.ok else ""

    @property
    def error_rate(self) -> Decimal | None:
        """As a fraction of all requests."""
        text = self.fact("error_rate", "value") or self.fact("health", "error_rate")
        return _decimal(text)

    @property
    def healthy(self) -> bool | None:
        """None when nothing that was looked at tells."""
        rate, status = self.error_rate, self.fact("health", "status").casefold()
        ready, instances = self.fact("health", "ready"), self.fact("health", "instances")
        if (rate is not None and rate > self.limit) or (status and status not in HEALTHY):
            return False
        if ready and instances and ready != instances:
            return False
        return True if rate is not None or status else None

    @property
    def head(self) -> str:
        return _commit(self.fact("changes", "head"))

    @property
    def running(self) -> str:
        """The revision that runs now, as far as somebody told."""
        return _commit(self.fact("health", "revision"))

    @property
    def last_change(self) -> Change | None:
        commit = _commit(self.fact("changes", "last_commit"))
        if not commit:
            return None
        return Change(
            commit,
            _words(self.fact("changes", "last_subject")),
            _words(self.fact("changes", "last_author")),
            _time(self.fact("changes", "last_at")),
        )

    @property
    def revisions(self) -> tuple[str, ...]:
        """All commits that the history shows, newest first."""
        log = self.named.get("changes")
        if log is None or not log.ok:
            return ()
        told = [
            _commit(log.facts.get(name, "")) for name in ("head", "last_commit", "previous_commit")
        ]
        return tuple(dict.fromkeys([*filter(None, told), *LONG_COMMIT.findall(log.body)]))

    @property
    def values(self) -> dict[str, tuple[str, str]]:
        """Settings that the last change touched: old and new value, empty where there was none."""
        diff = self.named.get("last_change")
        if diff is None or not diff.ok:
            return {}
        found: dict[str, list[str]] = {}
        for sign, key, value in CHANGED_VALUE.findall(diff.body):
            found.setdefault(key, ["", ""])[sign == "+"] = value.strip()
        return {key: (old, new) for key, (old, new) in found.items() if old != new}

    @property
    def age(self) -> timedelta | None:
        """How old the last change was when it was looked at."""
        change, log = self.last_change, self.named.get("changes")
        if change is None or change.at is None or log is None:
            return None
        return max(log.at - change.at, timedelta(0))

    @property
    def began(self) -> datetime | None:
        """When the errors began, if the alert told (its label `starts_at`)."""
        return _time(self.labels.get("starts_at", ""))

    def facts(self) -> dict[str, Json]:
        """By reading, for placeholders."""
        return {name: dict(one.facts) for name, one in self.named.items() if one.ok}


def findings(
    playbook: Playbook,
    evidence: Sequence[Evidence],
    *,
    limit: str = "",
    labels: Mapping[str, str] | None = None,
) -> Findings:
    """Give the evidence the names that the playbook uses."""
    named: dict[str, Evidence] = {}
    for look in playbook.look:
        found = [one for one in evidence if _answers(look, one)]
        if found:
            named[look.name] = max(found, key=lambda one: (one.ok, one.number))
    failed = tuple(one for one in named.values() if not one.ok)
    return Findings(named, failed, _decimal(limit) or DEFAULT_LIMIT, dict(labels or {}))


def _answers(look: Look, evidence: Evidence) -> bool:
    named = not evidence.name or evidence.name == look.name
    return named and any(_same(one, evidence) for one in look.alternatives())


def _same(action: Action, evidence: Evidence) -> bool:
    return (action.tool, action.action) == (evidence.tool, evidence.action)


def _commit(text: str) -> str:
    return text if COMMIT.fullmatch(text) else ""


def _words(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line.replace('"', "'")[:80]


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
