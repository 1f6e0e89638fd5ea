"""Whether a workflow can work: its placeholders, its actions, its checks and its way back."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.domain.model import Json
from engine.domain.outline import Action
from engine.domain.placeholders import mistakes, placeholders
from engine.domain.template import Template

STEP = re.compile(r"\{steps\.(\d{1,2})\.")
ROOTS = ("service", "context", "evidence", "input")
PLACES = ("environment", "cluster", "namespace", "region", "service", "place")


@dataclass(frozen=True, slots=True)
class Known:
    """What a definition says of an action: inputs that may and must be given, and outputs."""

    writes: bool
    undone: bool
    takes: frozenset[str]
    wants: frozenset[str]
    outputs: frozenset[str]


Find = Callable[[str, str], Known | None]


def faults(template: Template, find: Find) -> Iterator[str]:
    """Every fault, as the place and what to do."""
    names = [look.name for look in template.evidence]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"evidence: two readings are called {name}"
    yield from _inputs(template)
    yield from _placeholders(template, find)
    for at, look in enumerate(template.evidence, start=1):
        yield from _actions(f"evidence {at}", look, find, reading=True)
    for at, step in enumerate(template.steps, start=1):
        yield from _actions(f"step {at}", step, find, reading=False)
    yield from _ends(template, find)


def _inputs(template: Template) -> Iterator[str]:
    for name, wanted in template.input.items():
        if wanted.type == "choice" and not wanted.choices:
            yield f"input {name}: a choice needs choices"
        if wanted.min > wanted.max:
            yield f"input {name}: min is larger than max"


def _placeholders(template: Template, find: Find) -> Iterator[str]:
    content: Json = template.model_dump(mode="json", exclude={"input"})
    for text in mistakes(content):
        yield f"{text!r} has a brace that is no placeholder"
    for path in dict.fromkeys((*placeholders(content), *template.needs, *_conditions(template))):
        yield from _path(template, path, find)


def _conditions(template: Template) -> Iterator[str]:
    for action in (*template.evidence, *template.steps):
        for one in action.alternatives():
            yield from one.when
    for step in template.steps:
        yield from step.only


def _path(template: Template, path: str, find: Find) -> Iterator[str]:
    root, *rest = path.split(".")
    if root not in ROOTS or not rest:
        yield f"{{{path}}} is no placeholder (there are {', '.join(ROOTS)})"
    elif root == "input" and (len(rest) != 1 or rest[0] not in template.input):
        yield f"{{{path}}} names no input"
    elif root == "context" and rest[0] not in PLACES:
        yield f"{{{path}}} names no place (there are {', '.join(PLACES)})"
    elif root == "evidence":
        yield from _reading(template, path, rest, find)


def _reading(template: Template, path: str, rest: list[str], find: Find) -> Iterator[str]:
    looks = [look for look in template.evidence if look.name == rest[0]]
    if len(rest) != 2 or not looks:
        yield f"{{{path}}} names no reading of this workflow"
        return
    known = [find(one.tool, one.action) for one in looks[0].alternatives()]
    if all(known) and not any(one and rest[1] in one.outputs for one in known):
        yield f"{{{path}}}: {rest[0]} has no output {rest[1]}"


def _actions(place: str, action: Action, find: Find, *, reading: bool) -> Iterator[str]:
    for one in action.alternatives():
        name, known = f"{one.tool}.{one.action}", find(one.tool, one.action)
        if known is None:
            yield f"{place}: there is no action {name}"
            continue
        for given in sorted(set(one.input) - known.takes):
            yield f"{place}: {name} has no input {given}; it takes {', '.join(sorted(known.takes))}"
        for missing in sorted(known.wants - set(one.input)):
            yield f"{place}: {name} needs the input {missing}"
        if reading and known.writes:
            yield f"{place}: {name} changes something, so it is no evidence"
        if one.expect and known.writes:
            yield f"{place}: what {name} did is checked in a step of its own that reads"
        if one.expect and one.expect.output not in known.outputs:
            yield f"{place}: {name} has no output {one.expect.output}"


def _ends(template: Template, find: Find) -> Iterator[str]:
    """What is changed is looked at afterwards, and can be undone or says why it can't."""
    writes = []
    for at, step in enumerate(template.steps, start=1):
        found = [(one, find(one.tool, one.action)) for one in step.alternatives()]
        writing = [(one, known) for one, known in found if known and known.writes]
        if writing:
            writes.append(at)
        if any(not known.undone for _, known in writing) and not step.no_rollback:
            yield f"step {at}: nothing undoes it; say why that has to be, in `no_rollback`"
    if not writes:
        yield "no step changes anything; a workflow that only looks is a question"
    elif not any(step.expect for step in template.steps[writes[-1] :]):
        yield f"no step after step {writes[-1]} checks with `expect` what was changed"
    yield from _references(template)


def _references(template: Template) -> Iterator[str]:
    for at, step in enumerate(template.steps, start=1):
        text = step.model_dump_json()
        for number in STEP.findall(text):
            if int(number) >= at:
                yield f"step {at}: {{steps.{number}...}} is of a step that does not come before"
            elif any(one.only for one in template.steps[: int(number)]):
                yield f"step {at}: {{steps.{number}...}} may be left out, or have another number"
