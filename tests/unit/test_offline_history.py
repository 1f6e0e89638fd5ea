"""Which change is suspected, and which one is never proposed to be undone."""

from datetime import timedelta

from engine.domain.draft import Evidence, OutcomeKind
from engine.domain.plan import Origin
from tests.unit.planning import BAD, GOOD, NOW, OLDER, briefing, draft, evidence, health, planner

OURS = "87398be" + "d" * 33
TRIED = "4444444" + "e" * 33
LINES = {
    OURS: ("Carapulse", 2, 'Revert "Set timeout_ms to 20 in checkout/settings.yaml"'),
    TRIED: ("Carapulse", 5, "Set timeout_ms to 20 in checkout/settings.yaml"),
    GOOD: ("Bo Lindqvist", 6, "explain timeout"),
    BAD: ("Dana Reyes", 20, "raise pool size"),
    OLDER: ("Ann Okafor", 6000, "add retries"),
}


def log(*commits: str) -> Evidence:
    """What git.log tells, newest first."""
    told = {one: (NOW - timedelta(minutes=LINES[one][1])).isoformat() for one in commits}
    author, _, subject = LINES[commits[0]]
    facts = {
        "head": commits[0],
        "last_commit": commits[0],
        "last_author": author,
        "last_subject": subject,
        "last_at": told[commits[0]],
        "previous_commit": commits[1],
    }
    body = "\n".join(f"{one}\t{LINES[one][0]}\t{told[one]}\t{LINES[one][2]}" for one in commits)
    return evidence(3, "git", "log", facts, body=body)


def trend(began_before: int) -> Evidence:
    """An error rate that rose so many minutes ago."""
    minutes = range(30, -1, -1)
    facts = {
        "times": " ".join(str((NOW - timedelta(minutes=one)).timestamp()) for one in minutes),
        "values": " ".join("0.37" if one <= began_before else "0.003" for one in minutes),
    }
    return evidence(5, "prometheus", "range", facts).model_copy(update={"unit": "ratio"})


def seen(rate: str, *more: Evidence) -> tuple[Evidence, ...]:
    """Health and rate, with more."""
    status = "healthy" if rate == "0.003" else "degraded"
    return (health(status, rate), evidence(2, "prometheus", "query", {"value": rate}), *more)


async def test_what_carapulse_took_back_is_not_blamed_nor_is_its_taking_back() -> None:
    found = seen("0.37", log(OURS, TRIED, BAD, OLDER))

    outcome = await planner().plan(briefing("roll back checkout", found))
    why = await planner().plan(briefing("why is checkout failing?", found))

    assert outcome.proposal
    assert outcome.proposal.steps[0].input["commit"] == BAD
    assert outcome.proposal.steps[0].input["expected_head"] == OURS
    assert 'commit 9f3c1e2 "raise pool size" by Dana Reyes' in outcome.proposal.why
    assert "87398be" not in why.text


async def test_the_change_before_the_errors_began_is_suspected() -> None:
    commits = log(GOOD, BAD, OLDER)

    by_course = await planner().plan(briefing("fix it", seen("0.37", commits, trend(19))))
    began = (NOW - timedelta(minutes=18)).isoformat()
    alert = draft("", origin=Origin.ALERT)
    asked = alert.model_copy(update={"labels": {**alert.labels, "starts_at": began}})
    by_label = await planner().plan(
        briefing("", seen("0.37", commits)).model_copy(update={"draft": asked})
    )

    assert by_course.proposal
    assert by_label.proposal
    assert by_course.proposal.steps[0].input["commit"] == BAD
    assert by_label.proposal.steps[0].input["commit"] == BAD
    assert "Errors began 1 min after it." in by_course.proposal.why


async def test_errors_that_seem_to_begin_just_before_a_change_began_with_it() -> None:
    commits = log(BAD, OLDER)

    by_course = await planner().plan(
        briefing("why is checkout failing?", seen("0.37", commits, trend(20)))
    )
    long_before = await planner().plan(
        briefing("why is checkout failing?", seen("0.37", commits, trend(25)))
    )

    assert "Most likely: commit 9f3c1e2" in by_course.text
    assert "Errors began with it." in by_course.text
    assert "Most likely: commit 9f3c1e2" not in long_before.text


async def test_the_difference_of_the_suspect_is_read_and_no_other_is_told_as_its_own() -> None:
    commits = log(OURS, TRIED, BAD, OLDER)
    other = evidence(4, "git", "show", {"commit": OURS}, body="-timeout_ms: 20\n+timeout_ms: 250\n")

    readings = await planner().readings(briefing("fix it", seen("0.37", commits)))
    outcome = await planner().plan(briefing("fix it", seen("0.37", commits, other)))

    assert BAD in [one.input.get("commit") for one in readings]
    assert outcome.proposal
    assert "It changed" not in outcome.proposal.why


async def test_an_undoing_is_not_undone_while_all_is_well() -> None:
    found = seen("0.003", log(OURS, TRIED, BAD, OLDER))

    outcome = await planner().plan(briefing("roll back checkout", found))

    assert outcome.kind is OutcomeKind.QUESTION
    assert "it is an undoing already" in outcome.text
    assert outcome.choices == ("revert 9f3c1e2", "revert 2222222")


async def test_the_way_to_insist_names_the_change_and_never_an_undoing() -> None:
    only_old = await planner().plan(briefing("fix it", seen("0.37", log(OURS, TRIED, OLDER))))
    none = await planner().plan(briefing("fix it", seen("0.37", log(OURS, TRIED))))

    assert 'say "revert 2222222" to undo it' in only_old.text
    assert none.text.endswith("I did not draft anything.")
    assert "87398be" not in none.text
