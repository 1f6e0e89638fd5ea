"""The plan card: one message per plan, edited in place, in every state the plan can have."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from bot.blocks import actions as ids
from bot.blocks import knowledge, moments
from bot.blocks.answer import summary
from bot.blocks.freeze import conditions
from bot.blocks.limits import CHARACTERS, characters
from bot.blocks.links import CITED, pointed, room
from bot.blocks.parts import Block, Message, actions, button, confirm, context, header, section
from bot.blocks.status import asked_by, numbered, status, waiting
from bot.blocks.steps import Layout, as_file, counted, laid_out, plan_block
from bot.blocks.text import line, one_line, outside, quoted
from engine.domain.draft import Evidence
from engine.domain.execution import Choice, Execution, ExecutionState
from engine.domain.plan import PlanVersion, VersionState
from engine.domain.views import PlanView

WORDS = {
    Choice.RUN: "Run",
    Choice.HOLD: "Hold",
    Choice.RETRY: "Retry",
    Choice.SKIP: "Skip",
    Choice.ROLL_BACK: "Roll back",
    Choice.MARK_DONE: "Mark done",
    Choice.KEEP: "Keep",
    Choice.ACKNOWLEDGE: "Acknowledge",
    Choice.PAUSE: "Pause",
    Choice.RESUME: "Resume",
    Choice.CANCEL: "Cancel",
}
# Changes and characters of the reason that a card shows; Changes and Explain tell the rest.
CHANGES, WHY = 4, 1200
# From this age on a card says how old its findings are.
LATE = timedelta(minutes=1)
# What the planner of rules calls itself.
WITHOUT_MODEL = "offline"
Links = Mapping[int, str]
NO_LINKS: Links = MappingProxyType({})
# For what stands between the blocks, and for the sentence about the file.
MARGIN = 200
AGAIN = {
    VersionState.REJECTED: "Draft again",
    VersionState.EXPIRED: "Draft again",
    VersionState.EXECUTED: "Run again",
    VersionState.WITHDRAWN: "Run again",
    VersionState.EXECUTING: "Run again",
}
STYLES = {
    Choice.RUN: "primary",
    Choice.CANCEL: "danger",
    Choice.SKIP: "danger",
    Choice.MARK_DONE: "danger",
}
CALMLY = {
    ExecutionState.WAITING: (Choice.CANCEL,),
    ExecutionState.RUNNING: (Choice.PAUSE, Choice.CANCEL),
    ExecutionState.PAUSED: (Choice.RESUME, Choice.CANCEL),
}


def card(view: PlanView, links: Links = NO_LINKS) -> Message:
    """The message for a plan's current version; `links` lead to results, by their number."""
    layout = laid(view)
    blocks = [*above(view, links), plan_block(layout)]
    if layout.hidden:
        blocks.append(section(f"*{counted(layout.hidden)} only in the file* below this message."))
    blocks += [*ending(view), *actions(buttons(view, layout.hidden))]
    text = f"{line(view.version.title)}: {status(view)}"
    return {"text": text, "blocks": blocks}


def laid(view: PlanView) -> Layout:
    """How much of the steps there is room for, beside all that a card says otherwise."""
    rest = [*above(view), *ending(view), *actions(buttons(view, len(view.version.steps)))]
    left = CHARACTERS - characters(rest) - room(view.version.why) - MARGIN
    return laid_out(view.version, view.execution, left)


def only_in_file(view: PlanView) -> int:
    """How many steps the card can't show in full; they are approved by button alone."""
    return laid(view).hidden


def above(view: PlanView, links: Links = NO_LINKS) -> list[Block]:
    """Title, state, reasons, and where: what stands above the steps."""
    version = view.version
    return [
        header(version.title),
        section(status(view)),
        *conditions(view),
        *reasons(version, looked_at(view), links),
        context(*where(version)),
    ]


def reasons(version: PlanVersion, when: str = "", links: Links = NO_LINKS) -> list[Block]:
    """Why, with the label of a plan that only an alert's words suggest, and what changed."""
    said = [f"_{outside(version.label, 200)}_"] if version.label else []
    said += [f"{pointed(outside(version.why, WHY), links)}{when}"] if version.why else []
    blocks = [section("\n".join(said))] if said else []
    if version.changes:
        blocks.append(section(changed(version, version.changes[:CHANGES])))
    if version.warnings and version.writes:
        warnings = " ".join(line(each, 400) for each in version.warnings[:3])
        blocks.append(section(f":warning: {warnings}"))
    return blocks


