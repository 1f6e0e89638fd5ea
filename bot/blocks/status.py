"""The first line of a card: what is true now, or what is needed."""

from collections.abc import Callable, Sequence

from bot.blocks import moments
from bot.blocks.text import line, outside, told
from engine.domain.actor import Surface
from engine.domain.approval import Statement, Verdict
from engine.domain.execution import Choice, Execution, ExecutionState, StepRecord, StepState
from engine.domain.plan import VersionState
from engine.domain.reminding import NudgeKind
from engine.domain.views import PlanView

WAITING, RUNNING, DONE, FAILED = (
    ":large_yellow_circle:",
    ":large_blue_circle:",
    ":large_green_circle:",
    ":red_circle:",
)
NEEDS_YOU, OVER = ":warning:", ":white_circle:"
NUDGED = {NudgeKind.REMINDED: "Reminded", NudgeKind.ESCALATED: "Escalated"}
NOTHING_CHANGED = "Nothing was changed. It ends at"


def status(view: PlanView) -> str:
    """One or two sentences with the mark of the state."""
    execution = view.execution
    if execution and view.state in (VersionState.EXECUTING, VersionState.EXECUTED):
        return of_execution(view, execution)
    if execution and view.state is VersionState.APPROVED and not execution.state.ended:
        return of_execution(view, execution)  # it may wait, and says for what
    return BY_VERSION[view.state](view)


def waiting(view: PlanView) -> str:
    """Who is needed; nobody has to guess who may."""
    needed = view.need - view.have
    return f"{WAITING} *Waiting for approval.* {who(view)}" if needed else f"{WAITING} *Waiting.*"


def who(view: PlanView) -> str:
    """Who is asked: `Needs 1 of @sre, not Dana. 0 of 1 so far. Expires today at 18:05`."""
    groups = asked_of(view)
    several = len([each for each in view.version.requirements.groups if each]) > 1
    of_whom = f"{', one' if several else ''} of {groups}" if groups else ""
    version = view.version
    barred = [line(each, 80) for each in shapers(view)]
    but = f", not {' or '.join(barred)}" if version.writes and barred else ""
    text = f"Needs {view.need}{of_whom}{but}. {view.have} of {view.need} so far."
    if version.requirements.step_up:
        text += " Each signs in again."
    if view.session:
        text += f" In the session {line(view.session, 150)}: its members approve."
    if view.approvers:
        text += f" Can approve: {', '.join(told(each, 100) for each in view.approvers[:6])}."
    return f"{text} Expires {moments.day_and_time(version.decide_before)}.{nudged(view)}"


def nudged(view: PlanView) -> str:
    """` Reminded 14:30. Escalated to @leads 14:50.`."""
    said = ""
    for kind, word in NUDGED.items():
        last = max((one.at for one in view.nudges if one.kind is kind), default=None)
        if last:
            to = f" to {' and '.join(told(each, 100) for each in view.called)}"
            whom = to if kind is NudgeKind.ESCALATED and view.called else ""
            said += f" {word}{whom} {moments.time(last)}."
    return said


def asked_of(view: PlanView) -> str:
    """`@sre`; of several sets of groups: `@shop or @owners, and one other of @sre`."""
    sets = [names for names in view.version.requirements.groups if names]
    names = dict.fromkeys(name for one in sets for name in one)
    mentions = dict(zip(names, view.groups, strict=False))
    said = [" or ".join(told(mentions.get(one, one), 100) for one in names) for names in sets]
    return ", and one other of ".join(said)


def shapers(view: PlanView) -> list[str]:
    """The people who asked for this and changed it; an alert is nobody."""
    version = view.version
    asked = [version.requester_name] if version.origin.value == "person" else []
    return list(dict.fromkeys(filter(None, [*asked, version.changed_by])))


def asked_by(view: PlanView) -> str:
    """`Asked by Dana`, `Suggested by an alert, changed by Dana`."""
    version = view.version
    alert = version.origin.value == "alert"
    first = "Suggested by an alert" if alert else f"Asked by {line(version.requester_name, 80)}"
    changed = version.changed_by
    same = not changed or (changed == version.requester_name and not alert)
    return first if same else f"{first}, changed by {line(changed, 80)}"


def approved(view: PlanView) -> str:
    """Complete, and about to start."""
    return f"{RUNNING} {approved_by(view)} Starting."


def approved_by(view: PlanView) -> str:
    """Everybody who agreed: `Approved by Ann 14:09 (button)`."""
    votes = [
        f"{line(each.person_name, 80)} {moments.time(each.at)} ({each.surface.value})"
        for each in agreed(view)
    ]
    return f"Approved by {', '.join(votes)}." if votes else "Needs no approval."


