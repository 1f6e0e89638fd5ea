"""The plan card in every state: what it says, what can be pressed, and that Slack takes it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks import moments, plan
from bot.blocks.limits import CHARACTERS, characters, plain_form, problems
from bot.blocks.outcome import outcome
from bot.blocks.status import status
from bot.blocks.steps import as_file
from bot.local.slack.validate import accept_blocks
from engine.domain.approval import Verdict
from engine.domain.call import Effect
from engine.domain.draft import Evidence
from engine.domain.execution import Choice, ExecutionState, StepState
from engine.domain.ids import DraftId, EvidenceId
from engine.domain.plan import Origin, Relied, Step, StepKind, VersionState
from engine.domain.views import Again, PlanView
from tests.unit.cards import (
    EXECUTION,
    NOW,
    PLAN,
    WRITE,
    call,
    execution,
    record,
    version,
    view,
    vote,
)

DONE, FAILED, PENDING = StepState.SUCCEEDED, StepState.FAILED, StepState.PENDING


def running(state: ExecutionState, *steps: Any, **changes: Any) -> PlanView:
    return view(
        VersionState.EXECUTING,
        approvals=(vote("Ann"),),
        have=1,
        execution=execution(state, *steps, **changes),
    )


def pressed(shown: PlanView) -> list[str]:
    blocks = plan.card(shown)["blocks"]
    rows = [block for block in blocks if block["type"] == "actions"]
    return [each["action_id"] for row in rows for each in row["elements"]]


def labels(shown: PlanView) -> list[str]:
    blocks = plan.card(shown)["blocks"]
    rows = [block for block in blocks if block["type"] == "actions"]
    return [each["text"]["text"] for row in rows for each in row["elements"]]


EVERY_STATE = [
    *(view(state, reason="because") for state in VersionState),
    *(running(state) for state in ExecutionState),
    running(
        ExecutionState.NEEDS_DECISION,
        record(1, DONE),
        record(2, FAILED, message="1 of 3 did not come back"),
        record(3, PENDING),
        question_step=2,
        countdown_until=NOW + timedelta(seconds=30),
        choices=(Choice.HOLD, Choice.RETRY, Choice.SKIP, Choice.ROLL_BACK),
    ),
]


@pytest.mark.parametrize("shown", EVERY_STATE)
def test_slack_takes_the_card_in_every_state(shown: PlanView) -> None:
    message = plan.card(shown)

    accept_blocks(message["blocks"])
    assert problems(message["blocks"]) == []
    assert message["text"]


def test_a_card_that_waits_for_another_says_so_in_a_whole_sentence() -> None:
    reason = "X-301 is changing checkout now"
    shown = running(ExecutionState.WAITING, reason=reason, started_at=None)
    between = running(ExecutionState.WAITING, record(1, DONE), record(2, PENDING), reason=reason)

    assert "*Waiting.* X-301 is changing checkout now. Approved by" in plan.card(shown)["text"]
    assert "*Waiting before step 2 of 2.* X-301 is changing" in plan.card(between)["text"]


def test_what_waits_for_run_can_be_run_and_what_could_not_be_undone_is_tried_again() -> None:
    by_hand = running(ExecutionState.WAITING, choices=(Choice.RUN, Choice.CANCEL), started_at=None)
    failed = running(ExecutionState.ROLLBACK_FAILED, choices=(Choice.ROLL_BACK, Choice.ACKNOWLEDGE))

    assert labels(by_hand) == ["Run", "Cancel"]
    assert labels(failed) == ["Retry rollback", "Acknowledge"]


def test_a_cancelled_execution_that_was_undone_says_who_cancelled_it() -> None:
    undone = (record(1, StepState.ROLLED_BACK), record(2, DONE), record(3, StepState.ROLLED_BACK))
    shown = running(ExecutionState.ROLLED_BACK, *undone, stopped_by="Ann")

    assert "*Cancelled and rolled back.* Cancelled by Ann. Undone: steps 3 and 1." in status(shown)


def test_a_reminder_says_since_when_it_waits_and_calls_who_can_decide() -> None:
    asked = running(
        ExecutionState.NEEDS_DECISION,
        record(1, StepState.UNKNOWN, message="the worker died while it ran"),
        question_step=1,
        choices=(Choice.MARK_DONE, Choice.RETRY, Choice.ROLL_BACK),
    ).model_copy(update={"groups": ("@sre",)})

    text = outcome(asked, NOW)["text"]

    assert "It has waited since <!date^" in text
    assert text.endswith("Decide on the card of this thread. @sre")


def test_a_pause_that_is_asked_for_is_told_while_the_step_runs() -> None:
    shown = running(ExecutionState.RUNNING, reason="Pausing after this step, as Ann asked.")

    assert "3.* Pausing after this step, as Ann asked. Approved by" in plan.card(shown)["text"]


ADDRESS = "https://acme.slack.com/archives/C0INC/p1712345678000100?thread_ts=1712345600.000200"


def test_a_claim_on_the_card_leads_to_what_shows_it() -> None:
    linked = json.dumps(plan.card(view(), {1: ADDRESS})["blocks"])

    assert f"<{ADDRESS}|[1]>*[2]*" in linked


def test_a_card_with_many_claims_keeps_within_its_size() -> None:
    why = "x [1] " * 180
    steps = tuple(
        WRITE.model_copy(update={"number": number, "title": f"step {number} " + "y" * 150})
        for number in range(1, 41)
    )
    shown = view(version=version(why=why, steps=steps))

    blocks = plan.card(shown, {1: ADDRESS})["blocks"]

    assert problems(blocks) == []
    assert str(blocks).count(ADDRESS) == 8
    assert characters(blocks) <= CHARACTERS


def test_a_waiting_card_says_who_is_needed_and_how_it_is_decided() -> None:
    message = plan.card(view())
    text = json.dumps(message["blocks"], ensure_ascii=False)

    assert "Needs 1 of <!subteam^S0SRE>, not Dana. 0 of 1 so far." in text
    assert "<@U0ANN>, <@U0BO>" in text
    assert "*Medium risk*: writes configuration of 1 service" in text
    assert "12 services depend on it" in text
    assert "*Changed from v1:* step 1 revert -&gt; set pool_size to 20" in text
    assert pressed(view()) == [
        "plan.approve",
        "plan.edit",
        "plan.dry_run",
        "plan.explain",
        "plan.reject",
    ]


def test_approving_asks_first_and_says_what_is_written() -> None:
    row = plan.card(view())["blocks"][-1]
    approve = row["elements"][0]

    assert approve["style"] == "primary"
    assert approve["value"] == f"{PLAN}:2"
    assert approve["confirm"]["text"]["text"] == (
        "Run 3 steps on prod/eu-1? Medium risk. Step 1 writes to shop-config."
    )
    assert approve["confirm"]["confirm"]["text"] == "Run it"
    assert approve["confirm"]["deny"]["text"] == "Not yet"


def test_every_argument_that_runs_is_on_the_card() -> None:
    card = json.dumps(plan.card(view())["blocks"])

    assert "git commit -m 'set pool_size to 20; drop table'" in card
    assert "git revert '{steps.1.commit}'" in card
    assert "error rate < 5 % for 60 s, within 300 s" in card


def test_a_running_card_names_the_step_and_the_approver() -> None:
    shown = running(
        ExecutionState.RUNNING, record(1, DONE), record(2, StepState.RUNNING), record(3, PENDING)
    )

    assert "*Running step 2 of 3.* Approved by Ann" in status(shown)
    assert pressed(shown) == ["execution.pause", "execution.cancel"]
    tasks = next(b for b in plan.card(shown)["blocks"] if b["type"] == "plan")["tasks"]
    assert [task["status"] for task in tasks] == ["complete", "in_progress", "pending"]


def test_a_countdown_offers_what_the_execution_offers() -> None:
    shown = EVERY_STATE[-1]

    assert "Step 2 failed after 31 s: 1 of 3 did not come back." in status(shown)
    assert "Undoing step 1 at <!date^" in status(shown)
    assert pressed(shown) == [
        "execution.hold",
        "execution.retry",
        "execution.skip",
        "execution.rollback",
    ]
    assert plan.buttons(shown)[0]["value"] == f"{EXECUTION}:2"


def test_an_unknown_outcome_is_called_unknown() -> None:
    shown = running(
        ExecutionState.NEEDS_DECISION,
        record(1, StepState.UNKNOWN, message="the worker died while it ran"),
        question_step=1,
    )

    assert status(shown) == (
        ":warning: *I don't know whether step 1 took effect*: the worker died while it ran."
    )


def test_a_failed_rollback_is_the_loudest() -> None:
    shown = running(
        ExecutionState.ROLLBACK_FAILED,
        record(1, StepState.ROLLBACK_FAILED, rollback_message="push was refused"),
        choices=(Choice.ROLL_BACK, Choice.ACKNOWLEDGE),
    )

    assert status(shown).startswith(":red_circle: *Rolling back step 1 failed.*")
    assert "Nothing more happens until someone decides." in status(shown)


def test_done_says_what_changed_and_leaves_nothing_to_decide() -> None:
    ended = execution(ExecutionState.SUCCEEDED, record(1, DONE), record(2, DONE), record(3, DONE))
    shown = view(
        VersionState.EXECUTED,
        approvals=(vote("Ann"),),
        execution=ended,
        effects=("Error rate 37 % -> 0.4 %", "Changed: shop-config 9f3c1e2 -> 4b1d0aa"),
    )

    assert status(shown) == (
        ":large_green_circle: *Done in 1 min 12 s.* Error rate 37 % -&gt; 0.4 %. "
        "Changed: shop-config 9f3c1e2 -&gt; 4b1d0aa. Asked by Dana, approved by Ann."
    )
    assert pressed(shown) == ["plan.again"]


def test_what_was_run_again_says_so_instead_of_offering_it() -> None:
    ended = execution(ExecutionState.SUCCEEDED, record(1, DONE))
    over = view(VersionState.EXECUTED, execution=ended)

    drafting = over.model_copy(update={"again": Again(by="Dana <x>")})
    made = over.model_copy(update={"again": Again(by="Dana", reference="P-1043")})

    assert pressed(drafting) == []
    assert pressed(made) == []
    assert "Dana &lt;x&gt; asked for it again: being drafted." in str(plan.card(drafting))
    assert "Dana asked for it again: P-1043 below." in str(plan.card(made))


def failed_first(ended: timedelta) -> PlanView:
    first = record(1, FAILED, message="git answered 1", ended_at=NOW + ended)
    return running(
        ExecutionState.NEEDS_DECISION,
        first,
        record(2, PENDING),
        record(3, PENDING),
        question_step=1,
        countdown_until=NOW + timedelta(seconds=30),
    )


def test_a_countdown_with_nothing_to_undo_promises_no_undoing() -> None:
    said = status(failed_first(timedelta(seconds=31)))

    assert "Nothing was changed. It ends at <!date^" in said
    assert "Undoing" not in said


def test_what_fails_within_a_second_failed_at_once() -> None:
    said = status(failed_first(timedelta(milliseconds=200)))

    assert "*Step 1 failed at once: git answered 1.*" in said


def test_the_words_of_a_rejection_are_no_markup() -> None:
    said = vote("Bo", Verdict.REJECT, "*done* _all_ ~good~\n`approved`")

    told = status(view(VersionState.REJECTED, approvals=(said,)))

    reason = told.rpartition("*: ")[2]
    assert not set("*~`\n") & set(reason)
    assert "done" in reason


def test_a_rejection_tells_who_and_why() -> None:
    shown = view(
        VersionState.REJECTED, approvals=(vote("Bo", Verdict.REJECT, "<!here> not on a friday"),)
    )

    assert "*Rejected by Bo" in status(shown)
    assert "&lt;!here&gt; not on a friday" in status(shown)
    assert pressed(shown) == ["plan.again"]


def test_expiry_names_the_time_and_the_version() -> None:
    assert "*No decision in 4 h*, so v2 expired" in status(view(VersionState.EXPIRED))


def test_a_card_that_cannot_show_every_step_says_so_and_brings_a_file() -> None:
    steps = tuple(
        Step(
            number=number,
            kind=StepKind.ACT,
            title=f"Step number {number} " + "x" * 150,
            call=call(Effect.WRITE, "git", "commit", "-m", "y" * 400),
            rollback=WRITE.rollback,
        )
        for number in range(1, 51)
    )
    shown = view(version=version(steps=steps))
    message = plan.card(shown)
    hidden = plan.only_in_file(shown)
    dialog = message["blocks"][-1]["elements"][0]["confirm"]["text"]["text"]

    accept_blocks(message["blocks"])
    assert problems(message["blocks"]) == []
    assert hidden > 0
    assert f"{hidden} steps only in the file." in dialog
    assert plan.overflow(shown).count("y" * 400) == 50


def test_a_card_that_shows_everything_needs_no_file() -> None:
    assert plan.overflow(view()) == ""
    assert "git revert" in as_file(version())


def test_hostile_titles_stay_titles() -> None:
    shown = view(version=version(title="<!channel> *done* {@slack:T0LOCAL:U0ANN}"))

    text = plan.card(shown)["text"]

    assert "<!channel>" not in text
    assert "<@U0ANN>" not in plan.explanation(shown)


def looked(number: int, title: str, said: str, **more: Any) -> Evidence:
    return Evidence(
        id=EvidenceId(str(number)),
        draft_id=DraftId("d"),
        number=number,
        tool="git",
        action="log",
        title=title,
        summary=said,
        at=NOW,
        **more,
    )


def test_a_card_says_how_old_its_findings_are() -> None:
    fresh = view(evidence=(looked(1, "changes", "pool_size 10 -> 0"),))
    late = view(version=version(created_at=NOW + timedelta(minutes=12)), evidence=fresh.evidence)

    assert "Looked at" not in json.dumps(plan.card(fresh))
    assert f"_Looked at {moments.time(NOW)}, 12 min before this version._" in str(plan.card(late))


def test_the_explanation_shows_every_read_that_the_reason_points_to() -> None:
    times = " ".join(str(int(NOW.timestamp()) + 30 * each) for each in range(5))
    series = {"facts": {"times": times, "values": "0.01 0.02 0.4 0.4 0.4"}, "unit": "ratio"}
    shown = view(
        version=version(planner="offline", why="It changed [2][3]."),
        evidence=(
            looked(1, "log", "commit 9f3c1e2"),
            looked(2, "last change", "last commit 9f3c1e2"),
            looked(3, "the change", "commit 9f3c1e2"),
            looked(4, "error rate", "").model_copy(update=series),
        ),
    )

    told = plan.explanation(shown).splitlines()

    assert [row[:3] for row in told if row.startswith("[")] == ["[1]", "[2]", "[3]", "[4]"]
    assert "[4] error rate: between 1 % and 40 %, 40 % at its end" in told
    assert "Drafted by rules and playbooks, without a model from 4 reads." in told


def test_commands_and_results_carry_no_channel_token() -> None:
    hostile = WRITE.model_copy(
        update={"title": "say <!channel>", "call": call(Effect.WRITE, "echo", "<!channel> <!here>")}
    )
    shown = running(
        ExecutionState.RUNNING, record(1, DONE, message="said <!channel>"), record(2, PENDING)
    )
    version_ = version(steps=(hostile, *shown.version.steps[1:]))

    card = plan.card(shown.model_copy(update={"version": version_}))

    assert "!channel" in json.dumps(card["blocks"])
    assert "<!channel" not in json.dumps(card["blocks"])
    assert "<!here" not in json.dumps(card["blocks"])


def many(count: int, size: int = 400) -> tuple[Step, ...]:
    return tuple(
        Step(
            number=number,
            kind=StepKind.ACT,
            title=f"Step number {number} " + "x" * 150,
            call=call(Effect.WRITE, "git", "commit", "-m", "y" * size),
            rollback=WRITE.rollback,
        )
        for number in range(1, count + 1)
    )


def ran(count: int) -> Any:
    state = ExecutionState.RUNNING
    records = [record(1, DONE, message="went well " * 30) for _ in range(count)]
    numbered = [one.model_copy(update={"number": at}) for at, one in enumerate(records, 1)]
    return execution(state, *numbered)


@pytest.mark.parametrize("count", [1, 12, 50, 60])
@pytest.mark.parametrize("size", [10, 400, 9000])
def test_no_card_is_too_long_whatever_the_size_of_the_plan(count: int, size: int) -> None:
    changes = tuple(f"step {number} " + "z" * 300 for number in range(60))
    made = version(
        steps=many(count, size),
        why="because " * 370,
        title="t" * 400,
        changes=changes,
        warnings=("also " * 300,),
        changed_by="Bo",
    )
    waits = view(version=made)
    runs = view(
        VersionState.EXECUTING, version=made, execution=ran(count), approvals=(vote("Ann"),)
    )

    for shown in (waits, runs):
        message = plan.card(shown)
        accept_blocks(message["blocks"])
        assert problems(message["blocks"]) == []
        accept_blocks(plain_form(message)["blocks"])
    assert (plan.only_in_file(waits) > 0) == bool(plan.overflow(waits))


def test_sixty_steps_are_all_in_the_file_and_the_dialog_counts_them() -> None:
    shown = view(version=version(steps=many(60)))
    hidden = plan.only_in_file(shown)

    assert plan.overflow(shown).count("y" * 400) == 60
    assert hidden >= 10
    dialog = plan.card(shown)["blocks"][-1]["elements"][0]["confirm"]["text"]["text"]
    assert f"{hidden} steps only in the file." in dialog


def test_where_slack_refuses_the_plan_block_the_steps_are_there_in_words() -> None:
    plain = plain_form(plan.card(view()))
    text = json.dumps(plain["blocks"], ensure_ascii=False)

    assert {block["type"] for block in plain["blocks"]} == {"section", "actions"}
    assert "git commit -m 'set pool_size to 20; drop table'" in text
    assert "Check: error rate &lt; 5 % for 60 s" in text
    assert "plan.approve" in text


def test_a_version_says_who_changed_it_and_that_an_alert_asked() -> None:
    made = version(origin=Origin.ALERT, requester_name="Alerts", changed_by="Dana")
    done = running(
        ExecutionState.SUCCEEDED, record(1, DONE), record(2, DONE), record(3, DONE)
    ).model_copy(update={"version": made})

    assert "Suggested by an alert, changed by Dana, approved by Ann." in status(done)
    assert "not Dana. 0 of 1" in status(view(version=made))
    assert "*Changed from v1 by Dana:*" in json.dumps(plan.card(view(version=made))["blocks"])


def test_what_a_restore_takes_along_stands_on_the_card() -> None:
    made = version(warnings=("Step 1 also takes back 2 later commits: a “x”, b “y”.",))

    text = json.dumps(plan.card(view(version=made))["blocks"], ensure_ascii=False)

    assert ":warning: Step 1 also takes back 2 later commits" in text


def test_underscores_around_a_word_of_a_reason_are_no_formatting() -> None:
    shown = view(
        VersionState.REJECTED, approvals=(vote("Bo", Verdict.REJECT, "_really_ not pool_size"),)
    )

    assert "_really_" not in status(shown)
    assert "pool_size" in status(shown)


def test_what_a_step_relies_on_and_what_runs_beside_it_is_on_the_card_and_in_the_file() -> None:
    relied = Relied(call=call(Effect.READ), values={"generation": "4", "image": "shop:1.2"})
    first = version().steps[0].model_copy(update={"relies": relied, "group": "before"})
    shown = view(version=version(steps=(first,)))

    text = json.dumps(plan.card(shown)["blocks"], ensure_ascii=False)

    assert "Only if still: generation 4, image shop:1.2" in text
    assert "Side by side with the other steps of “before”." in text
    assert "only if still generation 4, image shop:1.2" in as_file(shown.version)