def looked_at(view: PlanView) -> str:
    """When that was found which the reason tells, once it is no longer of the same moment."""
    last = max((each.at for each in view.evidence), default=None)
    if last is None or view.version.created_at - last < LATE:
        return ""
    ago = moments.between(last, view.version.created_at)
    return f"\n_Looked at {moments.time(last)}, {ago} before this version._"


def changed(version: PlanVersion, shown: Sequence[str]) -> str:
    """`Changed from v1 by Dana: step 1 pool_size 10 -> 20.`."""
    by = f" by {line(version.changed_by, 80)}" if version.changed_by else ""
    said = "; ".join(line(each, 160) for each in shown)
    more = len(version.changes) - len(shown)
    rest = f"; and {more} more changes" if more > 0 else ""
    return f"*Changed from v{version.version - 1}{by}:* {said}{rest}."


def all_changes(version: PlanVersion) -> str:
    """For whoever presses Changes."""
    if not version.changes:
        return f"v{version.version} is the first version: nothing to compare with."
    head = f"*Changed from v{version.version - 1} to v{version.version}:*"
    return "\n".join([head, *(f"• {quoted(each)}" for each in version.changes[:60])])


def where(version: PlanVersion) -> list[str]:
    """Scope, risk and reversibility on one line; the reference to find it by on the next."""
    # What can be undone is said once, by `reversible`.
    others = [each for each in version.risk_reasons if not each.endswith("rollback")]
    reasons = ", ".join(line(reason, 120) for reason in others[:4])
    risk = f"*{version.risk.word.capitalize()} risk*" + (f": {reasons}" if reasons else "")
    parts = [line(str(version.context), 150), risk]
    if version.dependants:
        parts.append(f"{version.dependants} services depend on it")
    if version.writes:
        parts.append(reversible(version))
    reference = f"{line(version.reference)} v{version.version}"
    made = knowledge.used(version.knowledge)
    return [" · ".join(part for part in parts if part), made, reference]


def reversible(version: PlanVersion) -> str:
    """Which writes can be undone."""
    if bare := without_way_back(version):
        return f"reversible: *no*, step {bare} has no rollback"
    writes = [step for step in version.steps if step.effect.value != "read"]
    has = "has" if len(writes) == 1 else "have"
    return f"reversible: yes, {numbered([one.number for one in writes[:8]])} {has} a rollback"


def without_way_back(version: PlanVersion) -> str:
    """The numbers of the writes that nothing undoes."""
    writes = [step for step in version.steps if step.effect.value != "read"]
    return ", ".join(str(step.number) for step in writes if step.rollback is None)


def ending(view: PlanView) -> list[Block]:
    """What happens if it fails, while it can still happen; later, what it was run again as."""
    version = view.version
    if view.again:
        became = f"{line(view.again.reference)} below" if view.again.reference else "being drafted"
        return [context(f"{line(view.again.by, 80)} asked for it again: {became}.")]
    over = view.state.ended or (view.execution is not None and view.execution.state.ended)
    if over or not version.writes:
        return []
    if bare := without_way_back(version):
        return [context(f"If it fails: it asks what to do, since step {bare} can't be undone.")]
    checks = any(step.kind.value == "verify" for step in version.steps)
    then = ", then it is checked again" if checks else ""
    return [context(f"If it fails: steps are undone in reverse order{then}.")]


def buttons(view: PlanView, hidden: int = 0) -> list[Block]:
    """Only what works now; nothing to decide after the end. `hidden` steps are in the file."""
    if view.state is VersionState.WAITING:
        return deciding(view, hidden)
    if view.execution and not view.execution.state.ended:
        return operating(view.execution)
    value = f"{view.version.plan_id}:{view.version.version}"
    if view.state in AGAIN and view.again is None:
        return [button(AGAIN[view.state], ids.AGAIN, value)]
    return []


def deciding(view: PlanView, hidden: int) -> list[Block]:
    """Approve with its dialog, then what changes, tries and explains it, then Reject."""
    version = view.version
    value = f"{version.plan_id}:{version.version}"
    found = [
        approving(version, value, hidden),
        button("Edit", ids.EDIT, value),
    ]
    if version.writes:
        found.append(button("Dry run", ids.DRY_RUN, value))
    if len(version.changes) > CHANGES:
        found.append(button("Changes", ids.CHANGES, value))
    return [
        *found,
        button("Explain", ids.EXPLAIN, value),
        button("Reject", ids.REJECT, value, style="danger"),
    ]


