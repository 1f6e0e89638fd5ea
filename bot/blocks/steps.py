"""The steps of a plan as task cards: what runs to the last argument, its check, its way back."""

import re
import shlex
from collections.abc import Sequence

from bot.blocks.limits import CHARACTERS, TASKS, characters
from bot.blocks.moments import between
from bot.blocks.parts import Block, inert, rich, verbatim, words
from bot.blocks.text import clean, one_line
from engine.domain.call import Call, Comparison, Expectation
from engine.domain.execution import Execution, StepRecord, StepState
from engine.domain.expectation import told
from engine.domain.plan import PlanVersion, Step

# What the rest of the card needs at most, taken from Slack's limit on the whole message.
REST_OF_CARD = 3_400
DETAILS = 2_500
EARLIER = re.compile(r"\{steps\.(\d+)\.(\w+)\}")
STATUS = {
    StepState.PENDING: "pending",
    StepState.RUNNING: "in_progress",
    StepState.SUCCEEDED: "complete",
    StepState.FAILED: "error",
    StepState.UNKNOWN: "error",
    StepState.SKIPPED: "complete",
    StepState.ROLLED_BACK: "complete",
    StepState.ROLLBACK_FAILED: "error",
    StepState.CANCELLED: "pending",
}
# Never the colour alone: whatever is neither waiting nor well is said in the title.
SAID = {
    StepState.FAILED: "failed",
    StepState.UNKNOWN: "outcome unknown",
    StepState.SKIPPED: "skipped",
    StepState.ROLLED_BACK: "undone",
    StepState.ROLLBACK_FAILED: "undoing failed",
    StepState.CANCELLED: "not started",
}


def plan_block(version: PlanVersion, execution: Execution | None) -> Block:
    """The plan block; steps whose details don't fit show their title only (`only_in_file`)."""
    records = {record.number: record for record in execution.steps} if execution else {}
    detailed = fitting(version.steps)
    tasks = [
        task(step, records.get(step.number), detailed=step.number in detailed)
        for step in version.steps[:TASKS]
    ]
    return {"type": "plan", "title": counted(len(version.steps)), "tasks": tasks}


def counted(steps: int) -> str:
    """`1 step`, `3 steps`."""
    return "1 step" if steps == 1 else f"{steps} steps"


def only_in_file(version: PlanVersion) -> int:
    """How many steps the card can't show in full; the whole plan then goes along as a file."""
    return len(version.steps) - len(fitting(version.steps))


def fitting(steps: Sequence[Step]) -> frozenset[int]:
    """Numbers of the steps that are shown in full, first ones first."""
    titles = sum(len(title_of(step, None)) for step in steps[:TASKS])
    left = CHARACTERS - REST_OF_CARD - titles
    shown = set()
    for step in steps[:TASKS]:
        length = characters(details(step))
        left -= length
        if left < 0 or length > DETAILS:
            break
        shown.add(step.number)
    return frozenset(shown)


def task(step: Step, record: StepRecord | None, *, detailed: bool) -> Block:
    """One step; after it ran its result takes the place of a promise."""
    state = record.state if record else StepState.PENDING
    card: Block = {
        "type": "task_card",
        "task_id": f"step-{step.number}",
        "title": title_of(step, record),
        "status": STATUS[state],
    }
    if detailed:
        card["details"] = details(step)
    if record and (said := result(record)):
        card["output"] = rich([words(said)])
    return card


def title_of(step: Step, record: StepRecord | None) -> str:
    """`1 Write pool_size = 20 to shop-config`, with the state where a word is needed."""
    said = SAID.get(record.state, "") if record else ""
    return one_line(inert(f"{step.number} {step.title}"), 160) + (f" · {said}" if said else "")


def result(record: StepRecord) -> str:
    """How a step went, in one line."""
    took = between(record.started_at, record.ended_at)
    parts = [record.message, record.rollback_message, f"{took}" if took else ""]
    return one_line(" · ".join(part for part in parts if part), 160)


def details(step: Step) -> Block:
    """Everything that runs for this step, and nothing else."""
    lines: list[list[Block] | Block] = [[words(clean(step.why, 300))]] if step.why else []
    lines += call_lines("Runs", step.call)
    if step.expect:
        lines.append([words("Check: " + expectation(step.expect))])
    if step.rollback:
        lines += call_lines("Undo", step.rollback)
    elif step.effect.value != "read":
        lines.append([words("Undo: none. It can't be taken back by itself.")])
    return rich(*lines)


def call_lines(label: str, call: Call) -> list[list[Block] | Block]:
    """A call's commands or its request, one line each, as they run."""
    return [
        [words(f"{label}:")],
        verbatim("\n".join(clean(each, 3000) for each in rendered(call))),
    ]


def rendered(call: Call) -> list[str]:
    """The exact argument vectors, or the exact request."""
    if call.request:
        body = f" {call.request.body}" if call.request.body else ""
        return [f"{call.request.method} {call.request.url}{body}"]
    given = [f"< {len(call.stdin)} characters"] if call.stdin else []
    files = [f"file {name} (SHA-256 {digest})" for name, digest in sorted(call.files.items())]
    return [shlex.join(argv) for argv in call.commands] + files + given or [call.name]


def expectation(expect: Expectation) -> str:
    """`error rate < 5 % for 60 s, within 5 min`, `instances follow the commit of step 1`."""
    what = one_line(expect.label or expect.output, 80)
    value = one_line(EARLIER.sub(r"the \2 of step \1", told(expect.value, expect.unit)), 80)
    sign = "" if expect.comparison is Comparison.EQUALS else f"{expect.comparison.value} "
    text = f"{what} {sign}{value}"
    if expect.hold_seconds:
        text += f" for {expect.hold_seconds} s"
    return text + (f", within {expect.within_seconds} s" if expect.within_seconds else "")


def as_file(version: PlanVersion) -> str:
    """The whole plan as plain text, for a card that can't show every step."""
    head = f"{version.reference} v{version.version}: {version.title}\nDigest {version.digest}\n"
    return clean("\n".join([head, *(step_text(step) for step in version.steps)]), 1_000_000)


def step_text(step: Step) -> str:
    """One step of the file."""
    lines = [f"{step.number} {step.title}"]
    lines += [f"   runs  {each}" for each in rendered(step.call)]
    if step.expect:
        lines.append(f"   check {expectation(step.expect)}")
    if step.rollback:
        lines += [f"   undo  {each}" for each in rendered(step.rollback)]
    return "\n".join(lines) + "\n"
