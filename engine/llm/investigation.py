"""What a model asks to look at: reads only, a bounded number of them, in a bounded time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.domain.draft import Briefing, Evidence, Reading
from engine.domain.model import Json
from engine.errors import Invalid
from engine.llm.drafts import Checked, arguments
from engine.llm.exchange import Function, FunctionCall

JOINT = "__"
NAME_AT_MOST = 64
READ = "read"


@dataclass(frozen=True, slots=True)
class LookLimits:
    """How many reads, and for how long after the first."""

    reads: int = 12
    seconds: float = 60


@dataclass(frozen=True, slots=True)
class Investigation:
    """Turns function calls into readings. What is refused becomes one too, with the reason."""

    checked: Checked
    limits: LookLimits

    @property
    def loops(self) -> str:
        """What is said of a model that asks for the same again and again."""
        return "The language model asks for reads that were made already, and gives no answer."

    def functions(self, catalogue: Sequence[dict[str, Json]]) -> tuple[Function, ...]:
        """The reads of a catalogue, as functions."""
        return tuple(
            Function(name, f"{entry['title']}. {entry['about']}".strip(), form)
            for entry in catalogue
            if entry["effect"] == READ and isinstance(form := entry["input"], dict)
            if len(name := str(entry["name"]).replace(".", JOINT)) <= NAME_AT_MOST
        )

    def left(self, briefing: Briefing) -> int:
        """How many more reads may be made."""
        return max(self.limits.reads - len(briefing.evidence), 0)

    def over(self, briefing: Briefing, now: datetime) -> bool:
        """Whether it has looked enough."""
        return not self.left(briefing) or self._late(briefing, now)

    def readings(
        self, calls: Sequence[FunctionCall], briefing: Briefing, now: datetime
    ) -> tuple[Reading, ...]:
        """New reads, and a last one that says what is not made any more."""
        wanted: list[Reading] = []
        for call in calls:
            reading = self._reading(call, briefing)
            if not made(reading, (*briefing.evidence, *wanted)):
                wanted.append(reading)
        left = self.left(briefing)
        if len(wanted) <= left:
            return tuple(wanted)
        return (*wanted[: left - 1], self._stopped(wanted[left - 1 :]))

    def _reading(self, call: FunctionCall, briefing: Briefing) -> Reading:
        tool, _, action = call.name[:NAME_AT_MOST].partition(JOINT)
        reading = Reading(tool=tool or "?", action=action or "?")
        try:
            given = arguments(call.arguments)
        except Invalid as error:
            return reading.model_copy(update={"refused": str(error)})
        reading = reading.model_copy(update={"input": given})
        refused = self.checked.refuses(reading, briefing)
        return reading.model_copy(update={"refused": refused})

    def _stopped(self, rest: Sequence[Reading]) -> Reading:
        """One row for all that is left out."""
        names = ", ".join(dict.fromkeys(f"{one.tool} {one.action}" for one in rest[:5]))
        why = f"I stop after {self.limits.reads} reads. Also wanted: {names}."
        return rest[0].model_copy(update={"refused": why[:500], "title": "further reads"})

    def _late(self, briefing: Briefing, now: datetime) -> bool:
        if not briefing.evidence:
            return False
        began = min(one.at for one in briefing.evidence)
        return (now - began).total_seconds() > self.limits.seconds


def made(reading: Reading, others: Sequence[Evidence | Reading]) -> bool:
    """Whether this very read is among others."""
    key = (reading.tool, reading.action, reading.input)
    return any((one.tool, one.action, one.input) == key for one in others)
