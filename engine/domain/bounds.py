"""The limits of a request and of the policy, put together; a plan beyond them is not made."""

from collections.abc import Sequence

from engine.domain.context import ContextRef
from engine.domain.plan import Constraints, Step
from engine.domain.touching import touched_by, written_by
from engine.errors import NotAllowed

NOWHERE = (
    "Not allowed: the policy and the request name different environments, so no plan fits both."
)


def narrowed(first: Constraints, *others: Constraints) -> Constraints:
    """The narrower of each limit. Raises `NotAllowed` where nothing fits all of them."""
    for other in others:
        first = Constraints(
            max_targets=min(
                (one.max_targets for one in (first, other) if one.max_targets is not None),
                default=None,
            ),
            windows=tuple(dict.fromkeys((*first.windows, *other.windows))),
            environments=_shared(first.environments, other.environments),
        )
    return first


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if not one or not other:
        return one or other
    both = tuple(name for name in one if name in other)
    if not both:
        raise NotAllowed(NOWHERE)
    return both


def hold(limits: Constraints, steps: Sequence[Step], context: ContextRef) -> None:
    """Raises `NotAllowed` for a plan that acts elsewhere, or on more services, than it may."""
    places = touched_by(steps, context)
    beyond = [one for one in places if one.environment not in limits.environments]
    if limits.environments and beyond:
        where = beyond[0].environment or "no environment that is named"
        raise NotAllowed(
            f"Not allowed: this is limited to {', '.join(limits.environments)}, and the plan "
            f"would act in {where}."
        )
    touched = {one.service for one in written_by(steps, context)}
    if limits.max_targets is not None and len(touched) > limits.max_targets:
        raise NotAllowed(
            f"Not allowed: this is limited to {limits.max_targets} services, and the plan would "
            f"change {len(touched)}: {', '.join(sorted(touched))}."
        )
