"""The next proposal out of a version: values changed, steps taken out or put in."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from engine.domain.call import Effect, Expectation
from engine.domain.changes import COMMIT, REFERENCE, own
from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.domain.plan import DraftStep, PlanVersion, Proposal, Step
from engine.errors import Invalid

CHECK = "expect."
Values = Mapping[str, Json]


def drafted(version: PlanVersion, step: Step) -> DraftStep:
    """A frozen step as a planner would have said it."""
    return DraftStep(
        tool=step.call.tool,
        action=step.call.action,
        input=own(version, step),
        title=step.title,
        why=step.why,
        expect=step.expect,
        context=step.context,
        group=step.group,
    )


def again(version: PlanVersion) -> Proposal:
    """The same steps once more."""
    return proposal(version, [drafted(version, step) for step in version.steps])


def with_values(version: PlanVersion, given: Mapping[int, Values]) -> Proposal:
    """The version with other values; `given` is by step, names `expect.X` are of its check."""
    return revised(version, given=given)


def revised(
    version: PlanVersion,
    *,
    given: Mapping[int, Values] | None = None,
    gone: Iterable[int] = (),
    added: Sequence[DraftStep] = (),
) -> Proposal:
    """The version with other values, less some of its steps, and with more at its end.

    Raises:
        Invalid: there is no such step, a step that stays needs one that goes, or none is left.
    """
    values, less = given or {}, set(gone)
    numbers = {step.number for step in version.steps}
    if missing := sorted((less | set(values)) - numbers):
        raise Invalid(f"There is no step {missing[0]}: the plan has {len(version.steps)}.")
    kept = [step for step in version.steps if step.number not in less]
    if not kept:
        raise Invalid("Without that nothing is left. Reject or withdraw the plan instead.")
    now = {step.number: at for at, step in enumerate(kept, start=1)}
    steps = [_moved(changed(drafted(version, x), values.get(x.number, {})), now, x) for x in kept]
    return proposal(version, [*steps, *(_referring(each, _renumbering(now)) for each in added)])


def proposal(
    version: PlanVersion, steps: Sequence[DraftStep], *, context: ContextRef | None = None
) -> Proposal:
    """These steps for what the version is about."""
    return Proposal(
        title=_title(version, steps),
        why=version.why,
        context=context or version.context,
        steps=tuple(steps),
        planner=version.planner,
        used=version.used,
        knowledge=version.knowledge,
        evidence=version.evidence,
    )


def changed(step: DraftStep, given: Values) -> DraftStep:
    """One step with other values.

    Raises:
        Invalid: a value of its check is none, with an entry for each.
    """
    values = {name: value for name, value in given.items() if not name.startswith(CHECK)}
    checks = {name.removeprefix(CHECK): v for name, v in given.items() if name.startswith(CHECK)}
    merged = {**step.input, **values}
    kept: dict[str, Json] = {name: value for name, value in merged.items() if value is not None}
    return step.model_copy(update={"input": kept, "expect": _checked(step.expect, checks)})


def _checked(expect: Expectation | None, given: Values) -> Expectation | None:
    if expect is None or not given:
        return expect
    try:
        return Expectation.model_validate({**expect.model_dump(), **given})
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        wrong = {f"{CHECK}{item['loc'][0]}": _wanted(item) for item in found}
        raise Invalid("The check can't be like that.", wrong) from None


def _wanted(wrong: Mapping[str, Any]) -> str:
    """What is wrong with a value, as one says it to a person."""
    if wrong["type"].startswith("int_"):
        return "a whole number is expected"
    if wrong["type"] == "string_type":
        return "a value is expected"
    limits = wrong.get("ctx", {})
    if "ge" in limits:
        return f"has to be at least {limits['ge']}"
    return f"has to be at most {limits['le']}" if "le" in limits else wrong["msg"]


def _moved(step: DraftStep, numbers: Mapping[int, int], frozen: Step) -> DraftStep:
    """The step with its references to other steps put right."""
    try:
        return _referring(step, _renumbering(numbers))
    except KeyError as missing:
        raise Invalid(
            f"Step {frozen.number} ({frozen.title}) needs what step {missing.args[0]} leaves "
            f"behind, so step {missing.args[0]} can't go alone. Drop step {frozen.number} too."
        ) from None


def _renumbering(numbers: Mapping[int, int]) -> Callable[[str], str]:
    def one(match: re.Match[str]) -> str:
        return f"{{steps.{numbers[int(match[1])]}.{match[2]}}}"

    return lambda text: REFERENCE.sub(one, text)


def _referring(step: DraftStep, put: Callable[[str], str]) -> DraftStep:
    given: dict[str, Json] = {
        name: put(value) if isinstance(value, str) else value for name, value in step.input.items()
    }
    expect = step.expect and step.expect.model_copy(update={"value": put(step.expect.value)})
    return step.model_copy(update={"input": given, "expect": expect})


def _title(version: PlanVersion, steps: Sequence[DraftStep]) -> str:
    """What will be true afterwards: the old title with new values, or what the steps write."""
    old = [drafted(version, step) for step in version.steps if step.effect is not Effect.READ]
    reads = {step.call.name for step in version.steps if step.effect is Effect.READ}
    new = [step for step in steps if f"{step.tool}.{step.action}" not in reads]
    if [(one.tool, one.action) for one in old] == [(one.tool, one.action) for one in new]:
        return _revalued(version.title, old, new)
    writes = [step.title or f"{step.tool}.{step.action}" for step in new]
    return "; ".join(writes or [step.title for step in steps])[:200]


def _revalued(title: str, old: Sequence[DraftStep], new: Sequence[DraftStep]) -> str:
    for before, after in zip(old, new, strict=True):
        for name, value in after.input.items():
            was, now = str(before.input.get(name, "")), str(value)
            if was and was != now:
                title = _reworded(title, was, now)
                if COMMIT.fullmatch(was):
                    title = _reworded(title, was[:7], now[:7])
    return title[:200]


def _reworded(title: str, was: str, now: str) -> str:
    """The title with one word in the place of another."""
    return now.join(re.split(rf"(?<![\w.-]){re.escape(was)}(?![\w.-])", title))
