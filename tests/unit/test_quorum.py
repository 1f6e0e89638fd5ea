"""Who counts, and when it is enough."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.actor import Surface
from engine.domain.approval import Statement, Verdict
from engine.domain.ids import PersonId
from engine.domain.plan import PlanVersion, Requirements
from engine.domain.quorum import count
from tests.unit.governing import NOW, version


def said(
    made: PlanVersion, person: str, verdict: Verdict = Verdict.APPROVE, groups: Sequence[str] = ()
) -> Statement:
    return Statement(
        tenant=made.tenant,
        plan_id=made.plan_id,
        version=made.version,
        digest=made.digest,
        verdict=verdict,
        person=PersonId(person),
        person_name=person,
        groups=tuple(groups),
        surface=Surface.BUTTON,
        at=NOW,
        nonce="n",
        key_id="k",
    )


OWNERS_AND_ONE = version(requirements=Requirements(people=2, groups=(("owners",), ("sre",))))


@pytest.mark.parametrize(
    ("votes", "have", "complete"),
    [
        ([], 0, False),
        ([("a", ["sre"])], 1, False),
        ([("a", ["sre", "owners"])], 1, False),
        ([("a", ["sre"]), ("b", ["sre"])], 1, False),
        ([("a", ["sre", "owners"]), ("b", ["sre"])], 2, True),
        ([("a", ["sre"]), ("b", ["sre", "owners"])], 2, True),
        ([("a", ["owners"]), ("b", ["owners"])], 1, False),
        ([("a", ["owners"]), ("a", ["sre"])], 1, False),
    ],
)
def test_an_owner_and_one_other(
    votes: list[tuple[str, list[str]]], have: int, complete: bool
) -> None:
    counted = count(OWNERS_AND_ONE, [said(OWNERS_AND_ONE, name, groups=g) for name, g in votes])

    assert (counted.have, counted.need, counted.complete) == (have, 2, complete)


def test_it_says_which_groups_are_missing() -> None:
    counted = count(OWNERS_AND_ONE, [said(OWNERS_AND_ONE, "a", groups=["sre"])])

    assert counted.missing == ("{@group:owners}",)


def test_requester_and_editors_of_a_write_never_count() -> None:
    made = version(editors=(PersonId("ann"),))

    counted = count(made, [said(made, one, groups=["sre"]) for one in ("dana", "ann")])

    assert (counted.have, counted.approvers) == (0, ())


def test_one_rejection_ends_it_for_good() -> None:
    made = version()
    votes = [said(made, "bo", Verdict.REJECT), said(made, "bo", groups=["sre"])]

    counted = count(made, votes)

    assert counted.rejected_by == "bo"
    assert not counted.complete


def test_a_withdrawn_vote_is_gone_and_can_be_given_again() -> None:
    made = version()
    votes = [said(made, "bo", groups=["sre"]), said(made, "bo", Verdict.WITHDRAW)]

    assert not count(made, votes).complete
    assert count(made, [*votes, said(made, "bo", groups=["sre"])]).complete


@pytest.mark.parametrize("change", [{"version": 2}, {"digest": "0" * 64}, {"tenant": "other"}])
def test_a_vote_about_something_else_does_not_count(change: dict[str, object]) -> None:
    made = version()

    vote = said(made, "bo", groups=["sre"]).model_copy(update=change)

    assert count(made, [vote]).have == 0


GROUPS = st.frozensets(st.sampled_from("abc"))


@settings(max_examples=300, deadline=None)
@given(
    sets=st.lists(st.frozensets(st.sampled_from("abc"), min_size=1), max_size=3),
    people=st.integers(0, 3),
    voters=st.lists(GROUPS, max_size=4),
)
def test_it_is_complete_exactly_when_different_people_can_stand_for_each_set(
    sets: list[frozenset[str]], people: int, voters: list[frozenset[str]]
) -> None:
    needs = Requirements(people=people, groups=tuple(tuple(sorted(one)) for one in sets))
    made = version(requirements=needs)

    counted = count(made, [said(made, f"p{n}", groups=sorted(g)) for n, g in enumerate(voters)])

    assert counted.complete == (len(voters) >= people and stands(sets, voters))
    assert 0 <= counted.have <= counted.need


def stands(sets: list[frozenset[str]], voters: list[frozenset[str]]) -> bool:
    """Hall's theorem: any n sets together are met by at least n voters."""
    return all(
        sum(any(voter & one for one in some) for voter in voters) >= size
        for size in range(1, len(sets) + 1)
        for some in combinations(sets, size)
    )
