"""One ruling out of several: what touches several places has to satisfy the rules of each."""

from collections.abc import Sequence

from engine.domain.bounds import narrowed
from engine.domain.plan import Constraints, Requirements
from engine.domain.policy import Answer, Ruling


def strictest(rulings: Sequence[Ruling]) -> Ruling:
    """The first, with what the others ask for besides; one deny denies it all.

    Raises `NotAllowed` where no limits fit all of them.
    """
    first, *others = rulings
    if not others:
        return first
    denied = [one for one in rulings if one.decision is Answer.DENY]
    if denied:
        reasons = dict.fromkeys(reason for one in denied for reason in one.reasons)
        return denied[0].model_copy(update={"reasons": tuple(reasons)})
    asking = any(one.decision is Answer.REQUIRE_APPROVAL for one in rulings)
    holds = dict.fromkeys(text for one in rulings for text in one.constraints.hold)
    limits = narrowed(Constraints(), *(one.constraints for one in rulings))
    return first.model_copy(
        update={
            "decision": Answer.REQUIRE_APPROVAL if asking else Answer.ALLOW,
            "requirements": every([one.requirements for one in rulings]),
            "constraints": limits.model_copy(update={"hold": tuple(holds)}),
            "ttl": min(one.ttl for one in rulings),
        }
    )


def every(asked: Sequence[Requirements]) -> Requirements:
    """What satisfies all of them."""
    return Requirements(
        people=max(one.people for one in asked),
        groups=tuple(dict.fromkeys(names for one in asked for names in one.groups)),
        emoji=all(one.emoji for one in asked),
        step_up=any(one.step_up for one in asked),
        break_glass=any(one.break_glass for one in asked),
        within_seconds=min(one.within_seconds for one in asked),
    )
