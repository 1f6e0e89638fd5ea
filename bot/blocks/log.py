"""The rolling log of an execution: one message, the last lines, batched."""

from bot.blocks.moments import between
from bot.blocks.parts import Block, Message, context, rich, words
from bot.blocks.text import clean, line, one_line
from engine.domain.execution import LogLine
from engine.domain.views import LogView

CHARACTERS = 3_500
LINES = 60
LINE = 300
# What a line takes beside its words: the time and the step.
AROUND = 16
WAITING = (
    "The artifact store is away: {outputs} kept where it ran and uploaded when the store is back."
)


def log(view: LogView) -> Message:
    """The last lines that fit, with how many there are in all."""
    shown = last(view.lines)
    execution = view.execution
    total = max(view.total, len(shown))
    head = f"*Log of {line(execution.reference)}*"
    if total > len(shown):
        head += f" · last {len(shown)} of {total} lines"
    if execution.state.ended and (took := between(execution.started_at, execution.ended_at)):
        head += f" · {took}"
    blocks = [context(head)]
    if view.waiting:
        blocks.append(context(WAITING.format(outputs=plural(view.waiting))))
    blocks.append(rich(*(told(each) for each in shown)) if shown else context("No output yet."))
    latest = f": {line(shown[-1].text, 200)}" if shown else ""
    return {"text": f"Log of {line(execution.reference)}{latest}", "blocks": blocks}


def plural(outputs: int) -> str:
    """`1 complete output is`, `3 complete outputs are`."""
    return "1 complete output is" if outputs == 1 else f"{outputs} complete outputs are"


def last(lines: tuple[LogLine, ...]) -> list[LogLine]:
    """As many of the last lines as one message takes."""
    kept: list[LogLine] = []
    room = CHARACTERS
    for each in reversed(lines[-LINES:]):
        room -= min(len(each.text), LINE) + AROUND
        if room < 0:
            break
        kept.append(each)
    return kept[::-1]


def told(entry: LogLine) -> list[Block]:
    """`14:09:31 [1] git commit -> 4b1d0aa on main`, the time in the reader's zone.

    Only the step stands in a box: a long line in one breaks it over several rows.
    """
    moment = {
        "type": "date",
        "timestamp": int(entry.at.timestamp()),
        "format": "{time_secs}",
        "fallback": entry.at.strftime("%H:%M:%S"),
    }
    return [moment, words(" "), words(f"[{entry.step}]", code=True), words(f" {said(entry)}")]


def said(entry: LogLine) -> str:
    """The line's own words."""
    return one_line(entry.text, LINE)


def as_file(lines: list[LogLine]) -> str:
    """The whole log as plain text, in UTC."""
    shown = (
        f"{each.at.strftime('%Y-%m-%dT%H:%M:%SZ')} [{each.step}] {each.text}" for each in lines
    )
    return clean("\n".join(["Times are UTC.", *shown]), 5_000_000) + "\n"
