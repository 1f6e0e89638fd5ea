"""How to ask: from a first question to a plan that was corrected, with sentences that work here."""

from collections.abc import Sequence
from typing import Protocol

from bot.blocks.text import quoted

GENERAL = ("is SERVICE healthy?", "what changed in SERVICE?", "roll back SERVICE in prod")
# Slack folds what is longer, so the rest of the commands stands in a section of its own.
TOGETHER = 6
CORRECTIONS = "`drop step 2`, `use 20 instead`, `why step 1?`"


class Command(Protocol):
    """One row of the table of subcommands."""

    @property
    def usage(self) -> str: ...
    @property
    def about(self) -> str: ...


def guide(examples: Sequence[str], commands: Sequence[Command]) -> str:
    """What `help` says; `told` turns it into markup."""
    asked = [quoted(each) for each in examples or GENERAL]
    questions, orders = asked[:-1], asked[-1]
    lines = [
        "*Ask in words*: mention me in a channel that I am in, or write to me directly.",
        f"1. A question: {either(questions)}. I look, and show what I looked at.",
        f"2. An order: `@carapulse {orders}`. I draft a plan, as one card in the thread.",
        f"3. Not what you meant? Reply in that thread: {CORRECTIONS}. No mention is needed there.",
        "4. *Dry run* shows what would change. Somebody else presses *Approve*, or adds "
        ":white_check_mark: to the card (:x: rejects). Each step runs, is checked, and is undone "
        "when its check fails; the log is in the thread.",
        "5. While it runs, *Pause* stops it after the step at hand; then *Resume* goes on and "
        "*Cancel* ends it there.",
        "A message can be a request too: *Draft a plan* is among its actions.",
        "\n*Commands*",
        *(
            f"{chr(10) if at == TOGETHER else ''}• `/carapulse {each.usage}` {each.about}"
            for at, each in enumerate(commands)
        ),
        "References such as `P-1042` and `X-311` stand on every card.",
    ]
    return "\n".join(lines)


def either(questions: Sequence[str]) -> str:
    """Sentences to be copied, the last one after `or`."""
    shown = [f"`@carapulse {each}`" for each in questions]
    return " or ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
