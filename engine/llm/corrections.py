"""What is said about a plan that is on the table: corrections and questions, by their form.

The whole of a sentence must be one of these forms; whatever else is said is left to the planner.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.domain.model import Json
from engine.domain.plan import PlanVersion, Step

Given = dict[int, dict[str, Json]]


class About(StrEnum):
    """What a question about the plan is about."""

    WHY = "why"
    DOES = "does"
    FAILS = "fails"
    WHO = "who"
    RISK = "risk"
    EXPIRES = "expires"
    CHANGED = "changed"
    DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True)
class Said:
    """What a message asks of the plan; several corrections in one message are one change.

    `unclear` are the readings of a value that fits more than one step. `away` is a place that the
    plan must not touch, `place` the one where it is to act.
    """

    about: About | None = None
    step: int | None = None
    given: Given = field(default_factory=dict)
    gone: tuple[int, ...] = ()
    check: bool = False
    unclear: tuple[str, ...] = ()
    away: str = ""
    place: str = ""

    @property
    def question(self) -> bool:
        return self.about is not None


LEAD = re.compile(
    r"(?:(?:ok|okay|yes|no|hm+|well|actually|wait(?=,)|and|but|also|then|so|please|pls|now|hey|right|"
    r"can you|could you|would you|can we|could we|let us|let's|lets|i would like to|i'd like to|"
    r"i want to|i want you to|we want to|we need to|you should|just)[,:]?\s+)+",
    re.IGNORECASE,
)
TAIL = re.compile(
    r"(?:[\s,]+(?:please|pls|instead|then|thanks|thank you|thx|now|for now|rather|too|as well|"
    r"maybe|better))*[\s.!?]*$",
    re.IGNORECASE,
)
PARTS = re.compile(r"\s*(?:[;\n]|\.\s|,?\s+and\s+(?:also\s+|then\s+)?|,\s+(?:then\s+)?)\s*")
STEP = r"(?:the )?steps? (?:number |no\.? |#)?(?P<step>\d{1,2})"
SPAN = r"(?P<amount>\d{1,4}) ?(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?)"
WORD = r"[a-z_][\w.-]*"
UNITS = {"s": 1, "m": 60, "h": 3600}


def form(pattern: str) -> re.Pattern[str]:
    """A form of a whole sentence."""
    return re.compile(pattern, re.IGNORECASE)


DROP = form(
    r"(?:drop|remove|delete|skip|omit|leave out|take out|cut|without|no) (?:the )?steps? "
    r"(?P<steps>\d{1,2}(?:(?:\s*,\s*|\s*(?:and|&)\s*)\d{1,2})*)(?: out)?"
)
DROP_LAST = form(r"(?:drop|remove|delete|skip|omit|leave out|take out|cut) (?:the )?last step")
VALUE_OF_STEP = form(
    rf"(?:in |for |on )?{STEP}[,:]? (?:set |use |make |change |should be |with )?(?:the )?"
    rf"(?:(?P<name>{WORD})(?: to| =|:|=| is| should be)? )?(?P<value>\S+)"
)
STEP_LAST = form(
    rf"(?:set|use|make|change|put) (?:the )?(?P<name>{WORD})(?: (?:of|in|for|on) {STEP})"
    r"(?: to| =)? (?P<value>\S+)"
)
COUNTED = form(
    rf"(?:use|set|make it|take|with|go for|go with|only|try|scale to|scale it to|to|run|have|"
    rf"set it to|do)? ?(?P<value>-?\d[\d.]*) (?P<name>{WORD}(?: {WORD})?)"
)
NAMED = form(
    rf"(?:set|change|put|make|raise|lower|increase|decrease|reduce|bump|use|with)? ?(?:the )?"
    rf"(?P<name>{WORD}(?: (?!(?:to|from|at|is|should|must)\b){WORD})?)(?: from \S+)?"
    r"(?: to| =|=|:| should be| must be)? (?P<value>\S+)"
)
ONLY = form(
    r"(?:make it|use|try|set it to|set to|change it to|take|go with|go for|scale it to|scale to|"
    r"raise it to|lower it to|better|rather)? ?(?P<value>-?\d[\d.]*)"
)
CHECK = form(
    r"(?:add|include|put in|append) (?:a|an|another|some|one more)? ?(?:check|checks|verification|"
    r"verify step|check step|verify|test)(?: (?:at the end|afterwards|after it|after that|of it|"
    r"for it|for that|to it))?|(?:check|verify|test) (?:it|that|this|the result)?"
    r"(?: worked| works)? ?(?:afterwards|after it|after that|at the end|in the end)"
)
HOLD = form(
    rf"(?:hold|keep|watch|run|make) (?:the )?(?:check|verification|{STEP})(?: hold)?"
    rf"(?: for)? {SPAN}|(?:check|verify|watch)(?: it)?(?: for)? {SPAN.replace('<', '<x')}"
)
WAIT = form(
    rf"wait(?: for)? {SPAN} before {STEP}|(?:before {STEP.replace('<', '<x')},? )wait(?: for)? "
    rf"{SPAN.replace('<', '<x')}"
)
AWAY = form(
    r"(?:not|never|nothing|don't do (?:it|this|that)|do not do (?:it|this|that)|leave) "
    r"(?:in|on|to|touch)? ?(?P<place>[a-z][\w/-]*)(?: alone| out)?"
)
PLACE = form(
    r"(?:do (?:it|this|that) |run (?:it|this) |only |try (?:it )?|start )?(?:in|on) "
    r"(?P<place>[a-z][\w/-]*)(?: first| only)?"
)
ASKED: tuple[tuple[About, re.Pattern[str]], ...] = (
    (
        About.WHY,
        form(
            rf"(?:why|what for|what is the point of|what's the point of)(?: do we need| do you need"
            rf"| is there| is| need)?(?: {STEP})(?: needed| necessary| there| for)?"
            rf"|(?:why do (?:we|you) (?:do|want|need)) {STEP.replace('<', '<x')}"
        ),
    ),
    (
        About.DOES,
        form(
            rf"what (?:does|will|would|is) {STEP}(?: do| change| run| mean)?(?: exactly| for)?"
            rf"|(?:explain|describe|show(?: me)?|tell me about) {STEP.replace('<', '<x')}"
            r"(?: exactly| in detail)?"
        ),
    ),
    (
        About.FAILS,
        form(
            r"(?:and )?(?:what|what happens|what will happen|what do you do|what then)(?:,)? "
            rf"(?:if|when) (?:it|this|that|something|the plan|{STEP}|a step|the check) "
            r"(?:fails|fail|breaks|goes wrong|does not work|doesn't work)"
            r"|(?:how (?:is|would|will) (?:it|this|that) (?:be )?(?:undone|rolled back))"
            r"|(?:can (?:it|this|that) be (?:undone|rolled back|reverted))"
        ),
    ),
    (
        About.WHO,
        form(
            r"who (?:can|may|has to|have to|must|needs to|should|is allowed to|could|will) "
            r"approve(?: it| this| that| the plan)?|whose approval (?:is|do (?:we|you|i)) "
            r"(?:needed|need|missing)|who (?:is|are) (?:the )?approvers?|who approves(?: it| this)?"
        ),
    ),
    (
        About.RISK,
        form(
            r"how (?:risky|dangerous|safe|bad) is (?:it|this|that|the plan)|what is the risk"
            r"|what's the risk|is (?:it|this|that) (?:risky|safe|dangerous)|"
            r"why (?:is (?:it|this) )?(?:low|medium|high) risk"
        ),
    ),
    (
        About.EXPIRES,
        form(
            r"when does (?:it|this|the plan) expire|until when can (?:it|this|i|we) "
            r"(?:be )?(?:approved?|decided?)|how long (?:is (?:it|this) valid|do we have)"
        ),
    ),
    (
        About.CHANGED,
        form(
            r"what (?:changed|is different|is new|has changed|differs)(?: (?:from|since|to|in|"
            r"between))? (?:v\d+|the (?:last|previous|first|old) version|the versions|this version)"
            r"(?: and v\d+)?|(?:show (?:me )?)?the (?:diff|difference|changes) (?:to|from|between) "
            r"(?:v\d+|the (?:last|previous|old) version|the versions)"
        ),
    ),
    (
        About.DRY_RUN,
        form(
            r"(?:do |make |try |run |start |show (?:me |us )?)?(?:a |the )?(?:dry[ -]?run|preview)"
            r"(?: it| this| that| the plan)?(?: first| of it| of the plan)?|dry[ -]?run (?:it|"
            r"this|that)(?: first)?|"
            r"(?:what|what exactly) (?:would|will) (?:it|this|that|the plan) change"
            r"|show (?:me |us )?(?:the |a )?(?:diff|difference|patch)(?: first)?"
        ),
    ),
)


def understood(text: str, version: PlanVersion, places: Mapping[str, str]) -> Said | None:
    """What the words ask of this version; None when they are no such form.

    `places` are the words for the environments that there are.
    """
    text = " ".join(text.split())
    if not text or text.startswith("@") or len(text) > 300:
        return None
    whole = bare(text)
    for about, pattern in ASKED:
        if match := pattern.fullmatch(whole):
            return Said(about=about, step=number(match))
    if one := correction(whole, version, places):
        return one
    parts = [correction(bare(part), version, places) for part in PARTS.split(text) if part.strip()]
    found = [part for part in parts if part is not None]
    return together(found) if len(found) == len(parts) > 1 else None


def bare(text: str) -> str:
    """Without politeness before and after."""
    text = TAIL.sub("", text.strip())
    lead = LEAD.match(text + " ")
    return text[lead.end() :].strip() if lead else text


def number(match: re.Match[str]) -> int | None:
    """The step that a form names."""
    groups = match.groupdict()
    found = groups.get("step") or groups.get("xstep")
    return int(found) if found else None


def together(found: list[Said]) -> Said | None:
    """Several corrections as one; two places, or an unclear one, are asked about alone."""
    special = [one for one in found if one.unclear or one.away or one.place]
    if special:
        return special[0] if len(found) == 1 else None
    given: Given = {}
    for one in found:
        for step, values in one.given.items():
            given.setdefault(step, {}).update(values)
    gone = tuple(dict.fromkeys(step for one in found for step in one.gone))
    return Said(given=given, gone=gone, check=any(one.check for one in found))


def correction(text: str, version: PlanVersion, places: Mapping[str, str]) -> Said | None:
    """One correction, by the first form that fits."""
    for reading in (dropped, checked, held, placed):
        if found := reading(text, version, places):
            return found
    return valued(text, version)


def dropped(text: str, version: PlanVersion, _: Mapping[str, str]) -> Said | None:
    """Steps that are to go."""
    if DROP_LAST.fullmatch(text):
        return Said(gone=(len(version.steps),))
    match = DROP.fullmatch(text)
    if match is None:
        return None
    return Said(gone=tuple(int(one) for one in re.findall(r"\d+", match["steps"])))


def checked(text: str, _: PlanVersion, __: Mapping[str, str]) -> Said | None:
    """Another look at the end."""
    return Said(check=True) if CHECK.fullmatch(text) else None


def held(text: str, version: PlanVersion, _: Mapping[str, str]) -> Said | None:
    """How long a check has to hold; a wait before a step is that of the check before it."""
    if match := HOLD.fullmatch(text):
        steps = [one for one in version.steps if one.expect and number(match) in (None, one.number)]
        return hold(steps[-1:], seconds(match))
    if match := WAIT.fullmatch(text):
        before = [one for one in version.steps if one.number == (number(match) or 0) - 1]
        return hold([one for one in before if one.expect], seconds(match))
    return None


def seconds(match: re.Match[str]) -> int:
    """A span in seconds."""
    groups = match.groupdict()
    amount = groups.get("amount") or groups.get("xamount") or "0"
    unit = groups.get("unit") or groups.get("xunit") or "s"
    return int(amount) * UNITS[unit[0].lower()]


def hold(steps: list[Step], wanted: int) -> Said | None:
    """A check that holds for longer, with the time that it needs."""
    if not steps or steps[0].expect is None:
        return None
    within = max(steps[0].expect.within_seconds, wanted * 2)
    given: dict[str, Json] = {"expect.hold_seconds": wanted, "expect.within_seconds": within}
    return Said(given={steps[0].number: given})


def placed(text: str, _: PlanVersion, places: Mapping[str, str]) -> Said | None:
    """A place to act in, or to leave alone."""
    if (match := AWAY.fullmatch(text)) and (place := places.get(match["place"].casefold())):
        return Said(away=place)
    if (match := PLACE.fullmatch(text)) and (place := places.get(match["place"].casefold())):
        return Said(place=place)
    return None


def valued(text: str, version: PlanVersion) -> Said | None:
    """A value for an input that the plan has; what fits several steps is asked about."""
    forms: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], list[tuple[int, str]]]], ...] = (
        (VALUE_OF_STEP, lambda m: inputs(version, m["name"], number(m))),
        (STEP_LAST, lambda m: inputs(version, m["name"], number(m))),
        (COUNTED, lambda m: inputs(version, m["name"], None)),
        (NAMED, lambda m: inputs(version, m["name"], None)),
        (ONLY, lambda m: inputs(version, None, None)),
    )
    for pattern, find in forms:
        if (match := pattern.fullmatch(text)) and (found := find(match)):
            return chosen(version, found, match["value"].strip("\"'`"))
    return None


def inputs(version: PlanVersion, said: str | None, step: int | None) -> list[tuple[int, str]]:
    """(step, input) of what a word can mean; without a word the numbers that are written."""
    found = []
    for one in version.steps:
        if step in (None, one.number):
            found += [(one.number, name) for name in named(one, said)]
    return found


def named(step: Step, said: str | None) -> Iterator[str]:
    """The inputs of a step that a word names; a setting is named by its key."""
    given = step.call.input
    key = str(given.get("key", ""))
    for name, value in given.items():
        if name.startswith(("expected_", "current_")) or name in ("mark", "key"):
            continue
        label = key if name == "value" and key else name
        if said is None:
            if step.effect.value != "read" and re.fullmatch(r"-?\d[\d.]*", str(value)):
                yield name
        elif folded(said) in (folded(label), folded(label.rpartition(".")[2]), folded(name)):
            yield name


def folded(word: str) -> str:
    """A name as people write it."""
    return re.sub(r"[\s_.-]+", "", word).casefold().rstrip("s")


def chosen(version: PlanVersion, found: list[tuple[int, str]], value: str) -> Said:
    """The value in its one place, and in the check that looks for the old one."""
    if len(found) > 1:
        return Said(unclear=tuple(f"step {step} {name} {value}" for step, name in found[:4]))
    step, name = found[0]
    old = str(version.steps[step - 1].call.input.get(name))
    given: Given = {step: {name: value}}
    for one in version.steps:
        about = f"{one.expect.output} {one.expect.label}" if one.expect else ""
        if one.expect and one.expect.value == old and folded(name) in folded(about):
            given[one.number] = {"expect.value": value}
    return Said(given=given)
