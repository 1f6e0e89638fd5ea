"""Logs, findings, problems, notes, App Home and dialogs."""

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks import findings, home, log, modal, note, outcome, problem
from bot.blocks.limits import fitting, plain_form, problems, text_only
from bot.blocks.links import to_message
from bot.blocks.parts import section
from bot.local.slack.validate import accept_blocks, accept_view, text_length
from engine.domain.context import ContextRef
from engine.domain.conversation import Place, Post, PostKind
from engine.domain.draft import Draft, Evidence, Outcome, OutcomeKind
from engine.domain.execution import ExecutionState, LogLine, StepState
from engine.domain.ids import ConversationId, DraftId, EvidenceId, PersonId, ProblemId
from engine.domain.plan import VersionState
from engine.domain.problem import Alert, AlertStatus, Problem
from engine.domain.views import FindingsView, LogView, ProblemView
from tests.unit.cards import EXECUTION, NOW, TENANT, execution, record, view


def post(channel: str, ts: str, thread: str = "") -> Post:
    place = Place(channel=channel, thread=thread)
    return Post(
        id="1",
        tenant=TENANT,
        kind=PostKind.PLAN,
        subject="p",
        place=place,
        ts=ts,
        created_at=NOW,
    )


def entry(number: int, text: str = "") -> LogLine:
    at = NOW + timedelta(seconds=number)
    return LogLine(id=number, execution_id=EXECUTION, step=1, at=at, text=text or f"line {number}")


def test_the_log_keeps_its_last_lines_and_says_how_many_there_are() -> None:
    lines = tuple(entry(number, f"line {number} " + "z" * 200) for number in range(200))
    message = log.log(LogView(execution=execution(ExecutionState.RUNNING), lines=lines, total=9000))

    accept_blocks(message["blocks"])
    assert text_length(message["blocks"]) <= 4000
    assert "of 9000 lines" in message["blocks"][0]["elements"][0]["text"]
    last = message["blocks"][1]["elements"][-1]["elements"]
    assert last[0]["type"] == "date"
    assert (last[-2]["text"], last[-2]["style"]) == ("[1]", {"code": True})
    assert last[-1]["text"].startswith(" line 199 ")
    assert "style" not in last[-1]


def test_an_empty_log_says_so() -> None:
    message = log.log(LogView(execution=execution(ExecutionState.RUNNING)))

    accept_blocks(message["blocks"])
    assert "No output yet." in str(message["blocks"])


def test_a_log_as_a_file_says_whose_time_it_tells() -> None:
    assert log.as_file([entry(1)]).splitlines()[0] == "Times are UTC."


def test_a_log_line_is_never_parsed() -> None:
    message = log.log(
        LogView(
            execution=execution(ExecutionState.RUNNING),
            lines=(entry(1, "<!channel> *x*"),),
            total=1,
        )
    )

    assert message["blocks"][1]["elements"][0]["elements"][1]["type"] == "text"
    assert "<!channel>" not in str(message)


def found(number: int, *, ok: bool = True) -> Evidence:
    return Evidence(
        id=EvidenceId(f"e{number}"),
        draft_id=DraftId("d"),
        number=number,
        tool="prometheus",
        action="query",
        title=f"error rate {number}",
        summary="37 % (limit 5 %)" if ok else "connection refused",
        ok=ok,
        at=NOW,
    )


def looked(outcome_: Outcome | None, *evidence: Evidence, done: bool = True) -> FindingsView:
    draft = Draft(
        id=DraftId("d"),
        tenant=TENANT,
        conversation_id=ConversationId("c"),
        requester=PersonId("dana"),
        requester_name="Dana",
        text="how is checkout?",
        created_at=NOW,
    )
    return FindingsView(draft=draft, evidence=evidence, outcome=outcome_, done=done, seconds=8)


def test_progress_counts_the_reads() -> None:
    message = findings.findings(looked(None, found(1), found(2), done=False))

    accept_blocks(message["blocks"])
    assert message["text"] == ":mag: Looking: 2 reads so far."


