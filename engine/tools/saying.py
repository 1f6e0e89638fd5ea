"""What a proposal may say of a step, and what is filled in where it may not."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from engine.domain.call import Comparison, Effect, Expectation
from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.errors import Invalid
from engine.tools.definition import Action
from engine.tools.fields import REFERENCE, is_reference

ORDERED = frozenset({Comparison.LESS, Comparison.AT_MOST, Comparison.MORE, Comparison.AT_LEAST})


def where(step: DraftStep, context: ContextRef) -> ContextRef:
    """Where a step acts. The environment decides on risk, so no step leaves the plan's."""
    if step.context is None:
        return context
    if step.context.environment != context.environment or step.context.tenant != context.tenant:
        raise Invalid(
            "This step can't be taken over: it acts in another environment than its plan.",
            {"context": "is another environment than the plan's"},
        )
    return step.context


def filled_in(action: Action, context: ContextRef, mark: str = "") -> dict[str, Json]:
    """What a proposal may not say: marks, and where it acts."""
    filled: dict[str, Json] = {}
    for name, field in action.input.items():
        if field.context:
            filled[name] = getattr(context, field.context) or None
        elif field.given and mark:
            filled[name] = mark
    return filled


def refuse_given(
    action: Action, given: Mapping[str, Json], expect: Expectation | None, number: int
) -> None:
    """What a proposal may not say, whatever the fields take."""
    wrong = {
        name: "is filled by Carapulse"
        for name, field in action.input.items()
        if not field.offered and name in given
    }
    for name, value in given.items():
        found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if found and int(found[1]) >= number:
            wrong[name] = f"refers to step {found[1]}, which does not come before this one"
    wrong |= _expectation(action, expect)
    if wrong:
        said = "; ".join(f"{name} {text}" for name, text in wrong.items())
        raise Invalid(f"This step can't be taken over: {said}.", wrong)


def _expectation(action: Action, expect: Expectation | None) -> dict[str, str]:
    if expect is None:
        return {}
    if action.effect is not Effect.READ:
        return {"expect": "belongs into a step of its own that reads"}
    if expect.output not in action.outputs:
        return {"expect": f"names no output; there are {', '.join(action.outputs)}"}
    if (
        expect.comparison in ORDERED
        and not is_reference(expect.value)
        and not _number(expect.value)
    ):
        return {"expect": f"compares with {expect.comparison.value}, which needs a number"}
    return {}


def _number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
