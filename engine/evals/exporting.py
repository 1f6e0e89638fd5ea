"""A thumbs-down becomes a scenario; a person completes what would have been right."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from engine.domain.context import ContextRef
from engine.domain.draft import Evidence, OutcomeKind
from engine.domain.plan import Origin, PlanVersion
from engine.evals.scenario import Asked, Canned, MustNot, Scenario
from engine.services.feedback import Rated

LONGEST = 2000
NAMELESS = "Someone"


def scenario_of(rated: Rated, redact: Callable[[str], str]) -> Scenario | None:
    """The request with what the tools said then; None where nothing is left of it.

    What was disliked must not come again. No name of a person leaves with it.
    """
    asked = _asked(rated, redact)
    if asked is None:
        return None
    return Scenario(
        name=_file(rated),
        title=f"Disliked: {asked.text[:80]}",
        request=asked,
        context=_context(rated),
        tools=tuple(_canned(one, redact) for one in rated.evidence),
        must_not=_never(rated),
        note=redact(rated.rating.words)[:LONGEST] or "Say in `must` what would have been right.",
    )


def written(scenario: Scenario) -> str:
    """The scenario as its file; what is empty is left out."""
    content = _slim(scenario.model_dump(mode="json", exclude={"name"}, exclude_defaults=True))
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _asked(rated: Rated, redact: Callable[[str], str]) -> Asked | None:
    if rated.draft:
        alert = rated.draft.origin is Origin.ALERT
        text, labels = rated.draft.text, rated.draft.labels
    elif rated.version:
        alert, text, labels = rated.version.origin is Origin.ALERT, rated.version.intent, {}
    else:
        return None
    clean = {redact(name): redact(value) for name, value in labels.items()}
    by = "alert" if alert else "person"
    return Asked.model_validate(
        {"by": by, "name": NAMELESS, "text": redact(text)[:LONGEST], "labels": clean}
    )


def _context(rated: Rated) -> ContextRef:
    known = rated.version or rated.draft
    return known.context if known else ContextRef()


def _canned(one: Evidence, redact: Callable[[str], str]) -> Canned:
    return Canned(
        action=f"{one.tool}.{one.action}",
        when=one.input,
        facts={name: redact(value) for name, value in one.facts.items()},
        says=redact(one.body)[:20_000],
        fails="" if one.ok else redact(one.summary)[:LONGEST] or "It failed.",
    )


def _never(rated: Rated) -> MustNot:
    """A disliked plan may not be drafted again as it was, a disliked answer is no answer."""
    proposal = rated.outcome.proposal if rated.outcome else None
    steps: Sequence[Any] = _acts(rated.version) if rated.version else ()
    names = [one.call.name for one in steps]
    if proposal:
        names = [f"{one.tool}.{one.action}" for one in proposal.steps if one.expect is None]
    if names:
        return MustNot(steps=tuple(dict.fromkeys(names)))
    refused = rated.outcome is not None and rated.outcome.kind is OutcomeKind.REFUSE
    return MustNot(kind=("refuse",) if refused else ())


def _acts(version: PlanVersion) -> Sequence[Any]:
    return [step for step in version.steps if step.expect is None]


def _file(rated: Rated) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", rated.rating.subject.casefold()).strip("-")
    return f"disliked-{plain}"[:80]


def _slim(content: Any) -> Any:
    if isinstance(content, dict):
        found = {name: _slim(value) for name, value in content.items()}
        return {name: value for name, value in found.items() if value not in (None, "", [], {})}
    if isinstance(content, list):
        return [_slim(one) for one in content]
    return content
