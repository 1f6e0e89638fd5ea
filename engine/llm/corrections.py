"""What is said about a plan that is on the table: corrections and questions, by their form.

The whole of a sentence must be one of these forms; whatever else is said is left to the planner.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from engine.domain.call import Comparison, Expectation
from engine.domain.changes import COMMIT
from engine.domain.expectation import RATIO
from engine.domain.model import Json
from engine.domain.plan import PlanVersion, Step
from engine.llm import correction_forms as form
from engine.llm.correction_forms import About

Given = dict[int, dict[str, Json]]
ORDERED = frozenset({Comparison.LESS, Comparison.AT_MOST, Comparison.MORE, Comparison.AT_LEAST})


@dataclass(frozen=True, slots=True)
class Said:
    """What a message asks of the plan; several corrections in one message are one change.

    `unclear` are the readings of a value that fits more than one step. `away` is a place that the
    plan must not touch, `place` the one where it is to act.
    """

    about: About | None = None
    step: int | None = None
    given: Given = field(default_factory=dict)
    gone: tuple[int, ...] = ()
    check: bool = False
    unclear: tuple[str, ...] = ()
    away: str = ""
    place: str = ""

    @property
    def question(self) -> bool:
        return self.about is not None


def understood(text: str, version: PlanVersion, places: Mapping[str, str]) -> Said | None:
    """What the words ask of this version; None when they are no such form.

    `places` are the words for the environments that there are.
    """
    text = " ".join(text.split())
    if not text or text.startswith("@") or len(text) > 300:
        return None
    whole = bare(text)
    for about, pattern in form.ASKED:
        if match := pattern.fullmatch(whole):
            return Said(about=about, step=number(match))
    if one := correction(whole, version, places):
        return one
    parts = [
        correction(bare(part), version, places) for part in form.PARTS.split(text) if part.strip()
    ]
    found = [part for part in parts if part is not None]
    return together(found) if len(found) == len(parts) > 1 else None


def bare(text: str) -> str:
    """Without politeness before and after."""
    text = form.TAIL.sub("", text.strip())
    lead = form.LEAD.match(text + " ")
    return text[lead.end() :].strip() if lead else text


def number(match: re.Match[str]) -> int | None:
    """The step that a form names."""
    groups = match.groupdict()
    found = groups.get("step") or groups.get("xstep")
    return int(found) if found else None


def together(found: list[Said]) -> Said | None:
    """Several corrections as one; two places, or an unclear one, are asked about alone."""
    special = [one for one in found if one.unclear or one.away or one.place]
    if special:
        return special[0] if len(found) == 1 else None
    given: Given = {}
    for one in found:
        for step, values in one.given.items():
            given.setdefault(step, {}).update(values)
    gone = tuple(dict.fromkeys(step for one in found for step in one.gone))
    return Said(given=given, gone=gone, check=any(one.check for one in found))


def correction(text: str, version: PlanVersion, places: Mapping[str, str]) -> Said | None:
    """One correction, by the first form that fits."""
    for reading in (dropped, checked, held, placed):
        if found := reading(text, version, places):
            return found
    return valued(text, version) or limited(text, version)


def dropped(text: str, version: PlanVersion, _: Mapping[str, str]) -> Said | None:
    """Steps that are to go."""
    if form.DROP_LAST.fullmatch(text):
        return Said(gone=(len(version.steps),))
    match = form.DROP.fullmatch(text)
    if match is None:
        return None
    return Said(gone=tuple(int(one) for one in re.findall(r"\d+", match["steps"])))


def checked(text: str, _: PlanVersion, __: Mapping[str, str]) -> Said | None:
    """Another look at the end."""
    return Said(check=True) if form.CHECK.fullmatch(text) else None


def held(text: str, version: PlanVersion, _: Mapping[str, str]) -> Said | None:
    """How long a check has to hold; a wait before a step is that of the check before it."""
    if match := form.HOLD.fullmatch(text):
        steps = [one for one in version.steps if one.expect and number(match) in (None, one.number)]
        return hold(steps[-1:], seconds(match))
    if match := form.WAIT.fullmatch(text):
        before = [one for one in version.steps if one.number == (number(match) or 0) - 1]
        return hold([one for one in before if one.expect], seconds(match))
    return None


def seconds(match: re.Match[str]) -> int:
    """A span in seconds."""
    groups = match.groupdict()
    amount = groups.get("amount") or groups.get("xamount") or "0"
    unit = groups.get("unit") or groups.get("xunit") or "s"
    return int(amount) * form.UNITS[unit[0].lower()]


def hold(steps: list[Step], wanted: int) -> Said | None:
    """A check that holds for longer, with the time that it needs."""
    if not steps or steps[0].expect is None:
        return None
    within = max(steps[0].expect.within_seconds, wanted * 2)
    given: dict[str, Json] = {"expect.hold_seconds": wanted, "expect.within_seconds": within}
    return Said(given={steps[0].number: given})


def placed(text: str, _: PlanVersion, places: Mapping[str, str]) -> Said | None:
    """A place to act in, or to leave alone."""
    if (match := form.AWAY.fullmatch(text)) and (place := places.get(match["place"].casefold())):
        return Said(away=place)
    if (match := form.PLACE.fullmatch(text)) and (place := places.get(match["place"].casefold())):
        return Said(place=place)
    return None


def valued(text: str, version: PlanVersion) -> Said | None:
    """A value for an input that the plan has; what fits several steps is asked about."""
    forms: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], list[tuple[int, str]]]], ...] = (
        (form.VALUE_OF_STEP, lambda m: inputs(version, m["name"], number(m))),
        (form.STEP_LAST, lambda m: inputs(version, m["name"], number(m))),
        (form.COUNTED, lambda m: inputs(version, m["name"], None)),
        (form.NAMED, lambda m: inputs(version, m["name"], None)),
        (form.ONLY, lambda m: inputs(version, None, None)),
    )
    for pattern, find in forms:
        if (match := pattern.fullmatch(text)) and (found := find(match)):
            return chosen(version, found, match["value"].strip("\"'`"))
    return None


def limited(text: str, version: PlanVersion) -> Said | None:
    """The limit of a check; one that fits several checks is asked about."""
    match = form.LIMIT.fullmatch(text)
    if match is None:
        return None
    what = folded(match["what"] or match["xwhat"] or "")
    found = [
        (step.number, value)
        for step in version.steps
        if number(match) in (None, step.number) and step.expect
        and what in folded(f"{step.expect.output} {step.expect.label} {step.title}")
        and (value := bound(step.expect, match["value"], percent=bool(match["percent"])))
    ]  # fmt: skip
    if len(found) > 1:
        said = f"{match['value']}{' %' if match['percent'] else ''}"
        return Said(unclear=tuple(f"set the limit of step {n} to {said}" for n, _ in found[:4]))
    return Said(given={n: {"expect.value": value} for n, value in found}) if found else None


def bound(expect: Expectation, said: str, *, percent: bool) -> str:
    """A limit as its check compares it; empty where the check has no such limit."""
    if expect.comparison not in ORDERED or (percent and expect.unit not in (RATIO, "%")):
        return ""
    value = Decimal(said)
    if expect.unit == RATIO and (percent or value > 1):
        value /= 100
    return f"{value.normalize():f}"


def of_a_plan(text: str) -> bool:
    """Whether these words only make sense about a plan."""
    whole = bare(" ".join(text.split()))
    if form.DROP.fullmatch(whole) or form.DROP_LAST.fullmatch(whole):
        return True
    for about, pattern in form.ASKED:
        if match := pattern.fullmatch(whole):
            return about not in (About.WHY, About.DOES) or number(match) is not None
    return False


def addressed(text: str) -> bool:
    """Whether it wants a plan to be another, in words whose form nobody knows."""
    said = form.LEAD.sub("", " ".join(text.split()))
    return bool(form.ORDERS.fullmatch(said) and form.OF_PLAN.fullmatch(said))


def inputs(version: PlanVersion, said: str | None, step: int | None) -> list[tuple[int, str]]:
    """(step, input) of what a word can mean; without a word the numbers that are written."""
    found = []
    for one in version.steps:
        if step in (None, one.number):
            found += [(one.number, name) for name in named(one, said)]
    return found


def named(step: Step, said: str | None) -> Iterator[str]:
    """The inputs of a step that a word names; a setting is named by its key."""
    given = step.call.input
    key = str(given.get("key", ""))
    for name, value in given.items():
        if name.startswith(("expected_", "current_")) or name in ("mark", "key"):
            continue
        if COMMIT.fullmatch(str(value)):
            continue  # whether another commit is there has to be looked up
        label = key if name == "value" and key else name
        if said is None:
            if step.effect.value != "read" and re.fullmatch(r"-?\d[\d.]*", str(value)):
                yield name
        elif folded(said) in (folded(label), folded(label.rpartition(".")[2]), folded(name)):
            yield name


def folded(word: str) -> str:
    """A name as people write it."""
    return re.sub(r"[\s_.-]+", "", word).casefold().rstrip("s")


def chosen(version: PlanVersion, found: list[tuple[int, str]], value: str) -> Said:
    """The value in its one place, and in the check that looks for the old one."""
    if len(found) > 1:
        return Said(unclear=tuple(f"step {step} {name} {value}" for step, name in found[:4]))
    step, name = found[0]
    old = str(version.steps[step - 1].call.input.get(name))
    given: Given = {step: {name: value}}
    for one in version.steps:
        about = f"{one.expect.output} {one.expect.label}" if one.expect else ""
        if one.expect and one.expect.value == old and folded(name) in folded(about):
            given[one.number] = {"expect.value": value}
    return Said(given=given)
