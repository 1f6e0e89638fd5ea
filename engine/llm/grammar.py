"""A small grammar of requests: what a sentence asks for, by its form and not by a list.

A sentence asks for something when its verb stands where an order's verb stands: first, after
words of politeness or of going-on. What is told, quoted, negated or conditional asks for nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.llm import patterns as form
from engine.llm.words import Kind, Lexicon, Word, read


class Intent(StrEnum):
    """What is asked for; of several in one message the first of this order counts."""

    SET_VALUE = "set_value"
    RESTORE = "restore"
    ROLL_BACK = "roll_back"
    OTHER = "other"
    FIX = "fix"
    CAUSE = "cause"
    CHANGES = "changes"
    HEALTH = "health"
    DECIDE = "decide"
    UNSURE = "unsure"
    NOTHING = "nothing"


ORDER = tuple(Intent)
CHANGING = frozenset({Intent.SET_VALUE, Intent.RESTORE, Intent.ROLL_BACK, Intent.OTHER, Intent.FIX})
ENDS = frozenset(".?!;\n")
BREAKS = frozenset({",", "but"})
ARTICLES = ("in", "on", "the", "a", "for", "it", "is", "and", "one", "that")
MARKS = (",", ".", "!", "?")
FILLER = frozenset({*ARTICLES, *MARKS, "please", "cluster", "environment", "service", "use"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as the words alone tell.

    `thing` is what an order outside the grammar is about, `doubt` a word that stands where a
    service should stand. `whose` and `subject` describe a change; `several` are the settings of a
    message that sets more than one. `bare`: the message only names a service or a place.
    """

    intent: Intent
    services: tuple[str, ...] = ()
    place: str = ""
    revision: str = ""
    key: str = ""
    value: str = ""
    thing: str = ""
    doubt: str = ""
    whose: str = ""
    subject: str = ""
    several: tuple[str, ...] = ()
    bare: bool = False


class Segment:
    """Part of a clause: its words, and the same as the patterns see them."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = list(words)
        self.text = " ".join(word.pattern for word in words)

    def without(self, match: re.Match[str] | None) -> "Segment":
        """The segment less what a pattern matched."""
        if match is None or not match[0].strip():
            return self
        first = self._index(match.start())
        count = len(match[0].split())
        first += match[0].startswith(" ")
        return Segment(self.words[:first] + self.words[first + count :])

    def at(self, match: re.Match[str], group: str) -> str:
        """What was written where a group matched; empty where it did not."""
        if match.groupdict().get(group) is None:
            return ""
        word = self.words[self._index(match.start(group))]
        return word.value or word.raw

    def first(self, kind: Kind) -> str:
        """What the first word of a kind stands for."""
        return next((word.value for word in self.words if word.kind is kind), "")

    def written(self, match: re.Match[str], group: str) -> str:
        """The words of a group, as they were written."""
        count = len(match[group].split())
        start = self._index(match.start(group) + match[group].startswith(" "))
        return " ".join(word.raw for word in self.words[start : start + count])

    def _index(self, position: int) -> int:
        return self.text[:position].count(" ")


def understand(text: str, known: Lexicon, *, talking: bool = False) -> Asked:
    """Say what a message asks for. `talking`: there is a plan that the message may correct."""
    words = read(text, known)
    found = [
        asked
        for clause, question in _clauses(words)
        for asked in _clause(clause, talking=talking, question=question)
    ]
    best = _one_of(found)
    services = tuple(dict.fromkeys(word.value for word in words if word.kind is Kind.SERVICE))
    places = [word.value for word in words if word.kind is Kind.PLACE]
    return replace(
        best,
        services=services,
        place=_one_place(places),
        doubt="" if services else best.doubt,
        several=_several(words) if best.intent is Intent.SET_VALUE else (),
        bare=best.intent is Intent.NOTHING and is_bare(words),
    )


def _one_of(found: Sequence[Asked]) -> Asked:
    """The request of a message. An order that can't be met is told, never dropped."""
    best = min(found, key=_rank, default=Asked(Intent.NOTHING))
    other = next((one for one in found if one.intent is Intent.OTHER), None)
    return other or best


def _several(words: Sequence[Word]) -> tuple[str, ...]:
    """The assignments of a message that has more than one."""
    whole = Segment(words)
    found = {
        whole.at(match, "key"): whole.at(match, "value") for match in form.PAIR.finditer(whole.text)
    }
    return tuple(f"set {key} to {value}" for key, value in found.items()) if len(found) > 1 else ()


def _rank(asked: Asked) -> tuple[int, bool]:
    return ORDER.index(asked.intent), not asked.key


def _one_place(places: Sequence[str]) -> str:
    """`prod` and `/eu-1` together are `prod/eu-1`."""
    environment = next((place for place in places if not place.startswith("/")), "")
    cluster = next((place for place in places if place.startswith("/")), "")
    return environment if "/" in environment else environment + cluster


def is_bare(words: Sequence[Word]) -> bool:
    """Whether a message only names services and places."""
    names = [word for word in words if word.kind in (Kind.SERVICE, Kind.PLACE)]
    return bool(names) and all(word in names or word.text in FILLER for word in words)


def _clauses(words: Sequence[Word]) -> Iterator[tuple[list[Word], bool]]:
    clause: list[Word] = []
    for word in words:
        if word.kind is Kind.WORD and word.text in ENDS:
            yield clause, word.text == "?"
            clause = []
        else:
            clause.append(word)
    yield clause, False


