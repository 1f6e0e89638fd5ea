"""Steps that run side by side: reads next to each other that name the same group."""

from collections.abc import Sequence
from itertools import groupby

from engine.domain.call import Effect
from engine.domain.plan import Step
from engine.errors import Invalid

MOST = 10


def check_groups(steps: Sequence[Step]) -> None:
    """Raises `Invalid` for a group that changes something, is torn apart, or is too large."""
    seen: set[str] = set()
    for group, found in groupby(steps, key=lambda step: step.group):
        members = list(found)
        if not group:
            continue
        numbers = ", ".join(str(step.number) for step in members)
        if group in seen:
            raise Invalid(f"The steps of group {group} do not stand next to each other.")
        if any(step.effect is not Effect.READ for step in members):
            raise Invalid(f"Steps {numbers} can't run side by side: only what reads can.")
        if len(members) > MOST:
            raise Invalid(f"Steps {numbers} are more than {MOST}, too many to run side by side.")
        named = {name for step in members for name in referred(step)}
        if any(f"steps.{step.number}." in name for step in members for name in named):
            raise Invalid(f"Steps {numbers} can't run side by side: one needs another's result.")
        seen.add(group)


def referred(step: Step) -> list[str]:
    """The texts in which a step may name what another leaves behind."""
    given = [value for value in step.call.input.values() if isinstance(value, str)]
    return [*given, step.expect.value] if step.expect else given
