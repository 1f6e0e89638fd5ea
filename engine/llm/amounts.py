"""How many: "to 5", "by two", "3 more", "double", as an order to scale says it."""

import re
from dataclasses import dataclass, replace

from engine.llm.grammar import Segment
from engine.llm.words import Kind, Word

NAMES = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty"
)
COUNT = {name: str(number) for number, name in enumerate(NAMES.split("|"))} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "dozen": "12",
    "nil": "0",
}
NOUN = (
    r"(?:replicas?|instances?|pods?|copies|copy|workers?|containers?|nodes?|machines?|units?)(?!\w)"
)
SMALL = r"(?:(?:<svc>|<place>|the|a|an|more|extra|additional|new|in) )*"
BY = (
    re.compile(r"\bby (?:a |another )?<num>"),
    re.compile(rf"<num> (?:{SMALL})?(?:more|extra|additional|further|fewer|less)\b"),
    re.compile(r"\b(?:another|additional|extra) <num>"),
    re.compile(rf"^(?:add|remove|drop|spin up|take away|start|cut) {SMALL}<num>"),
)
TO = (
    re.compile(
        r"\b(?:to|at|into|=|->|:|up to|down to|exactly|total of|count of) (?:be )?(?:exactly |"
        r"just |only )?<num>"
    ),
    re.compile(rf"<num> {SMALL}{NOUN}"),
    re.compile(
        rf"{NOUN} (?:count )?(?:(?:of|for|in|on|<svc>|<place>|the) )*(?:=|to|:|->|is|at)? ?<num>"
    ),
)
FACTORS = (
    (re.compile(r"\b(?:double|doubled|doubling|twice|2x|x2)(?!\w)"), 2),
    (re.compile(r"\b(?:triple|tripled|thrice|3x|x3)(?!\w)"), 3),
    (re.compile(r"\b(?:quadruple|4x|x4)(?!\w)"), 4),
)
HALF = re.compile(r"\b(?:halve|halved|half)(?!\w)")
LARGE = re.compile(r"\b(?:hundreds?|thousands?|millions?|billions?|gazillion|infinity|infinite)\b")
LESS = re.compile(
    r"\b(?:down|fewer|less|remove|drop|decrease|reduce|lower|cut|shrink|downscale)(?!\w)"
)
MORE_ONLY = re.compile(r"\b(?:up|more|extra|additional|out|increase|raise|bump|upscale)(?!\w)")


@dataclass(frozen=True, slots=True)
class Amount:
    """`to` is a count as it was written; `by` a difference; `factor` what to multiply with."""

    to: str = ""
    by: int = 0
    factor: float = 0
    several: bool = False

    @property
    def told(self) -> bool:
        return bool(self.to or self.by or self.factor or self.several)


def amount(segment: Segment) -> Amount:
    """What a segment says about how many."""
    if large := LARGE.search(segment.text):
        return Amount(to=large[0])
    segment = Segment([_counted(word) for word in segment.words])
    text = segment.text
    for pattern, factor in FACTORS:
        if pattern.search(text):
            return Amount(factor=factor)
    if HALF.search(text):
        return Amount(factor=0.5)
    for pattern in BY:
        if match := pattern.search(text):
            return _difference(_number(segment, match), text)
    return _count(segment)


def _count(segment: Segment) -> Amount:
    for pattern in TO:
        if match := pattern.search(segment.text):
            return Amount(to=_number(segment, match), several=_other(segment, match))
    numbers = [word.value for word in segment.words if word.kind is Kind.NUMBER]
    return Amount(to=numbers[0] if numbers else "", several=len(set(numbers)) > 1)


def _other(segment: Segment, match: re.Match[str]) -> bool:
    """Whether there is a second number that is not where it comes from."""
    rest = re.sub(r"\bfrom <num>|<num> (?:->|to) (?=<num>)", "", segment.text)
    del match
    return len(re.findall("<num>", rest)) > 1 or bool(re.search(r"<num> or <num>", rest))


def _difference(number: str, text: str) -> Amount:
    if not re.fullmatch(r"\d{1,6}", number):
        return Amount(to=number)
    return Amount(
        by=-int(number) if LESS.search(text) and not re.search(r"\bmore\b", text) else int(number)
    )


def _number(segment: Segment, match: re.Match[str]) -> str:
    first = segment.text[: match.start()].count(" ") + match[0].startswith(" ")
    words = segment.words[first : first + len(match[0].split())]
    found = [word.value for word in words if word.kind is Kind.NUMBER]
    return found[-1] if found else ""


def _counted(word: Word) -> Word:
    """Number words are numbers where something is counted."""
    if word.kind is Kind.WORD and word.text in COUNT:
        return replace(word, kind=Kind.NUMBER, value=COUNT[word.text])
    return word