def agreed(view: PlanView) -> list[Statement]:
    """The people who approved; what needs no person is released by the gate itself."""
    said = [each.statement for each in view.approvals]
    withdrawn = {each.person: each.at for each in said if each.verdict is Verdict.WITHDRAW}
    return [
        each
        for each in said
        if each.verdict is Verdict.APPROVE
        and each.surface is not Surface.AUTO
        and not (each.person in withdrawn and each.at <= withdrawn[each.person])
    ]


def rejected(view: PlanView) -> str:
    """Who said no, and why."""
    no = [each.statement for each in view.approvals if each.statement.verdict is Verdict.REJECT]
    by = f" by {line(no[-1].person_name, 80)} {moments.time(no[-1].at)}" if no else ""
    said = (no[-1].reason if no else "") or view.reason
    reason = f": {line(said, 500)}" if said else "."
    return f"{FAILED} *Rejected{by}*{reason}"


def expired(view: PlanView) -> str:
    """Nothing can be approved any more."""
    version = view.version
    after = moments.between(version.created_at, version.decide_before)
    number = f"v{version.version}"
    return f"{OVER} *No decision in {after}*, so {number} expired and can't be approved any more."


def ended(word: str) -> Callable[[PlanView], str]:
    """A version that is over, with its reason."""

    def say(view: PlanView) -> str:
        return f"{OVER} *{word}.* {told(view.reason, 500)}".rstrip()

    return say


BY_VERSION: dict[VersionState, Callable[[PlanView], str]] = {
    VersionState.DRAFTING: lambda _: f"{RUNNING} Drafting.",
    VersionState.WAITING: waiting,
    VersionState.APPROVED: approved,
    VersionState.REJECTED: rejected,
    VersionState.EXPIRED: expired,
    VersionState.SUPERSEDED: ended("Replaced by a newer version"),
    VersionState.WITHDRAWN: ended("Withdrawn"),
    VersionState.EXECUTING: approved,
    VersionState.EXECUTED: ended("Carried out"),
}


def of_execution(view: PlanView, execution: Execution) -> str:
    """What the execution does, or what it needs."""
    if execution.countdown_until:
        return countdown(execution)
    return BY_EXECUTION[execution.state](view, execution)


def countdown(execution: Execution) -> str:
    """A step failed; without a press what was changed is undone."""
    undone = [step.number for step in execution.steps if to_undo(step)]
    assert execution.countdown_until is not None
    when = moments.second(execution.countdown_until)
    what = f"Undoing {numbered(undone[::-1])} at" if undone else NOTHING_CHANGED
    return f"{NEEDS_YOU} *{what_failed(execution)}* {what} {when}."


def numbered(numbers: Sequence[int]) -> str:
    """`step 1`, `steps 7, 6 and 4`."""
    *first, last = (str(number) for number in numbers)
    return f"steps {', '.join(first)} and {last}" if first else f"step {last}"


def to_undo(step: StepRecord) -> bool:
    """Whether this step may have left something behind; one known to have failed has not."""
    left = (StepState.SUCCEEDED, StepState.UNKNOWN, StepState.RUNNING)
    return step.effect.value != "read" and step.state in left


def what_failed(execution: Execution) -> str:
    """Which step, and why: `Step 2 failed after 31 s: 1 of 3 instances did not come back`."""
    failed = failed_step(execution)
    if failed is None:
        return outside(execution.reason, 500) or "It failed."
    took = moments.between(failed.started_at, failed.ended_at)
    after = {"": "", moments.AT_ONCE: " at once"}.get(took, f" after {took}")
    why = line(failed.message or execution.reason, 300).rstrip(".")
    return f"Step {failed.number} failed{after}" + (f": {why}." if why else ".")


def failed_step(execution: Execution) -> StepRecord | None:
    """The step in question, or the last that did not go well."""
    if execution.question_step:
        return execution.step(execution.question_step)
    bad = (StepState.FAILED, StepState.UNKNOWN, StepState.ROLLBACK_FAILED)
    return next((step for step in reversed(execution.steps) if step.state in bad), None)


def pending(view: PlanView, _: Execution) -> str:
    """Nothing has started yet."""
    return approved(view)


def held_up(view: PlanView, execution: Execution) -> str:
    """It goes on by itself, and says what it waits for."""
    why = told(execution.reason, 500) or "Something it depends on does not answer."
    begun = (
        f" before step {at(execution)} of {len(execution.steps)}" if execution.started_at else ""
    )
    mark = NEEDS_YOU if Choice.RUN in execution.choices else WAITING
    return f"{mark} *Waiting{begun}.* {why.rstrip('.')}. {approved_by(view)}"


