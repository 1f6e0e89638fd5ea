"""Which places a plan touches: the one function that freezes, rules, locks and owners go by."""

from collections.abc import Sequence

from engine.domain.call import Effect
from engine.domain.context import ContextRef
from engine.domain.plan import PlanVersion, Step


def places_of(step: Step, context: ContextRef) -> tuple[ContextRef, ...]:
    """Where a step acts: as it is declared, and where what it writes to belongs."""
    return tuple(dict.fromkeys((step.context or context, *step.reaches)))


def touched(version: PlanVersion) -> tuple[ContextRef, ...]:
    """Every place that the version changes: the plan's, and those of its steps."""
    return touched_by(version.steps, version.context)


def touched_by(steps: Sequence[Step], context: ContextRef) -> tuple[ContextRef, ...]:
    """The same of steps that are no version yet; the plan's own place is the first."""
    return tuple(dict.fromkeys((context, *written_by(steps, context))))


def written_by(steps: Sequence[Step], context: ContextRef) -> tuple[ContextRef, ...]:
    """Only the places of steps that change something."""
    writes = [step for step in steps if step.effect is not Effect.READ]
    places = [place for step in writes for place in places_of(step, context)]
    return tuple(dict.fromkeys(places))


def by_place(steps: tuple[Step, ...], context: ContextRef) -> dict[ContextRef, tuple[Step, ...]]:
    """Every place that a plan touches with its steps there; its own is asked for all of them."""
    found = {context: steps}
    for step in steps:
        reads = step.effect is Effect.READ
        places = (step.context or context,) if reads else places_of(step, context)
        for place in places:
            if place != context:
                found[place] = (*found.get(place, ()), step)
    return found
