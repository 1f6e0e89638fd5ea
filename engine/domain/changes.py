"""What differs between two versions of a plan: steps added, removed, moved, and changed values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

from engine.domain.canonical import canonical
from engine.domain.expectation import short, told
from engine.domain.model import Json, Model
from engine.domain.plan import PlanVersion, Step

REFERENCE = re.compile(r"\{steps\.([1-9][0-9]*)\.(\w+)\}")
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
PLACE = "place"
Pair = tuple[Step | None, Step | None]


class ChangeKind(StrEnum):
    """What became of a step; `place` is the plan's own context."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    REPLACED = "replaced"
    CHANGED = "changed"
    PLACE = "place"


class Value(Model):
    """One value of a step, before and after; an empty text is no value."""

    name: str
    old: str
    new: str


class Change(Model):
    """One step's change. `was` is its number before, `step` its number now."""

    kind: ChangeKind
    was: int | None = None
    step: int | None = None
    old_title: str = ""
    title: str = ""
    values: tuple[Value, ...] = ()


def changes(before: PlanVersion, after: PlanVersion) -> tuple[Change, ...]:
    """All changes, in the order of the steps."""
    pairs = list(_aligned(before, after))
    numbers = {old.number: new.number for old, new in pairs if old and new}
    found = [_change(old, new, before, after, numbers) for old, new in pairs]
    steps = _with_moves([each for each in found if each])
    return (*_place(before, after), *steps)


def sentences(found: Sequence[Change]) -> tuple[str, ...]:
    """The same for people: `step 1 pool_size 10 -> 20`."""
    return tuple(_sentence(each) for each in found)


def own(version: PlanVersion, step: Step) -> dict[str, Json]:
    """A step's input without the mark of its version, which no planner gave."""
    mark = f"{version.plan_id}.{version.version}."
    return {
        name: value
        for name, value in step.call.input.items()
        if not (isinstance(value, str) and value.startswith(mark))
    }


def _aligned(before: PlanVersion, after: PlanVersion) -> Iterator[Pair]:
    """Steps that belong together: the very same ones first, between them those of one action."""
    exact = [[_token(version, step) for step in version.steps] for version in (before, after)]
    for a, b in _blocks(exact[0], exact[1], before.steps, after.steps):
        if len(a) == len(b) and a and _token(before, a[0]) == _token(after, b[0]):
            yield from zip(a, b, strict=True)
            continue
        names = [[step.call.name for step in steps] for steps in (a, b)]
        for left, right in _blocks(names[0], names[1], a, b):
            yield from _paired(left, right)


def _blocks(
    old: Sequence[str], new: Sequence[str], a: Sequence[Step], b: Sequence[Step]
) -> Iterator[tuple[Sequence[Step], Sequence[Step]]]:
    for _, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield a[i:j], b[k:m]


def _paired(old: Sequence[Step], new: Sequence[Step]) -> Iterator[Pair]:
    both = min(len(old), len(new))
    yield from zip(old[:both], new[:both], strict=True)
    yield from ((step, None) for step in old[both:])
    yield from ((None, step) for step in new[both:])


def _token(version: PlanVersion, step: Step) -> str:
    """What a step does, whatever its number and that of the steps it refers to."""
    does: dict[str, Json] = {
        "name": step.call.name,
        "input": own(version, step),
        "expect": step.expect.model_dump(mode="json") if step.expect else None,
    }
    return REFERENCE.sub(r"{steps.*.\2}", canonical(does).decode())


def _change(
    old: Step | None,
    new: Step | None,
    before: PlanVersion,
    after: PlanVersion,
    numbers: Mapping[int, int],
) -> Change | None:
    if old is None:
        assert new is not None
        return Change(kind=ChangeKind.ADDED, step=new.number, title=new.title)
    if new is None:
        return Change(kind=ChangeKind.REMOVED, was=old.number, old_title=old.title)
    known = {"was": old.number, "step": new.number, "old_title": old.title, "title": new.title}
    if old.call.name != new.call.name:
        return Change(kind=ChangeKind.REPLACED, **known)
    key = _key(old) if _key(old) == _key(new) else ""  # of another key it is another value
    values = tuple(_values(_seen(before, old, key), _seen(after, new, key), numbers))
    return Change(kind=ChangeKind.CHANGED, values=values, **known) if values else None


def _key(step: Step) -> str:
    """The setting that a step writes; empty where it writes none."""
    key = step.call.input.get("key")
    return key if isinstance(key, str) and "value" in step.call.input else ""


def _seen(version: PlanVersion, step: Step, key: str) -> dict[str, str]:
    """A step's values as people read them; that of a setting goes by the setting's name."""
    given = own(version, step)
    named = {"value": key} if key else {}
    found = {named.get(name, name): str(value) for name, value in given.items()}
    if expect := step.expect:
        label = expect.label or expect.output
        found[f"check of {label}"] = f"{expect.comparison.value} {told(expect.value, expect.unit)}"
        found[f"{label} held for"] = f"{expect.hold_seconds} s"
        found[f"{label} within"] = f"{expect.within_seconds} s"
    return found


def _values(
    old: Mapping[str, str], new: Mapping[str, str], numbers: Mapping[int, int]
) -> Iterator[Value]:
    def renumbered(match: re.Match[str]) -> str:
        now = numbers.get(int(match[1]), 0)
        return f"{{steps.{now}.{match[2]}}}"

    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name, ""), new.get(name, "")
        if REFERENCE.sub(renumbered, was) != now:
            yield Value(name=name, old=was, new=now)


def _with_moves(found: Sequence[Change]) -> Iterator[Change]:
    """A step that went from one place and came to another has moved."""
    gone = {each.old_title: each for each in found if each.kind is ChangeKind.REMOVED}
    come = {each.title: each for each in found if each.kind is ChangeKind.ADDED}
    for each in found:
        title = each.title or each.old_title
        if title not in gone or title not in come or each not in (gone[title], come[title]):
            yield each
        elif each.kind is ChangeKind.ADDED:
            moved = {"kind": ChangeKind.MOVED, "was": gone[title].was, "old_title": title}
            yield each.model_copy(update=moved)


def _place(before: PlanVersion, after: PlanVersion) -> tuple[Change, ...]:
    old, new = str(before.context), str(after.context)
    if old == new:
        return ()
    return (Change(kind=ChangeKind.PLACE, values=(Value(name=PLACE, old=old, new=new),)),)


def _sentence(change: Change) -> str:
    if change.kind is ChangeKind.ADDED:
        return f"step {change.step} added: {change.title}"
    if change.kind is ChangeKind.REMOVED:
        return f"step {change.was} removed: {change.old_title}"
    if change.kind is ChangeKind.MOVED:
        return f"step {change.was} is now step {change.step}: {change.title}"
    if change.kind is ChangeKind.REPLACED:
        return f"step {change.step} {change.old_title} -> {change.title}"
    said = ", ".join(
        f"{each.name} {_read(each.old)} -> {_read(each.new)}" for each in change.values
    )
    return said if change.kind is ChangeKind.PLACE else f"step {change.step} {said}"


def _read(value: str) -> str:
    """A value as it stands in a sentence."""
    if not value:
        return "nothing"
    if found := REFERENCE.fullmatch(value):
        return f"the {found[2].replace('_', ' ')} of step {found[1]}"
    return short(value) if COMMIT.fullmatch(value) else value