def test_the_answer_comes_first_and_what_was_not_seen_last() -> None:
    answer = Outcome(kind=OutcomeKind.ANSWER, text="checkout looks healthy")

    message = findings.findings(looked(answer, found(1), found(2, ok=False)))

    accept_blocks(message["blocks"])
    texts = [block["text"]["text"] for block in message["blocks"] if "text" in block]
    assert texts[0] == "checkout looks healthy"
    assert texts[1].startswith("*What I looked at* (8 s, 1 read)\n[1] error rate 1: 37 %")
    assert texts[2].startswith("*Not looked at*\n[2] error rate 2: connection refused")


@pytest.mark.parametrize("kind", list(OutcomeKind))
def test_slack_takes_every_kind_of_outcome(kind: OutcomeKind) -> None:
    result = Outcome(kind=kind, text="x" * 3000, choices=("prod", "staging"), note="y" * 900)

    message = findings.findings(looked(result, *(found(number) for number in range(1, 40))))

    accept_blocks(message["blocks"])
    assert problems(message["blocks"]) == []


def firing(**changes: Any) -> Problem:
    alert = Alert(
        fingerprint="f",
        status=AlertStatus.FIRING,
        name="CheckoutErrorRateHigh",
        annotations={"summary": "Error rate 37 % <!channel>"},
        starts_at=NOW,
    )
    values: dict[str, Any] = {
        "id": ProblemId("p1"),
        "reference": "INC-1",
        "tenant": TENANT,
        "key": "k",
        "title": "CheckoutErrorRateHigh",
        "severity": "critical",
        "context": ContextRef(environment="prod", cluster="eu-1", service="checkout"),
        "status": AlertStatus.FIRING,
        "alerts": (alert,),
        "started_at": NOW,
    }
    return Problem(**{**values, **changes})


def test_a_firing_problem_can_be_drafted_and_acknowledged() -> None:
    message = problem.card(ProblemView(problem=firing()))

    accept_blocks(message["blocks"])
    assert "checkout · prod/eu-1 · critical" in message["text"]
    assert "<!channel>" not in str(message)
    presses = [each["action_id"] for each in message["blocks"][-1]["elements"]]
    assert presses == ["problem.draft", "problem.acknowledge"]


def test_no_second_draft_is_offered_beside_an_open_plan() -> None:
    shown = ProblemView(problem=firing(), plan_reference="P-1042", plan_state=VersionState.WAITING)

    presses = [each["action_id"] for each in problem.card(shown)["blocks"][-1]["elements"]]

    assert presses == ["problem.acknowledge"]


def test_a_resolved_problem_tells_how_long_and_by_what() -> None:
    over = firing(
        status=AlertStatus.RESOLVED, ended_at=NOW + timedelta(minutes=9), fixed_by="P-1042"
    )

    message = problem.card(ProblemView(problem=over))

    assert "after 9 min · fixed by plan P-1042 · 1st time" in message["text"]
    assert all(block["type"] != "actions" for block in message["blocks"])
    assert "37 %" not in str(message)  # what was above its limit is over


