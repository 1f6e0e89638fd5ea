"""When the decisions on a version are enough. Pure: statements in, a count out."""

from collections.abc import Sequence

from engine.domain.actor import Surface
from engine.domain.approval import Signed, Statement, Verdict
from engine.domain.ids import PersonId
from engine.domain.model import Model
from engine.domain.plan import PlanVersion


class Quorum(Model):
    """Where a version stands. `missing` says, set by set, which groups are still asked for."""

    have: int
    need: int
    approvers: tuple[PersonId, ...] = ()
    missing: tuple[str, ...] = ()
    complete: bool = False
    rejected_by: PersonId | None = None


def quorum(version: PlanVersion, signed: Sequence[Signed]) -> Quorum:
    """Count what is stored, for showing. What decides counts verified statements instead."""
    return count(version, [one.statement for one in signed])


def count(version: PlanVersion, statements: Sequence[Statement]) -> Quorum:
    """Count distinct people; `statements` in the order in which they were made.

    The latest statement of a person counts, a withdrawal takes theirs away, and one rejection, or
    the requester taking it back, ends it for good. The requester and the editors of a write are
    never counted, nor is a statement about anything but this version and digest. Where a second
    sign-in is asked for, only what was said after one counts; where break-glass is, only what came
    with a reason and a ticket.
    """
    mine = [statement for statement in statements if concerns(statement, version)]
    standing: dict[PersonId, Statement] = {}
    for statement in mine:
        standing.pop(statement.person, None)
        approves = statement.verdict is Verdict.APPROVE and enough(version, statement)
        if approves and eligible(version, statement.person):
            standing[statement.person] = statement
    rejected = [one.person for one in mine if _ends(one, version)]
    return _measured(version, standing, rejected[0] if rejected else None)


def _ends(statement: Statement, version: PlanVersion) -> bool:
    """A rejection, or the requester's withdrawal; an emoji taken away is only a vote less."""
    taken_back = statement.verdict is Verdict.WITHDRAW and statement.surface is not Surface.EMOJI
    own = statement.person == version.requester
    return statement.verdict is Verdict.REJECT or (taken_back and own)


def concerns(statement: Statement, version: PlanVersion) -> bool:
    """Whether the statement is about exactly this version of this plan."""
    return (statement.tenant, statement.plan_id, statement.version, statement.digest) == (
        version.tenant,
        version.plan_id,
        version.version,
        version.digest,
    )


def enough(version: PlanVersion, statement: Statement) -> bool:
    """Whether an approval came with all that the version asks of one."""
    asked = version.requirements
    proven = statement.step_up or not asked.step_up
    return proven and bool((statement.reason and statement.ticket) or not asked.break_glass)


def eligible(version: PlanVersion, person: PersonId) -> bool:
    """Nobody approves a change that they asked for or shaped."""
    return not (version.writes and person in {version.requester, *version.editors})


def _measured(
    version: PlanVersion, standing: dict[PersonId, Statement], rejected_by: PersonId | None
) -> Quorum:
    sets = [names for names in version.requirements.groups if names]
    need = max(version.requirements.people, len(sets))
    people = [frozenset(statement.groups) for statement in standing.values()]
    unmatched = _unmatched(sets, people)
    open_places = max(need - len(people), len(unmatched))
    return Quorum(
        have=need - open_places,
        need=need,
        approvers=tuple(standing),
        missing=tuple(" or ".join(f"{{@group:{name}}}" for name in names) for names in unmatched),
        complete=open_places == 0 and rejected_by is None,
        rejected_by=rejected_by,
    )


def _unmatched(
    sets: Sequence[tuple[str, ...]], people: Sequence[frozenset[str]]
) -> list[tuple[str, ...]]:
    """The sets left over when as many as possible are met, each by a person of its own."""
    taken: dict[int, int] = {}  # person -> set

    def place(number: int, tried: set[int]) -> bool:
        for person, groups in enumerate(people):
            if person in tried or not groups.intersection(sets[number]):
                continue
            tried.add(person)
            if person not in taken or place(taken[person], tried):
                taken[person] = number
                return True
        return False

    return [names for number, names in enumerate(sets) if not place(number, set())]
