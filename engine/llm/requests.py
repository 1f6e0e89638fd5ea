"""From words to a request: which service, where, which revision or value, and what is missing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from engine.domain.context import ContextRef
from engine.domain.draft import Briefing
from engine.domain.plan import Origin
from engine.llm import inquiries
from engine.llm.findings import LONG_COMMIT
from engine.llm.grammar import Asked, Intent, understand
from engine.llm.inquiries import About
from engine.llm.playbooks import Playbook
from engine.llm.scopes import CHOICES, Unclear
from engine.llm.words import Lexicon, lexicon, texts
from engine.ports import Services

NAMED = re.compile(
    r"\b(?:run|use|start|execute|apply|follow|do|try|play|draft|with|from) "
    r"(?:the |our |a )?playbook\b"
)
# Where a team's own phrase tells more than what the grammar makes of the words ("slow drill").
PHRASED = (Intent.NOTHING, Intent.UNSURE, Intent.OTHER, Intent.CAUSE, Intent.FIX)
UNKNOWN = "I know no service {}. Which one do you mean?"
SPEAKER = re.compile(r"^[^:\n]{1,60}: ")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, and what about. `playbook` is set where one was asked for directly."""

    asked: Asked
    context: ContextRef
    playbook: Playbook | None = None

    @property
    def intent(self) -> Intent:
        return self.asked.intent

    @property
    def service(self) -> str:
        return self.context.service