@pytest.mark.parametrize(
    ("count", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd")]
)
def test_times_are_counted_as_people_do(count: int, word: str) -> None:
    assert problem.nth(count) == f"{word} time"


def test_a_note_has_the_buttons_that_answer_it() -> None:
    message = note.note(
        {
            "text": "Make this v3? Ask {@slack:T0LOCAL:U0ANN} <!here>",
            "buttons": [{"text": "Make it v3", "action": "draft.confirm", "value": "d1"}],
        }
    )

    accept_blocks(message["blocks"])
    assert message["text"] == "Make this v3? Ask <@U0ANN> &lt;!here&gt;"
    assert message["blocks"][-1]["elements"][0]["value"] == "d1"


def test_a_long_note_is_cut_into_pieces_that_slack_takes() -> None:
    message = note.note({"text": "\n".join("word " * 30 for _ in range(60))})

    accept_blocks(message["blocks"])
    assert len(message["blocks"]) > 1


def test_home_says_what_would_appear() -> None:
    shown = home.home(PersonId("ann"), [])

    accept_view(shown)
    assert "Nothing now." in str(shown)


def test_home_tells_who_is_not_served_so_and_nothing_else() -> None:
    shown = home.home(None, [view()], examples=["is checkout healthy?"])

    accept_view(shown)
    assert "full members" in str(shown)
    assert "How to ask" not in str(shown)
    assert "pool_size" not in str(shown)


OWN = "You asked for this plan, so someone else from *sre* must approve it."


def test_home_lists_what_waits_for_me_and_where_it_is() -> None:
    card = post("C0INC", "1712345678.000100", thread="1712345600.000200")
    spot = home.Spot("C0INC", to_message("https://acme.slack.com/", card))

    shown = home.home(PersonId("ann"), [view()], {view().version.plan_id: spot})

    accept_view(shown)
    assert "Set checkout pool_size to 20" in str(shown["blocks"][1])
    assert "in <#C0INC>" in str(shown["blocks"][1])
    assert (
        "<https://acme.slack.com/archives/C0INC/p1712345678000100"
        "?thread_ts=1712345600.000200&amp;cid=C0INC|Set checkout pool_size to 20"
    ) in str(shown["blocks"][1])
    assert "Waiting for others" not in str(shown)


def test_home_says_why_i_can_not_approve_what_waits_for_others() -> None:
    shown = home.home(PersonId("dana"), [view()], refusals={view().version.plan_id: OWN})

    accept_view(shown)
    assert "Nothing now." in str(shown["blocks"][1])
    assert "Waiting for others" in str(shown["blocks"][2])
    assert f"_You can't approve it:_ {OWN}" in shown["blocks"][3]["text"]["text"]


def test_home_lists_what_holds_changes() -> None:
    shown = home.home(
        PersonId("ann"), [], held=["Changes to prod are frozen until {@when:1795396732}."]
    )

    accept_view(shown)
    assert "Changes to prod are frozen until <!date^1795396732^" in str(shown)


def test_the_numbers_of_an_answer_stand_out() -> None:
    outcome = Outcome(kind=OutcomeKind.ANSWER, text="Most likely: commit 9f3c1e2 [3]. 37 % [2].")

    assert findings.conclusion(outcome) == "Most likely: commit 9f3c1e2 *[3]*. 37 % *[2]*."


def test_what_is_not_shown_yet_has_no_address() -> None:
    assert to_message("https://acme.slack.com/", post("C0INC", "")) == ""
    assert to_message("", post("C0INC", "1.2")) == ""
    assert to_message("https://acme.slack.com", post("C0INC", "1.2")).endswith("/C0INC/p12")


def test_the_rejection_dialog_carries_its_place_and_gives_the_reason_back() -> None:
    dialog = modal.reject("plan:2", "C0INC:1.2")

    accept_view(dialog)
    assert dialog["private_metadata"] == "plan:2 C0INC:1.2"
    values = {modal.BLOCK: {modal.INPUT: {"value": "too risky"}}}
    assert modal.reason({"state": {"values": values}}) == "too risky"


def test_an_outcome_points_to_the_card_while_somebody_must_decide() -> None:
    asked = execution(
        ExecutionState.NEEDS_DECISION,
        record(1, StepState.UNKNOWN),
        question_step=1,
        choices=("retry",),
    )

    message = outcome.outcome(view(VersionState.EXECUTING, execution=asked))

    accept_blocks(message["blocks"])
    assert "Decide on the card of this thread." in message["text"]


def test_what_slack_would_refuse_becomes_plain_and_keeps_its_buttons() -> None:
    row = {"type": "actions", "elements": [{"type": "button"}]}
    too_much = {"text": "sentence", "blocks": [section("x" * 2900) for _ in range(51)] + [row]}

    message = fitting(too_much)

    assert [block["type"] for block in message["blocks"]] == ["section", "actions"]
    assert plain_form(message)["text"] == "sentence"
    assert text_only(message)["blocks"] == []
