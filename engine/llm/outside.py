"""Whether a plan rests on more than the words of somebody outside."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.domain.draft import Briefing, Outcome, OutcomeKind
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Origin, Proposal
from engine.ports import Services

SUGGESTED = "Suggested by the alert's own text, not confirmed by what I saw"
UNASKED = "Suggested by a text that I read, not asked for by a person"
PROSE = frozenset({"last_subject", "last_author", "subject", "author", "message"})
"""Facts that are somebody's own words."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Compares a model's plan with what is known without it.

    `sober` is what the planner without a model makes of the same request: it reads the person's
    words, an alert's labels and extracted facts, and no free text from outside.
    """

    services: Services
    briefing: Briefing
    sober: Outcome | None

    def label(self, proposal: Proposal) -> str:
        """Empty when the facts or a person ask for every write; else what the card has to say."""
        writes = [step for step in proposal.steps if step.expect is None]
        fits = self._fits(proposal)
        if fits and all(self._proposed(step) or self._restores(step) for step in writes):
            return ""
        if self.briefing.draft.origin is Origin.ALERT:
            return SUGGESTED
        asked = fits and self._wants_a_change() and all(self._asked(step) for step in writes)
        return "" if asked else UNASKED

    def _proposed(self, step: DraftStep) -> bool:
        """Whether the sober planner proposes the very same."""
        proposal = self.sober.proposal if self.sober else None
        return proposal is not None and any(
            (step.tool, step.action, step.input) == (other.tool, other.action, other.input)
            for other in proposal.steps
        )

    def _restores(self, step: DraftStep) -> bool:
        """Whether it puts a value back that the last change took away."""
        key, value = step.input.get("key"), step.input.get("value")
        if not isinstance(key, str) or value is None:
            return False
        last = re.escape(key.rpartition(".")[2])
        before = re.compile(rf"^-\s*[\"']?{last}[\"']?\s*[:=]\s*[\"']?{re.escape(str(value))}\b")
        return any(before.search(line) for line in self._changed_lines())

    def _fits(self, proposal: Proposal) -> bool:
        """Whether it is about a service that the request is about."""
        service = self.services.resolve(proposal.context.service) or ""
        return service in {self._own(), *self._named()} or not service

    def _wants_a_change(self) -> bool:
        """A question asks for none, and neither does what is well already."""
        return self.sober is None or self.sober.kind is not OutcomeKind.ANSWER

    def _asked(self, step: DraftStep) -> bool:
        """Whether no value of it comes from an outsider alone."""
        trusted, outside = list(self._trusted()), list(self._outside())
        return not any(
            _in(value, outside) and not _in(value, trusted) for value in _values(step.input)
        )

    def _trusted(self) -> Iterator[str]:
        """Words of people, the service graph, and what our code took out of results."""
        yield self.briefing.draft.text
        yield from self.briefing.history
        for name in {self._own(), *self._named()} - {""}:
            yield json.dumps(self.services.entry(name))
        for one in self.briefing.evidence:
            yield from (value for key, value in one.facts.items() if one.ok and key not in PROSE)
        if self.briefing.current:
            yield from (json.dumps(one.call.input) for one in self.briefing.current.steps)

    def _outside(self) -> Iterator[str]:
        yield from self.briefing.problems
        yield from self.briefing.draft.labels.values()
        yield from (one.text for one in self.briefing.knowledge)
        for one in self.briefing.evidence:
            yield one.body
            yield from (value for key, value in one.facts.items() if key in PROSE)

    def _changed_lines(self) -> Iterator[str]:
        for one in self.briefing.evidence:
            if one.ok and one.tool == "git" and one.action == "show":
                yield from one.body.splitlines()

    def _own(self) -> str:
        current = self.briefing.current
        context = current.context if current else self.briefing.draft.context
        return self.services.resolve(context.service) or ""

    def _named(self) -> Iterator[str]:
        if self.briefing.draft.origin is Origin.ALERT:
            return
        for line in (self.briefing.draft.text, *self.briefing.history):
            for word in re.findall(r"[\w.-]+", line):
                if found := self.services.resolve(word.strip(".-")):
                    yield found


def _in(value: str, texts: Iterable[str]) -> bool:
    whole = re.compile(rf"(?<![\w.]){re.escape(value)}(?!\w)", re.IGNORECASE)
    return any(whole.search(text) for text in texts)


def _values(given: Json) -> Iterator[str]:
    """Every value in an input, as text; references to earlier steps are ours."""
    if isinstance(given, dict):
        for value in given.values():
            yield from _values(value)
    elif isinstance(given, list):
        for value in given:
            yield from _values(value)
    elif given is not None and not str(given).startswith("{steps."):
        yield str(given)