def _clause(words: Sequence[Word], *, talking: bool, question: bool) -> Iterator[Asked]:
    whole = Segment(words)
    conditional = bool(form.CONDITION.search(whole.text))
    forward = bool(form.FORWARD.search(whole.text))
    for segment in _segments(whole):
        asked = _segment(segment, assigning=talking or forward)
        if asked is None:
            continue
        if conditional and asked.intent in CHANGING:
            asked = Asked(Intent.UNSURE)
        if question and asked.intent is Intent.DECIDE:
            continue
        yield asked


def _segments(whole: Segment) -> Iterator[Segment]:
    part: list[Word] = []
    for index, word in enumerate(whole.words):
        following = whole.words[index + 1].text if index + 1 < len(whole.words) else ""
        if word.kind is Kind.WORD and (word.text in BREAKS or _joins(word.text, following)):
            yield Segment(part)
            part = []
        else:
            part.append(word)
    yield Segment(part)


def _joins(word: str, following: str) -> bool:
    """Whether "and" or "then" begins another order."""
    return word in ("and", "then") and bool(form.OTHER.match(following))


def _segment(segment: Segment, *, assigning: bool) -> Asked | None:
    """What one segment asks for; None when nothing."""
    segment = segment.without(form.INSTEAD_OF.search(segment.text))
    if form.TOLD.match(segment.text) or segment.text.startswith("@"):
        return None  # said by, or to, somebody else
    if question := _question(segment, strict=True):
        return question
    lead = form.PREAMBLE.match(segment.text)
    segment = segment.without(lead)
    segment = segment.without(form.REASON.search(segment.text))
    if not segment.words or form.NEGATED.match(segment.text):
        return None
    led = bool(lead and lead[0].strip())
    for reading in (_value, _revision, _back, _forward, _adjustment):
        if asked := reading(segment, assigning=assigning or led):
            return asked
    return _question(segment, strict=False) or _rest(segment, led=led)


def _value(segment: Segment, *, assigning: bool) -> Asked | None:
    if form.REPLICAS.search(segment.text) and Kind.NUMBER.value in segment.text:
        return Asked(Intent.OTHER, thing="scale")
    known = form.ASSIGNMENTS + (form.CORRECTIONS if assigning else ())
    for pattern in known:
        if match := pattern.match(segment.text):
            return _assignment(segment, match)
    if match := form.SET_WORD.match(segment.text):
        return replace(_assignment(segment, match), key=segment.at(match, "key"))
    if match := form.SET_UNKNOWN.match(segment.text):
        return replace(_assignment(segment, match), thing=segment.written(match, "thing"))
    if match := form.VALUE_ORDER.match(segment.text):
        return _assignment(segment, match)
    return None


def _assignment(segment: Segment, match: re.Match[str]) -> Asked:
    value = segment.at(match, "word") or segment.at(match, "number")
    return Asked(Intent.SET_VALUE, key=segment.first(Kind.KEY), value=value)


def _revision(segment: Segment, *, assigning: bool) -> Asked | None:
    revision = segment.first(Kind.REVISION)
    if not revision:
        return None
    back = form.ROLL_BACK.match(segment.text)
    if back and form.TO_REVISION.search(segment.text):
        return Asked(Intent.RESTORE, revision=revision)
    if form.TAKE_REVISION.match(segment.text):
        return Asked(Intent.RESTORE, revision=revision)
    if assigning and form.BARE_REVISION.match(segment.text):
        return Asked(Intent.RESTORE, revision=revision)
    return None


def _back(segment: Segment, *, assigning: bool) -> Asked | None:
    del assigning
    forms = (
        form.ROLL_BACK,
        form.ROLL_BACK_NOUN,
        form.NEEDS_BACK,
        form.WANT_BACK,
        form.TAKE_PREVIOUS,
        form.TO_PREVIOUS,
    )
    match = next((found for one in forms if (found := one.match(segment.text))), None)
    if match is None:
        return None
    doubt = form.DOUBT.match(segment.text[match.end() :])
    word = doubt["doubt"] if doubt else ""
    described = bool(form.CHANGE_NOUN.search(segment.text[match.end() :]))
    return Asked(
        Intent.ROLL_BACK,
        revision=segment.first(Kind.REVISION),
        doubt="" if described else word,
        whose=word if described else "",
        subject=next((one.text for one in segment.words if one.kind is Kind.QUOTE), ""),
    )


def _forward(segment: Segment, *, assigning: bool) -> Asked | None:
    """A forward fix, perhaps without a value yet."""
    del assigning
    match = form.FORWARD.search(segment.text)
    if match is None:
        return None
    rest = Segment(segment.words[len(segment.text[: match.end()].split()) :])
    return _value(rest, assigning=True) or Asked(Intent.SET_VALUE)


def _adjustment(segment: Segment, *, assigning: bool) -> Asked | None:
    """A setting is to become something else; what, must be asked."""
    del assigning
    key = segment.first(Kind.KEY)
    return Asked(Intent.SET_VALUE, key=key) if key and form.ADJUST.match(segment.text) else None


def _question(segment: Segment, *, strict: bool) -> Asked | None:
    """Questions by their first word; those that look like orders only after the orders."""
    asking = (
        (form.CAUSE, Intent.CAUSE),
        (form.CHANGES, Intent.CHANGES),
        (form.HEALTH, Intent.HEALTH),
        (form.FIX, Intent.FIX),
    )
    for pattern, intent in asking:
        if pattern.match(segment.text) and (not strict or form.QUESTION_WORD.match(segment.text)):
            return Asked(intent)
    return None


def _rest(segment: Segment, *, led: bool) -> Asked | None:
    if form.DECIDE.match(segment.text):
        return Asked(Intent.DECIDE, thing=segment.words[0].raw)
    if match := form.OTHER.match(segment.text):
        return Asked(Intent.OTHER, thing=segment.written(match, "all"))
    if form.CHATTER.match(segment.text):
        return None
    return Asked(Intent.UNSURE) if led else None
