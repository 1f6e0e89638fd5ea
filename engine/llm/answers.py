"""What the offline planner answers where there is nothing to draft."""

import re
from collections.abc import Sequence

from engine.domain.draft import Briefing, Outcome, OutcomeKind
from engine.llm import sentences
from engine.llm.findings import Findings
from engine.llm.grammar import Intent
from engine.llm.playbooks import Does, Playbook
from engine.llm.requests import Wanted
from engine.llm.scopes import CHOICES
from engine.ports import Services

CAN = {
    Does.ROLL_BACK: "roll back a change",
    Does.RESTORE: "put a revision back",
    Does.SET_VALUE: "set a value",
}
SLOW = re.compile(
    r"\b(?:slow\w*|latenc\w+|lag(?:s|gy|ging)?|sluggish|hang(?:s|ing)?|"
    r"tak(?:es?|ing) (?:\w+ )?long)\b",
    re.IGNORECASE,
)


class Answers:
    """Makes outcomes of the kinds answer, question, refuse and remark."""

    def __init__(self, services: Services, playbooks: Sequence[Playbook]) -> None:
        self._services = services
        self._playbooks = tuple(playbooks)

    def question(self, wanted: Wanted, found: Findings, words: str) -> Outcome:
        """Answer "what changed?", "is it healthy?" and "why?"."""
        told = self._told(wanted, found)
        latency = self._latency(wanted.service, found) if SLOW.search(words) else ""
        return _answer(f"{told} {latency}".strip())

    def _told(self, wanted: Wanted, found: Findings) -> str:
        if wanted.intent is Intent.CHANGES:
            return self._changes(wanted.service, found)
        if wanted.intent is Intent.CAUSE and found.healthy is False:
            return sentences.cause(found)
        return self._health(wanted.service, found)

    def nothing_to_do(self, service: str, found: Findings) -> Outcome:
        """The service is healthy, so a change would only be a risk."""
        return _answer(f"{sentences.healthy(service, found)} I did not draft anything.")

    def unlikely(self, service: str, found: Findings) -> Outcome:
        """It is not healthy, but no change is near enough to be undone without being asked."""
        change, last = found.suspect, found.last_change
        newest = change is not None and last is not None and change.commit == last.commit
        said = f"roll back {service}" if newest or change is None else f"revert {change.short}"
        undo = f'; say "{said}" to undo it' if change else ""
        text = f"{service} is not healthy: {sentences.facts(found)}. {sentences.cause(found)}"
        return _answer(f"{text} I did not draft anything{undo}.")

    def out_of_reach(self, thing: str) -> Outcome:
        """No tool covers it."""
        can = [CAN[one.does] for one in self._playbooks if one.does in CAN]
        way_out = f" I can {sentences.either(can)}." if can else ""
        text = f"I can't {thing[:120]}: no tool covers it.{way_out}"
        return Outcome(kind=OutcomeKind.REFUSE, text=text)

    def by_button(self) -> Outcome:
        """Words in a thread never decide."""
        text = "Words in the thread don't decide. Use the buttons on the card."
        return Outcome(kind=OutcomeKind.ANSWER, text=text)

    def unclear(self, briefing: Briefing) -> Outcome:
        """Ask what to do, with what there is to be done."""
        service = self._services.resolve(briefing.draft.context.service) or ""
        about = f" with {service}" if service else ""
        where = f" {service}" if service else ""
        choices = [f"roll back{where}"] if service and self._playbooks else []
        choices += [f"what changed in {service}?", f"is {service} healthy?"] if service else []
        if not service:
            choices = [f"is {name} healthy?" for name in self._looked_at()]
        return Outcome(
            kind=OutcomeKind.QUESTION,
            text=f"What shall I do{about}?",
            choices=tuple(choices[:CHOICES]),
        )

    def _looked_at(self) -> list[str]:
        return [name for name in self._services.names() if self._services.entry(name).get("health")]

    @staticmethod
    def _changes(service: str, found: Findings) -> str:
        change = found.last_change
        if change is None:
            return f"I could not read what changed in {service}."
        aged = f", {sentences.span(found.age)} ago" if found.age is not None else ""
        cite = sentences.cited(found, "changes")
        first = f"The last change of {service} is {sentences.who(change)}{aged}{cite}."
        return " ".join(
            filter(None, (first, sentences.changed(found, change), sentences.rate(found)))
        )

    def _latency(self, service: str, found: Findings) -> str:
        """Who asks why it is slow must hear whether that was looked at."""
        read = found.named.get("latency")
        if read and read.name == "latency" and (value := found.fact("latency", "value")):
            return f"Latency {value}{sentences.cited(found, 'latency')}."
        if self._has(service, "latency"):
            return "I could not look at its latency."
        return f"I did not look at its latency: {service} has no `metrics.latency` to look at."

    def _has(self, service: str, metric: str) -> bool:
        metrics = self._services.entry(service).get("metrics")
        return isinstance(metrics, dict) and bool(metrics.get(metric))

    def _health(self, service: str, found: Findings) -> str:
        if found.healthy is None:
            missing = [] if self._services.entry(service).get("health") else ["`health`"]
            missing += [] if self._has(service, "error_rate") else ["`metrics.error_rate`"]
            why = "nothing that I could look at shows it"
            if len(missing) == 2:
                why = f"its entry in the services file has no {' and no '.join(missing)}"
            return f"I can't tell how {service} is: {why}."
        if found.healthy:
            return sentences.healthy(service, found)
        return f"{service} is not healthy: {sentences.facts(found)}. {sentences.cause(found)}"


def _answer(text: str) -> Outcome:
    return Outcome(kind=OutcomeKind.ANSWER, text=text)