def approving(version: PlanVersion, value: str, hidden: int) -> Block:
    """Approve, which asks first; high risk asks for a reason and a ticket in its own dialog."""
    if version.requirements.break_glass:
        return button("Approve", ids.BREAK_GLASS, value, style="primary")
    asked = dialog(version, hidden)
    return button("Approve", ids.APPROVE, value, style="primary", confirm=asked)


def dialog(version: PlanVersion, hidden: int) -> Block:
    """What a press means: where, how risky, and what it writes."""
    place = "/".join(filter(None, (version.context.environment, version.context.cluster)))
    text = f"Run {counted(len(version.steps))}" + (f" on {place}?" if place else "?")
    text += f" {version.risk.word.capitalize()} risk."
    writes = [step.number for step in version.steps if step.effect.value != "read"]
    if hidden:
        text += f" {counted(hidden)} only in the file."
    if writes:
        numbers = ", ".join(str(number) for number in writes[:8])
        on = version.context.service or "it"
        verb = "Step {} writes" if len(writes) == 1 else "Steps {} write"
        text += f" {verb.format(numbers)} to {target(version) or on}."
    return confirm(
        text, "Run it", "Not yet", title=f"Approve {version.reference} v{version.version}?"
    )


def target(version: PlanVersion) -> str:
    """The name of what the first write changes: the last part of its remote, if it has one."""
    for step in version.steps:
        remote = step.call.input.get("remote") if step.effect.value != "read" else None
        if isinstance(remote, str) and remote:
            name = remote.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1]
            return one_line(name, 60)
    return ""


def operating(execution: Execution) -> list[Block]:
    """What the execution offers; the step in question goes along."""
    calmly = () if execution.stopped_by else CALMLY.get(execution.state, ())
    offered = execution.choices or calmly
    value = f"{execution.id}:{execution.question_step or 0}"
    return [
        button(
            label(choice, execution),
            f"execution.{choice.value}",
            value,
            style=STYLES.get(choice, ""),
        )
        for choice in offered
    ]


def label(choice: Choice, execution: Execution) -> str:
    """The word for a choice, as it is meant in this state."""
    if choice is Choice.ROLL_BACK and execution.countdown_until:
        return "Roll back now"
    if choice is Choice.ROLL_BACK and execution.state is ExecutionState.ROLLBACK_FAILED:
        return "Retry rollback"
    return WORDS[choice]


def overflow(view: PlanView) -> str:
    """The whole plan as a file when the card can't show every step; else nothing."""
    return as_file(view.version) if only_in_file(view) else ""


def explanation(view: PlanView) -> str:
    """For whoever presses Explain: where the plan comes from, and what guards it."""
    version = view.version
    lines = [
        f"*{version.reference} v{version.version}: {quoted(version.title)}*",
        f"{asked_by(view)}: “{quoted(version.intent)}”" if version.intent else "",
        f"Drafted {drafter(version.planner)} from {len(view.evidence)} reads.",
        *(read(each) for each in once(view.evidence, version.why)[:12]),
        f"Risk {version.risk.word}: {'; '.join(version.risk_reasons)}"
        if version.risk_reasons
        else "",
        "What is approved is what runs: each step is frozen and checked again before it runs.",
        f"Digest {version.digest[:16]}" if version.digest else "",
    ]
    return "\n".join(each for each in lines if each)


def drafter(planner: str) -> str:
    """Who found the steps."""
    if planner == WITHOUT_MODEL:
        return "by rules and playbooks, without a model"
    return f"by {quoted(planner or 'a playbook', 80)}"


def read(each: Evidence) -> str:
    """`[4] error rate of checkout: 61 points`."""
    return f"[{each.number}] {quoted(each.title)}: {quoted(summary(each))}"


def once(evidence: Sequence[Evidence], why: str) -> list[Evidence]:
    """Without what says again what another read has said, unless the reason points to it."""
    cited = {int(number) for number in CITED.findall(why)}
    found: dict[str, Evidence] = {}
    for each in evidence:
        said = each.summary.removeprefix("last ")
        if each.number in cited or not said:
            said = str(each.number)
        if said not in found or len(each.summary) < len(found[said].summary):
            found[said] = each
    return sorted(found.values(), key=lambda each: each.number)


__all__ = ["all_changes", "card", "explanation", "only_in_file", "overflow", "waiting"]
