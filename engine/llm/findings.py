"""What the evidence of a request shows, as values that sentences and playbooks use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import takewhile

from engine.domain.charts import PERCENT, chart
from engine.domain.draft import Evidence
from engine.domain.model import Json
from engine.domain.outline import Action, Look
from engine.llm.history import Change, effective, moment, plain, told
from engine.llm.playbooks import Playbook

COMMIT = re.compile(r"[0-9a-f]{7,64}")
LONG_COMMIT = re.compile(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b")
CHANGED_VALUE = re.compile(
    r"^([+-])\s*[\"']?([A-Za-z][\w.-]{0,60})[\"']?\s*[:=]\s*(\S[^\n]{0,80}?),?\s*$", re.MULTILINE
)
HEALTHY = frozenset({"healthy", "ok", "up", "green", "passing"})
DEFAULT_LIMIT = Decimal("0.05")
FRESH = timedelta(hours=1)
STALE = timedelta(hours=24)
# A course is sampled, and its rates reach back: when its errors began is known no better.
BLURRED = timedelta(seconds=60)


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
            self.fact("changes", "last_subject"),
            plain(self.fact("changes", "last_author")),
            moment(self.fact("changes", "last_at")),
        )

    @property
    def history(self) -> tuple[Change, ...]:
        """The commits that the log shows, newest first; without its lines, the last one."""
        log = self.named.get("changes")
        last = self.last_change
        return (told(log.body) if log and log.ok else ()) or ((last,) if last else ())

    @property
    def effective(self) -> tuple[Change, ...]:
        """The history without what Carapulse took back, and without its taking back."""
        return tuple(effective(self.history))

    @property
    def suspect(self) -> Change | None:
        """The last change before the errors began that still has its effect."""
        began, changes = self.began, self.effective
        before = (one for one in changes if began and one.at and one.at <= began + self._blur)
        return next(before, changes[0] if changes else None)

    @property
    def delay(self) -> timedelta | None:
        """How long after the suspected change the errors began; below zero if before it."""
        change = self.suspect
        if self.began is None or change is None or change.at is None:
            return None
        after = self.began - change.at
        return timedelta(0) if -self._blur <= after < timedelta(0) else after

    @property
    def _blur(self) -> timedelta:
        """How much too early the beginning of the errors may seem."""
        return timedelta(0) if "starts_at" in self.labels else BLURRED

    @property
    def revisions(self) -> tuple[str, ...]:
        """All commits that the history shows, newest first."""
        log = self.named.get("changes")
        if log is None or not log.ok:
            return ()
        named = [
            _commit(log.facts.get(name, "")) for name in ("head", "last_commit", "previous_commit")
        ]
        return tuple(dict.fromkeys([*filter(None, named), *LONG_COMMIT.findall(log.body)]))

    @property
    def values(self) -> dict[str, tuple[str, str]]:
        """Settings that the change that was shown touched: old and new value, empty for none."""
        diff = self.named.get("last_change")
        if diff is None or not diff.ok:
            return {}
        found: dict[str, list[str]] = {}
        for sign, key, value in CHANGED_VALUE.findall(diff.body):
            found.setdefault(key, ["", ""])[sign == "+"] = value.strip()
        return {key: (old, new) for key, (old, new) in found.items() if old != new}

    def shows(self, change: Change) -> bool:
        """Whether the `values` are those of this change."""
        diff = self.named.get("last_change")
        shown = diff.facts.get("commit") or diff.input.get("commit") if diff else None
        return not shown or shown == change.commit

    @property
    def age(self) -> timedelta | None:
        """How old the last change was when it was looked at."""
        return self.age_of(self.last_change)

    def age_of(self, change: Change | None) -> timedelta | None:
        """How old a change was when the history was looked at."""
        log = self.named.get("changes")
        if change is None or change.at is None or log is None:
            return None
        return max(log.at - change.at, timedelta(0))

    @property
    def began(self) -> datetime | None:
        """When the errors began: by the alert's label `starts_at`, else by the course of them."""
        return moment(self.labels.get("starts_at", "")) or self._onset()

    def _onset(self) -> datetime | None:
        """Since when the `trend` is over the limit; None when it does not show the beginning."""
        trend = self.named.get("trend")
        course = chart(trend) if trend else None
        if course is None or self.healthy is not False:
            return None
        limit = self.limit * 100 if course.unit == PERCENT else self.limit
        over = list(takewhile(lambda point: point.value > limit, reversed(course.points)))
        return over[-1].at if 0 < len(over) < len(course.points) else None

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


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