class Requests:
    """Reads briefings."""

    def __init__(self, services: Services, playbooks: Sequence[Playbook]) -> None:
        self._services = services
        self._playbooks = tuple(playbooks)

    def read(self, briefing: Briefing, keys: Sequence[str] = ()) -> Wanted:
        """Say what a briefing asks for. `keys` are settings that evidence has shown.

        Raises:
            Unclear: a service or a place must be asked for.
        """
        asked = self.asked(briefing, keys)
        playbook = self.directly(briefing, asked)
        if asked.intent in (Intent.NOTHING, Intent.UNSURE, Intent.DECIDE) and playbook is None:
            return Wanted(asked, briefing.draft.context)
        return Wanted(asked, self._where(briefing, asked), playbook)

    def asked(self, briefing: Briefing, keys: Sequence[str] = ()) -> Asked:
        """What the words ask for, before it is known what about."""
        if briefing.draft.origin is Origin.ALERT:
            return Asked(Intent.FIX)  # an alert's words are data: its labels choose, not they
        known = lexicon(self._services, self._keys(briefing, keys), _revisions(briefing))
        talking = briefing.current is not None
        asked = understand(briefing.draft.text, known, talking=talking)
        if asked.bare:
            return self._completed(briefing, asked, known)
        if asked.intent is Intent.SET_VALUE and asked.value and not (asked.key or asked.thing):
            return replace(asked, key=next(_current_keys(briefing), ""))
        if self._of_any_words(briefing, asked):
            return replace(asked, intent=Intent.HEALTH)
        return asked

    @staticmethod
    def _of_any_words(briefing: Briefing, asked: Asked) -> bool:
        """Whether it is a question about a known service, in words that no form knows."""
        text = briefing.draft.text.strip()
        return (
            asked.intent in (Intent.NOTHING, Intent.UNSURE)
            and len(asked.services) == 1
            and briefing.current is None
            and text.endswith("?")
            and inquiries.about(text.casefold()) in (About.HEALTH, About.CAUSE)
        )

    def _completed(self, briefing: Briefing, answer: Asked, known: Lexicon) -> Asked:
        """A bare "prod/eu-1" answers a question: it completes what was asked before."""
        for line in reversed(briefing.history):
            said = SPEAKER.sub("", line)
            before = understand(said, known)
            if said != briefing.draft.text and before.intent not in (Intent.NOTHING, Intent.UNSURE):
                services, place = answer.services or before.services, answer.place or before.place
                return replace(before, services=services, place=place, doubt="")
        return answer

    def directly(self, briefing: Briefing, asked: Asked) -> Playbook | None:
        """The playbook that an alert's labels or a phrase of the message asks for."""
        if named := self.named(briefing):
            return named
        if asked.intent is Intent.FIX:
            for playbook in self._playbooks:
                if playbook.matches(briefing.draft.labels):
                    return playbook
        if asked.intent in PHRASED and "?" not in briefing.draft.text:
            said = _folded(briefing.draft.text)
            for playbook in self._playbooks:
                if any(f" {phrase.casefold()} " in said for phrase in playbook.phrases):
                    return playbook
        return None

    def named(self, briefing: Briefing) -> Playbook | None:
        """The playbook that somebody asks for by its title.

        Raises:
            Unclear: there is none of that title.
        """
        said = _folded(briefing.draft.text)
        if briefing.draft.origin is Origin.ALERT or not NAMED.search(said):
            return None
        found = [one for one in self._playbooks if _folded(one.title) in said]
        if found:
            return max(found, key=lambda one: len(one.title))
        titles = [one.title for one in self._playbooks]
        listed = ", ".join(titles) or "none"
        raise Unclear(
            f"I know no playbook of that name. There are: {listed}.",
            [f"run the playbook {title}" for title in titles],
        )

    def _where(self, briefing: Briefing, asked: Asked) -> ContextRef:
        base = briefing.current.context if briefing.current else briefing.draft.context
        service = self._service(briefing, asked, base)
        entry = self._services.entry(service)
        context = base.model_copy(
            update={"service": service, "namespace": str(entry.get("namespace", ""))}
        )
        if base.service and base.service != service:
            context = context.model_copy(update={"cluster": base.cluster})
        said = asked.place or ("" if context.environment else _labelled(briefing))
        return self._placed(context, said, texts(entry.get("places")))

    def _service(self, briefing: Briefing, asked: Asked, base: ContextRef) -> str:
        if len(asked.services) > 1:
            text = f"One service at a time: {' or '.join(asked.services[:CHOICES])}?"
            raise Unclear(text, asked.services)
        if asked.services:
            return asked.services[0]
        if asked.doubt:
            raise Unclear(UNKNOWN.format(asked.doubt), self._near(asked.doubt))
        label = briefing.draft.labels.get("service", "")
        found = self._services.resolve(base.service or label) if base.service or label else None
        if found is None:
            asks = asked.intent in (Intent.HEALTH, Intent.CAUSE, Intent.CHANGES)
            if asks and (word := inquiries.unknown(briefing.draft.text.casefold())):
                raise Unclear(UNKNOWN.format(word), self._near(word))
            raise Unclear("Which service?", self._near(""))
        return found

    def _near(self, word: str) -> list[str]:
        names = self._services.names()
        near = get_close_matches(word, names, n=CHOICES, cutoff=0.7)
        return near or [name for name in names if self._services.entry(name).get("gitops")] or names

    def _placed(self, context: ContextRef, said: str, places: Sequence[str]) -> ContextRef:
        """Narrow the places that a service has by what was said, then by what is known already."""
        fitting = [place for place in places if _fits(place, said)]
        if said and not fitting:
            raise Unclear(
                f"{context.service} does not run in {said.lstrip('/')}. Which one do you mean?",
                places,
            )
        known = f"{context.environment}/{context.cluster}".strip("/")
        if len(fitting) > 1 and known:
            fitting = [place for place in fitting if _fits(place, known)] or fitting
        if len(fitting) > 1:
            raise Unclear(f"Which {context.service}?", fitting)
        environment, _, cluster = (fitting or [known])[0].partition("/")
        return context.model_copy(update={"environment": environment, "cluster": cluster})

    @staticmethod
    def _keys(briefing: Briefing, keys: Sequence[str]) -> list[str]:
        return [*keys, *_current_keys(briefing)]


def _folded(text: str) -> str:
    """Only its words, each between blanks."""
    return f" {' '.join(re.findall(r'[a-z0-9_]+', text.casefold()))} "


def _labelled(briefing: Briefing) -> str:
    """Where an alert says that it is; it counts only if the service runs there."""
    labels = briefing.draft.labels
    return "/".join(filter(None, (labels.get("environment", ""), labels.get("cluster", ""))))


def _current_keys(briefing: Briefing) -> Iterator[str]:
    for step in briefing.current.steps if briefing.current else ():
        if isinstance(key := step.call.input.get("key"), str):
            yield key


def _revisions(briefing: Briefing) -> list[str]:
    seen = [one for one in briefing.evidence if one.tool == "git"]
    told = [text for one in seen for text in (*one.facts.values(), one.body)]
    return [commit for text in told for commit in LONG_COMMIT.findall(text)]


def _fits(place: str, said: str) -> bool:
    """`prod/eu-1` fits `prod`, `/eu-1` and itself."""
    if said.startswith("/"):
        return place.endswith(said)
    return place == said or place.split("/")[0] == said or not said
