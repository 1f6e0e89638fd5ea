"""The grammar of operations: from a message to its orders, each with what it says and leaves out.

A message is cut into segments. A segment is an order when a verb stands where an order has its
verb, or when nothing but a verb, names and numbers is in it ("cart restart prod").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.llm import patterns as form
from engine.llm import verbs
from engine.llm.amounts import amount
from engine.llm.chores import Chore, chore, nodes_in, pods_in, related
from engine.llm.grammar import Segment, is_bare
from engine.llm.reach import Beyond, beyond, unknown_tool
from engine.llm.slots import SMALL, Order, assigns, named, slots
from engine.llm.verbs import LEXEMES, Verb
from engine.llm.words import Kind, Lexicon, Word, read

ENDS = frozenset(".?!;\n")
JOINS = frozenset({"and", "then", "but", "&", "+", "plus", "also", "or"})


@dataclass(frozen=True, slots=True)
class Message:
    """What a message holds. `later` and `condition` are the words that make an order wait.

    `bare`: it only names services and places. `waiting`: an order stands behind its
    condition, in the same sentence.
    """

    orders: tuple[Order, ...] = ()
    chores: tuple[Chore, ...] = ()
    negated: tuple[str, ...] = ()
    beyond: Beyond | None = None
    questions: tuple[Segment, ...] = ()
    symptom: str = ""
    condition: str = ""
    waiting: bool = False
    later: str = ""
    services: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    bare: bool = False


def orders(text: str, known: Lexicon) -> Message:
    """Read a message."""
    words = read(text, known)
    found = Message(
        services=named(words),
        places=tuple(word.value for word in words if word.kind is Kind.PLACE),
        pods=pods_in(words),
        nodes=nodes_in(words),
        bare=is_bare(words),
    )
    for part, question in _segments(words):
        found = _add(found, Segment(part), question=question)
    return _related(found)


def _segments(words: Sequence[Word]) -> Iterator[tuple[list[Word], bool]]:
    part: list[Word] = []
    for index, word in enumerate(words):
        ends = word.kind is Kind.WORD and word.text in ENDS
        if ends or _begins(words, index, part):
            if part:
                yield part, word.text == "?"
            part = []
        else:
            part.append(word)
    if part:
        yield part, False


def _begins(words: Sequence[Word], index: int, before: Sequence[Word]) -> bool:
    """Whether a comma or an "and" has another sentence behind it, and not another name."""
    word = words[index]
    if word.kind is not Kind.WORD or word.text not in JOINS | {",", ":"}:
        return False
    rest = Segment(words[index + 1 : index + 12])
    text = rest.text
    while text.split(" ", 1)[0] in JOINS | {","}:
        text = text.partition(" ")[2]
    text = text[len(_lead(text)) :]
    if OWN_NUMBER.match(text):
        return any(word.kind in (Kind.NUMBER, Kind.VERSION) for word in before)
    if word.text == ",":
        return not re.match(
            r"(?:(?:and|the|our) )*(?:<svc>|<place>)(?: |$)(?!(?:is|are|was|has|looks|seems|keeps|"
            r"needs)\b)",
            text,
        )
    return _opens(text)


OWN_NUMBER = re.compile(r"(?:the )?<svc> (?:to |at |-> |= )?(?:<num>|<ver>)")


def _lead(text: str) -> str:
    found = verbs.LEAD.match(text)
    return found[0] if found else ""


def _opens(text: str) -> bool:
    """Whether a text begins with an order, a negation or a question."""
    if verbs.NEGATED.match(text) or form.QUESTION_WORD.match(text) or verbs.TAKE.match(text):
        return True
    return any(one.order.match(text) for one in LEXEMES) or bool(
        form.OTHER.match(text)
        or form.FIX.match(text)
        or re.match(r"<svc> <num>|(?:tell|show|check|know)\b|(?:<svc> )?to <num>", text)
    )


def _add(found: Message, segment: Segment, *, question: bool) -> Message:
    """Take over what one segment says."""
    told = form.TOLD.match(segment.text) and not WANTS.match(segment.text)
    if told or segment.text.startswith("@"):
        return found  # said by, or to, somebody else
    whole = segment
    segment = segment.without(verbs.POLITE_CONDITION.search(segment.text))
    segment, led = _bare(segment)
    segment = segment.without(form.REASON.search(segment.text))
    segment = segment.without(verbs.INSTEAD.search(segment.text))
    upkeep = chore(segment, found.pods)
    if refused := beyond(segment, upkeep=upkeep is not None):
        return replace(found, beyond=found.beyond or refused)
    if upkeep:
        return replace(found, chores=(*found.chores, upkeep))
    if verbs.NEGATED.match(segment.text):
        return _negation(found, segment)
    if begins := verbs.BEGINS_CONDITION.match(segment.text):
        ordered = any(one.order.search(segment.text) for one in LEXEMES)
        waiting = found.waiting or ordered
        return replace(found, condition=begins[0].strip(), waiting=waiting)
    if _asks(segment) or verbs.MAY_I.match(whole.text):
        return replace(found, questions=(*found.questions, whole))
    order = _order(segment, led=led)
    if order is None:
        return _told(found, segment, whole, question=question)
    condition = verbs.CONDITION.search(segment.text)
    later = verbs.LATER.search(segment.text)
    return replace(
        found,
        orders=(*found.orders, order),
        condition=found.condition or (condition[0].strip() if condition else ""),
        later=found.later or (_written(segment, later) if later else ""),
    )


def _bare(segment: Segment) -> tuple[Segment, str]:
    """The segment less politeness and less a place or name in front; they stay its slots."""
    led = ""
    front: list[Word] = []
    for _ in range(3):
        lead = verbs.LEAD.match(segment.text)
        if lead and lead[0].strip():
            led += lead[0]
            segment = segment.without(lead)
        fronted = verbs.FRONTED.match(segment.text)
        if fronted is None or not _is_front(fronted, segment.text[fronted.end() :]):
            break
        count = len(fronted[0].split())
        front += segment.words[:count]
        segment = Segment(segment.words[count:])
    named = [word for word in front if word.kind in (Kind.SERVICE, Kind.PLACE)]
    return Segment([*segment.words, *named]), led


def _is_front(fronted: re.Match[str], rest: str) -> bool:
    """Whether a name or place in front leaves a sentence behind it."""
    apart = fronted["mark"] or fronted["preposition"]
    return bool(apart and (_opens(rest) or _lead(rest)))


def _asks(segment: Segment) -> bool:
    """Whether it begins as a question does; "do a restart" and "do something" do not."""
    text = segment.text
    done = re.match(r"(?:do|have|has) (?:(?:a|an|the|another|some|one)\b|<num>)", text)
    return bool(form.QUESTION_WORD.match(text)) and not (done or form.FIX.match(text))


def _negation(found: Message, segment: Segment) -> Message:
    places = tuple(word.value for word in segment.words if word.kind is Kind.PLACE)
    is_scope = re.fullmatch(
        r"(?:do )?not (?:(?:in|on|to|for|the) )*(?:<place>|<svc>)(?: \S+)?", segment.text
    )
    if is_scope and found.orders:
        last = found.orders[-1]
        kept = tuple(one for one in last.services if one not in named(segment.words))
        last = replace(last, excluded=(*last.excluded, *places), services=kept)
        return replace(found, orders=(*found.orders[:-1], last))
    said = " ".join(word.raw for word in segment.words)
    return replace(found, negated=(*found.negated, said))


def _written(segment: Segment, match: re.Match[str]) -> str:
    """The words of a match as they were written."""
    first = segment.text[: match.start()].count(" ") + match[0].startswith(" ")
    return " ".join(word.raw for word in segment.words[first : first + len(match[0].split())])


def _told(found: Message, segment: Segment, whole: Segment, *, question: bool) -> Message:
    """A segment without an order: a question in other words, a symptom, names, or nothing."""
    asking = (form.CAUSE, form.CHANGES, form.HEALTH, LOOKING)
    if question or any(pattern.match(segment.text) for pattern in asking):
        return replace(found, questions=(*found.questions, whole))
    if not form.FIX.match(segment.text) and (refused := unknown_tool(segment)):
        return replace(found, beyond=found.beyond or refused)
    if form.FIX.match(segment.text) or SYMPTOM.search(whole.text):
        said = " ".join(word.raw for word in whole.words)
        return replace(found, symptom=found.symptom or said)
    return found


LOOKING = re.compile(
    r"(?:show|list|get|know|tail|fetch|print|display|describe|see|tell|give|check|read|count|find|look|"
    r"status|health|logs?|metrics|owners?|dependencies|dependents|history|alerts|events)(?!\w)"
)
SYMPTOM = re.compile(
    r"\b(?:down|broken|failing|fails|failed|slow|sluggish|unhealthy|degraded|dead|dying|crash\w*|"
    r"oom\w*|stuck|hung|hanging|hangs|errors?|erroring|timeouts?|timing out|5xx|500s?|502s?|503s?|"
    r"504s?|unavailable|unresponsive|flapping|outage|on fire|burning|latency|leaking|spiking|"
    r"overloaded|unreachable|misbehaving|struggling|not (?:working|responding|ready|healthy|"
    r"starting|loading)|acting up|weird|bad|red|alerting|paging|broke|cannot (?:pay|log in|login|"
    r"check out|order))(?!\w)"
)


def _order(segment: Segment, *, led: str) -> Order | None:
    """The order of a segment, by where its verb stands."""
    text = segment.text
    verb = _verb(text, led)
    if verb is None:
        verb = _taken(segment)
    if verb is None:
        verb = _telegraphic(segment)
    return slots(verb, segment) if verb else None


def _verb(text: str, led: str) -> Verb | None:
    gerund = bool(verbs.GERUND_LEAD.search(led))
    if re.search(r"(?:get|have|want|need|like) $", led):
        text = f"get {text}"  # "could we get web restarted"
    for one in LEXEMES:
        if one.order.match(text) or (gerund and one.other.match(text)):
            return _settled(one.verb, text)
    for lead in (verbs.NEEDS, verbs.DRAFT, verbs.GOT):
        if match := lead.match(text):
            rest = text[match.end() :]
            for one in LEXEMES:
                if one.other.match(rest) or (lead is not verbs.GOT and one.order.match(rest)):
                    return _settled(one.verb, text)
    return None


def _settled(verb: Verb, text: str) -> Verb:
    """Words that mean something else with what they stand with."""
    if (
        verb is Verb.DEPLOY
        and verbs.REPLICAS.search(text)
        and "<ver>" not in text
        and "<img>" not in text
        and "<num>" in text
    ):
        return Verb.SCALE
    if verb is Verb.ROLL_BACK and "<key>" in text and "<num>" in text:
        return Verb.SET
    return verb


def _taken(segment: Segment) -> Verb | None:
    """The verb of "use", "set", "give" and the like, by what stands with them."""
    text = segment.text
    if form.ASSIGN.match(text) or (form.ADJUST.match(text) and "<key>" in text):
        return Verb.SET
    if not (verbs.TAKE.match(text) or verbs.NEEDS.match(text) or COUNTS.match(text)):
        return None
    if verbs.ADJUSTED.match(text):
        return Verb.SCALE
    if verbs.REPLICAS.search(text) and (amount(segment).told or MORE.search(text)):
        return Verb.SCALE
    if _versioned(text):
        return Verb.DEPLOY
    if form.TAKE_REVISION.match(text) or form.TAKE_PREVIOUS.match(text):
        return Verb.ROLL_BACK
    return Verb.SET if assigns(segment) else None


def _versioned(text: str) -> bool:
    """Whether it is about a version, also one that is not named."""
    if "<ver>" in text or "<img>" in text:
        return True
    if BUMPED.match(text) and "<num>" in text:
        return True
    return bool(TAKES.match(text) and VERSIONED.search(text))


WANTS = re.compile(r"(?:the )?<svc> (?:\S+ ){0,2}wants ")
COUNTS = re.compile(r"(?:<num>|more|fewer|less) ")
MORE = re.compile(r"\b(?:more|fewer|less|extra|additional)\b")
BUMPED = re.compile(r"(?:bump|update) (?:the )?<svc> (?:to |version |up to )+<num>")
TAKES = re.compile(r"(?:use|run|take|install|put|get|bump|update|move|switch|upgrade)\b")
VERSIONED = re.compile(r"\b(?:version|image|tag|build|release)(?!\w)")


def _telegraphic(segment: Segment) -> Verb | None:
    """A verb among nothing but names, places and numbers."""
    rest = [
        word for word in segment.words if word.kind is Kind.WORD and not SMALL.fullmatch(word.text)
    ]
    services = [word for word in segment.words if word.kind is Kind.SERVICE]
    text = Segment(rest).text
    if not rest:
        kinds = {word.kind for word in segment.words}
        if services and kinds & {Kind.VERSION, Kind.IMAGE}:
            return Verb.DEPLOY
        if (
            verbs.REPLICAS.search(segment.text)
            and Kind.NUMBER in kinds
            and (services or len(segment.words) < 5)
        ):
            return Verb.SCALE
        if services and re.search(r"<svc> (?:in <place> )?(?:to|=|->|x) <num>", segment.text):
            return Verb.SCALE
        return None
    for one in LEXEMES:
        if (one.order.fullmatch(text) or one.other.fullmatch(text)) and (
            services or len(rest) == len(segment.words)
        ):
            past = text.endswith("ed") or text in ("undone", "rolled back")
            return None if past else _settled(one.verb, segment.text)
    return None


def _related(found: Message) -> Message:
    """Names and places of one order hold for the next one too, and for one that had none."""
    services: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    filled: list[Order] = []
    for order in found.orders:
        services = order.services or services
        places = order.places or places
        doubted = bool(order.doubt)
        filled.append(
            replace(order, services=order.services if doubted else services, places=places)
        )
    later_services = next((one.services for one in filled if one.services), ())
    later_places = next((one.places for one in filled if one.places), ())
    spoken = found.services if len(found.services) == 1 else ()
    about = tuple(
        place for place in found.places if place not in {x for o in filled for x in o.excluded}
    )
    return replace(
        found,
        chores=related(found.chores, about, found.nodes),
        orders=tuple(
            replace(
                one,
                services=one.services or (() if one.doubt else later_services or spoken),
                places=one.places or later_places or about,
            )
            for one in filled
        ),
    )
