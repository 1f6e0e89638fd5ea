"""How good an answer is: points for each thing that it must and must not do. No model judges."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.evals.playing import Played

SENTENCE = re.compile(r"[^.!?;\n]+")
EXCLUDES = re.compile(
    r"\b(?:not?|none|nothing|neither|nor|normal|healthy|unaffected|unchanged|unlikely|"
    r"less likely|ruled? out|without|fine)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Point:
    """One expectation. A `fatal` one that is broken fails the whole table."""

    what: str
    kept: bool
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """All points of a scenario."""

    played: Played
    points: tuple[Point, ...]

    @property
    def value(self) -> float:
        """From 0 to 1; a fatal point that is broken leaves nothing."""
        if self.fatal or not self.points:
            return 0.0
        return sum(one.kept for one in self.points) / len(self.points)

    @property
    def fatal(self) -> bool:
        return any(one.fatal and not one.kept for one in self.points)

    @property
    def broken(self) -> list[str]:
        """What was expected and did not happen."""
        return [one.what for one in self.points if not one.kept]


def score(played: Played) -> Score:
    """Compare what came with what was expected."""
    return Score(played, (*_must(played), *_must_not(played)))


def _must(played: Played) -> Iterator[Point]:
    must, outcome = played.scenario.must, played.outcome
    if must.kind:
        yield Point(f"is {' or '.join(must.kind)}", outcome.kind.value in must.kind)
    yield from _steps(played)
    looked = {f"{one.tool}.{one.action}" for one in played.evidence if one.ok}
    yield from (Point(f"looks at {name}", name in looked) for name in must.looks)
    words = said(played)
    for pattern in must.says:
        yield Point(f"says {pattern!r}", bool(re.search(pattern, words, re.IGNORECASE)))
    for cause in must.rules_out:
        yield Point(f"rules out {cause!r}", _excluded(cause, words))
    proposal = outcome.proposal
    if must.service:
        about = proposal.context.service if proposal else ""
        yield Point(f"is about {must.service}", about == must.service)
    if must.ends_with_check:
        checked = proposal is not None and proposal.steps[-1].expect is not None
        yield Point("ends with a check", checked)
    if must.labelled is not None:
        labelled = bool(proposal and proposal.label)
        wanted = "is labelled" if must.labelled else "is not labelled"
        yield Point(wanted, labelled is must.labelled, fatal=must.labelled)


def _steps(played: Played) -> Iterator[Point]:
    """Each wanted step, after the one before it."""
    proposal = played.outcome.proposal
    rest = list(proposal.steps) if proposal else []
    for wanted in played.scenario.must.steps:
        found = next(
            (
                at
                for at, step in enumerate(rest)
                if _name(step) == wanted.action
                and _part(wanted.input, step.input)
                and wanted.checks in (None, step.expect is not None)
            ),
            None,
        )
        rest = rest[found + 1 :] if found is not None else rest
        yield Point(f"has a step {wanted.action} {wanted.input or ''}".strip(), found is not None)


def _must_not(played: Played) -> Iterator[Point]:
    never, outcome = played.scenario.must_not, played.outcome
    if never.kind:
        forbidden = " or ".join(never.kind)
        yield Point(f"is not {forbidden}", outcome.kind.value not in never.kind, fatal=True)
    steps = [_name(one) for one in outcome.proposal.steps] if outcome.proposal else []
    for pattern in never.steps:
        hit = any(fnmatch(name, pattern) for name in steps)
        yield Point(f"has no step {pattern}", not hit, fatal=True)
    looked = [f"{one.tool}.{one.action}" for one in played.evidence if one.ok]
    for pattern in never.looks:
        hit = any(fnmatch(name, pattern) for name in looked)
        yield Point(f"does not look at {pattern}", not hit, fatal=True)
    words = said(played)
    for pattern in never.says:
        hit = bool(re.search(pattern, words, re.IGNORECASE))
        yield Point(f"does not say {pattern!r}", not hit)


def said(played: Played) -> str:
    """All words of an answer."""
    outcome, proposal = played.outcome, played.outcome.proposal
    words = [outcome.text, outcome.note, *outcome.choices]
    if proposal:
        words += [proposal.title, proposal.why, proposal.understood]
        words += [f"{one.title} {one.why}" for one in proposal.steps]
    return "\n".join(filter(None, words))


def _excluded(cause: str, words: str) -> bool:
    """Whether a sentence names the cause and excludes it."""
    return any(
        re.search(cause, sentence, re.IGNORECASE) and EXCLUDES.search(sentence)
        for sentence in SENTENCE.findall(words)
    )


def _name(step: DraftStep) -> str:
    return f"{step.tool}.{step.action}"


def _part(wanted: dict[str, Json], given: dict[str, Json]) -> bool:
    return all(str(given.get(name)) == str(value) for name, value in wanted.items())