def running(view: PlanView, execution: Execution) -> str:
    """Where it is."""
    head = f"{RUNNING} *Running step {at(execution)} of {len(execution.steps)}.*"
    soon = told(execution.reason, 500)
    return f"{head} {soon} {approved_by(view)}" if soon else f"{head} {approved_by(view)}"


def at(execution: Execution) -> int:
    """The number of the step that runs or comes next."""
    open_states = (StepState.RUNNING, StepState.PENDING)
    found = (step.number for step in execution.steps if step.state in open_states)
    return next(found, len(execution.steps))


def paused(_: PlanView, execution: Execution) -> str:
    """Somebody stopped it between steps."""
    why = told(execution.reason, 500) or "No new step starts until somebody resumes it."
    return f"{NEEDS_YOU} *Paused before step {at(execution)} of {len(execution.steps)}.* {why}"


def undecided(_: PlanView, execution: Execution) -> str:
    """A person has to say what is true, or what to do."""
    step = failed_step(execution) if execution.question_step else None
    if step and step.state is StepState.UNKNOWN:
        why = line(step.message or execution.reason, 300).rstrip(".")
        because = f": {why}." if why else "."
        return f"{NEEDS_YOU} *I don't know whether step {step.number} took effect*{because}"
    said = what_failed(execution) if step else told(execution.reason, 500)
    return f"{NEEDS_YOU} *{said or 'Somebody has to decide.'}* Nothing happens until you decide."


def undoing(_: PlanView, execution: Execution) -> str:
    """The way back, and why it is taken."""
    return f"{RUNNING} *Undoing.* {why_undone(execution)}"


def why_undone(execution: Execution) -> str:
    """What failed, or who stopped it."""
    if execution.stopped_by:
        return f"Cancelled by {line(execution.stopped_by, 80)}."
    return what_failed(execution)


def half_undone(_: PlanView, execution: Execution) -> str:
    """The loudest of all states."""
    step = failed_step(execution)
    number = f" step {step.number}" if step else ""
    said = step.rollback_message or step.message if step else ""
    facts = outside(execution.reason or said, 500).rstrip(".") or "see the log"
    return (
        f"{FAILED} *Rolling back{number} failed.* The system is in between: {facts}."
        " Nothing more happens until someone decides."
    )


def succeeded(view: PlanView, execution: Execution) -> str:
    """What was checked afterwards, not that a command returned 0."""
    took = moments.between(execution.started_at, execution.ended_at)
    head = f"{DONE} *Done in {took}.*" if took else f"{DONE} *Done.*"
    return f"{head} {effects(view)}{credits_of(view)}"


def effects(view: PlanView) -> str:
    """Sentences about what changed, each with its full stop."""
    said = [told(each, 300).rstrip(".") + ". " for each in view.effects[:6]]
    return "".join(said)


def credits_of(view: PlanView) -> str:
    """Who asked and who approved."""
    names = [line(each.person_name, 80) for each in agreed(view)]
    asked = asked_by(view)
    return f"{asked}, approved by {' and '.join(names)}." if names else f"{asked}."


def failed(view: PlanView, execution: Execution) -> str:
    """Over, and not well."""
    return f"{FAILED} *Failed.* {what_failed(execution)} {effects(view)}".rstrip()


def rolled_back(view: PlanView, execution: Execution) -> str:
    """Failed, and what was done about it."""
    undone = [s.number for s in execution.steps if s.state is StepState.ROLLED_BACK]
    what = f"Undone: {numbered(undone[::-1])}. " if undone else "Nothing had to be undone. "
    mark, did = (OVER, "Cancelled") if execution.stopped_by else (FAILED, "Failed")
    head = f"{mark} *{did} and rolled back.* {why_undone(execution)}"
    return f"{head} {what}{effects(view)}".rstrip()


def cancelled(view: PlanView, execution: Execution) -> str:
    """Stopped by a person, or started too late."""
    why = told(execution.reason, 500)
    return f"{OVER} *Cancelled.* {why} {effects(view)}".rstrip()


BY_EXECUTION: dict[ExecutionState, Callable[[PlanView, Execution], str]] = {
    ExecutionState.PENDING: pending,
    ExecutionState.WAITING: held_up,
    ExecutionState.RUNNING: running,
    ExecutionState.PAUSED: paused,
    ExecutionState.NEEDS_DECISION: undecided,
    ExecutionState.ROLLING_BACK: undoing,
    ExecutionState.ROLLBACK_FAILED: half_undone,
    ExecutionState.SUCCEEDED: succeeded,
    ExecutionState.FAILED: failed,
    ExecutionState.ROLLED_BACK: rolled_back,
    ExecutionState.CANCELLED: cancelled,
}
