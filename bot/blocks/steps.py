"""The steps of a plan as task cards: what runs to the last argument, its check, its way back."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.blocks.limits import TASKS, characters
from bot.blocks.moments import between
from bot.blocks.parts import Block, inert, rich, verbatim, words
from bot.blocks.text import clean, one_line
from engine.domain.call import Call, Comparison, Expectation
from engine.domain.execution import Execution, StepRecord, StepState
from engine.domain.expectation import told
from engine.domain.plan import PlanVersion, Relied, Step

DETAILS = 2_500
# With more steps than this their titles are cut shorter, so that all of them are there.
FEW = 12
TITLE, SHORT_TITLE, RESULT = 160, 70, 160
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
BAD = frozenset({StepState.FAILED, StepState.UNKNOWN, StepState.ROLLBACK_FAILED})
# Never the colour alone: whatever is neither waiting nor well is said in the title.
SAID = {
    StepState.FAILED: "failed",
    StepState.UNKNOWN: "outcome unknown",
    StepState.SKIPPED: "skipped",
    StepState.ROLLED_BACK: "undone",
    StepState.ROLLBACK_FAILED: "undoing failed",
    StepState.CANCELLED: "not started",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What the card has room for: `detailed` steps in full, results of `told`, titles of others."""

    version: PlanVersion
    records: Mapping[int, StepRecord]
    detailed: frozenset[int]
    told: frozenset[int]

    @property
    def hidden(self) -> int:
        """How many steps are not there in full; the whole plan then goes along as a file."""
        return len(self.version.steps) - len(self.detailed)

    @property
    def longest(self) -> int:
        return longest_title(self.version)


def laid_out(version: PlanVersion, execution: Execution | None, room: int) -> Layout:
    """Titles first, then how steps went, then their details, first ones first, within `room`."""
    records = {record.number: record for record in execution.steps} if execution else {}
    steps = version.steps[:TASKS]
    left = room - sum(
        len(title_of(step, records.get(step.number), longest_title(version))) for step in steps
    )
    told = []
    for number in newest_first(records):
        left -= len(result(records[number]))
        if left < 0:
            break
        told.append(number)
    return Layout(version, records, fitting(steps, max(0, left)), frozenset(told))


def newest_first(records: Mapping[int, StepRecord]) -> list[int]:
    """Numbers of the steps that have a result, those that went badly before all others."""
    ran = [one for one in records.values() if result(one) and one.number <= TASKS]
    return [one.number for one in sorted(ran, key=lambda x: (x.state not in BAD, -x.number))]


def longest_title(version: PlanVersion) -> int:
    """Characters of a step's title on this card."""
    return TITLE if len(version.steps) <= FEW else SHORT_TITLE


def plan_block(layout: Layout) -> Block:
    """The plan block."""
    steps = layout.version.steps
    tasks = [task(step, layout) for step in steps[:TASKS]]
    return {"type": "plan", "title": counted(len(steps)), "tasks": tasks}


def counted(steps: int) -> str:
    """`1 step`, `3 steps`."""
    return "1 step" if steps == 1 else f"{steps} steps"


def fitting(steps: Sequence[Step], left: int) -> frozenset[int]:
    """Numbers of the steps that are shown in full, first ones first."""
    shown = set()
    for step in steps:
        length = characters(details(step))
        left -= length
        if left < 0 or length > DETAILS:
            break
        shown.add(step.number)
    return frozenset(shown)


def task(step: Step, layout: Layout) -> Block:
    """One step; after it ran its result takes the place of a promise."""
    record = layout.records.get(step.number)
    state = record.state if record else StepState.PENDING
    card: Block = {
        "type": "task_card",
        "task_id": f"step-{step.number}",
        "title": title_of(step, record, layout.longest),
        "status": STATUS[state],
    }
    if step.number in layout.detailed:
        card["details"] = details(step)
    if record and step.number in layout.told:
        card["output"] = rich([words(result(record))])
    return card


def title_of(step: Step, record: StepRecord | None, limit: int = TITLE) -> str:
    """`1 Revert a41c9f2 in shop-config`, with the state where a word is needed."""
    said = SAID.get(record.state, "") if record else ""
    return one_line(inert(f"{step.number} {step.title}"), limit) + (f" · {said}" if said else "")


def result(record: StepRecord) -> str:
    """How a step went, in one line."""
    took = between(record.started_at, record.ended_at)
    parts = [record.message, record.rollback_message, f"{took}" if took else ""]
    return one_line(" · ".join(part for part in parts if part), RESULT)


def details(step: Step) -> Block:
    """Everything that runs for this step, and nothing else."""
    lines: list[list[Block] | Block] = [[words(clean(step.why, 300))]] if step.why else []
    lines += call_lines("Runs", step.call)
    if step.expect:
        lines.append([words("Check: " + expectation(step.expect))])
    if step.group:
        lines.append([words(f"Side by side with the other steps of “{step.group}”.")])
    if step.relies:
        lines.append([words(f"Only if still: {facts(step.relies)}")])
    if step.rollback:
        lines += call_lines("Undo", step.rollback)
    elif step.effect.value != "read":
        lines.append([words("Undo: none. It can't be taken back by itself.")])
    return rich(*lines)


def facts(relied: Relied) -> str:
    """`generation 4, image shop:1.2`."""
    said = [f"{name.replace('_', ' ')} {value}" for name, value in relied.values.items()]
    return one_line(", ".join(said), 300)


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
    if step.group:
        lines.append(f"   side by side with the other steps of {step.group}")
    if step.relies:
        lines.append(f"   only if still {facts(step.relies)}")
    if step.rollback:
        lines += [f"   undo  {each}" for each in rendered(step.rollback)]
    return "\n".join(lines) + "\n"
