"""Orders about what is no service: nodes, single pods and alerts, as engineers write them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.llm import verbs
from engine.llm.grammar import Segment
from engine.llm.slots import namespace
from engine.llm.spans import span
from engine.llm.words import Kind, Word


class Deed(StrEnum):
    """What is done with it; the value stands before its name."""

    DRAIN = "drain node"
    CORDON = "cordon node"
    UNCORDON = "uncordon node"
    DELETE_POD = "delete pod"
    SILENCE = "silence"
    END_SILENCE = "end the silence of"


NODES = frozenset({Deed.DRAIN, Deed.CORDON, Deed.UNCORDON})
ALERTS = frozenset({Deed.SILENCE, Deed.END_SILENCE})


@dataclass(frozen=True, slots=True)
class Chore:
    """One such order as far as its words tell; what is empty was not said.

    `names` are nodes, pods or alerts; `labels` are conditions on alerts (`severity=page`);
    `waits` are words that would have it start later; `doubt` is a word that stands where an
    alert or a service should stand.
    """

    deed: Deed
    said: str
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    namespace: str = ""
    lasting: str = ""
    waits: str = ""
    doubt: str = ""


ARTICLES = (
    r"(?:(?:the|our|that|this|a|old|bad|broken|faulty|stuck|hanging|crashing|crashlooping|"
    r"unhealthy|sick|k8s|kubernetes|failing) )*"
)
# A name, and no word of the sentence around it.
NO_NAME = (
    r"(?:the|a|an|all|any|every|each|some|one|two|it|its|them|this|that|these|those|nodes?|hosts?|"
    r"machines?|workers?|pods?|of|in|on|for|from|with|and|or|now|please|again|first|to|off|out|up|"
    r"back|into|named|called)"
)
NAME = rf"(?!{NO_NAME}(?: |$))(?!<svc>|<place>|<num>|<quote>|[,=?:])\S+"
NAMES = rf"(?P<names>{NAME}(?: (?:and|,|&|\+) (?:(?:the )?(?:nodes?|pods?) )?{NAME})*)"
NODE = rf"{ARTICLES}(?P<kind>(?:nodes?|hosts?|machines?|workers?) (?:named |called )?)?{NAMES}"
BEGIN = (
    r"(?:(?:start|begin|do|perform|run|initiate|trigger|want|need) )?(?:(?:a|the) )?(?:kubectl )?"
)
POD_VERB = (
    r"(?:delet(?:e|ing)|kill(?:ing)?|remov(?:e|ing)|evict(?:ing)?|terminat(?:e|ing)|nuk(?:e|ing)|"
    r"re-?start(?:ing)?|bounc(?:e|ing)|re-?creat(?:e|ing)|recycl(?:e|ing)|reboot(?:ing)?|kick|"
    r"(?:get )?rid of|throw away|replac(?:e|ing)|respawn|trash)"
)
PODS = (
    r"(?:all |every |the |our |any |its |new |running )*(?:pods?|workloads?|everything|containers?)"
)
SCHEDULING = r"(?:scheduling|schedul(?:e|er)|rotation|service|the pool|pool|the cluster|use)"
ON_NODES: tuple[tuple[Deed, re.Pattern[str]], ...] = tuple(
    (deed, re.compile(pattern))
    for deed, pattern in (
        (Deed.UNCORDON, rf"{BEGIN}(?:un-?cordon(?:ing)?|un-?drain(?:ing)?)(?: of)? {NODE}"),
        (Deed.UNCORDON, rf"(?:make|mark|set) {NODE} (?:as |to be )?schedulable"),
        (
            Deed.UNCORDON,
            rf"(?:put|bring|take|add|return|get|move) {NODE} back (?:in|into|to|on) (?:the )?"
            rf"{SCHEDULING}",
        ),
        (
            Deed.UNCORDON,
            r"(?:re-?enable|enable|allow|resume|permit|restore|let)(?: \S+){0,2}? (?:scheduling|"
            rf"pods?)(?: \S+)?? (?:back )?(?:on|onto|to) {NODE}",
        ),
        (Deed.UNCORDON, rf"let {NODE} (?:take|have|get|run|accept) (?:new )?pods"),
        (
            Deed.DRAIN,
            rf"{BEGIN}(?:drain(?:ing)?|evacuat(?:e|ing)|empty(?:ing)?)(?: out| off| of)* {NODE}",
        ),
        (
            Deed.DRAIN,
            rf"(?:move|get|take|evict|kick|clear|shift|push|chase)(?:ing)? {PODS} (?:off|from|out|"
            rf"away)(?: of| from)* {NODE}",
        ),
        (Deed.CORDON, rf"{BEGIN}cordon(?:ing)?(?: off| of)* {NODE}"),
        (Deed.CORDON, rf"(?:make|mark|set) {NODE} (?:as |to be )?(?:un-?|non-?|not )schedulable"),
        (Deed.CORDON, rf"(?:take|remove|pull|get) {NODE} out of (?:the )?{SCHEDULING}"),
        (
            Deed.CORDON,
            r"(?:stop|disable|prevent|block|no more|no new)(?: \S+){0,2}? ?(?:scheduling|pods?|"
            rf"workloads?)(?: \S+){{0,3}}? (?:on|onto|to) {NODE}",
        ),
        (Deed.CORDON, rf"keep (?:new )?pods (?:off|away from) {NODE}"),
    )
)
WANTED = (
    rf"(?:(?:get|have|need|want|see) )?{NODE} (?:(?:needs?|must|should|has|have|wants?|ought|to|be|"
    r"get|a|is due for) )*"
)
PAST = (
    (Deed.UNCORDON, re.compile(rf"{WANTED}un-?(?:cordon|drain)(?:ed|ing)?(?!\w)")),
    (Deed.DRAIN, re.compile(rf"{WANTED}(?:drain(?:ed|ing)?|evacuated|emptied)(?!\w)")),
    (Deed.CORDON, re.compile(rf"{WANTED}cordon(?:ed|ing)?(?!\w)")),
)
UNNAMED = re.compile(
    r"(?P<verb>un-?cordon|un-?drain|drain|cordon)(?: (?:off|out|the|a|an|one|two|this|that|it|them|"
    r"all|every|each|some|any|of|our|<num>|nodes?|hosts?|in|on|for|<place>|now|please|again|"
    r"first|too|cluster|maintenance|completely))*$"
)
BARE = {"drain": Deed.DRAIN, "cordon": Deed.CORDON}
ONE_POD = re.compile(rf"{POD_VERB} {ARTICLES}pods? (?:named |called )?{NAMES}")
POD_LIKE = re.compile(rf"{POD_VERB} {ARTICLES}{NAMES}")
THE_POD = re.compile(
    rf"{POD_VERB} (?:it|this|that|them|(?:the |this |that )(?:\S+ )?pods?)"
    r"(?: (?:please|now|again|in|on|<place>))*$"
)
FULL_MACHINE = re.compile(r"(?=.*\d)[a-z][a-z0-9]*(?:[-.][a-z0-9]+)+")
MACHINE = re.compile(rf"{FULL_MACHINE.pattern}|[a-z]+\d+")
POD = re.compile(r"[a-z0-9][a-z0-9-]*-(?=[a-z0-9-]*\d)[a-z0-9]{5,10}-[a-z0-9]{5}")
ORDINAL = re.compile(r"(?P<owner>[a-z][a-z0-9-]*)-\d{1,3}")
OBJECT = re.compile(r"(?=.*[a-z])[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?")
GLUE = frozenset({"and", ",", "&", "+", "the", "node", "nodes", "pod", "pods"})

ALERTING = r"(?:alerts?|alarms?|pag(?:es?|ing)|pagers?|notifications?|alerting|warnings?)"
ALERT_WORD = re.compile(rf"\b{ALERTING}(?!\w)")
ENDING = re.compile(
    r"un-?(?:silence|mute|snooze|suppress)(?!\w)|(?:end|expire|remove|delete|lift|cancel|stop|drop|"
    r"clear|undo|revert|close|take off|get rid of)(?: (?!alert)\S+){0,4}? silences?(?!\w)|"
    r"let (?:\S+ ){1,4}(?:alert|page|fire|notify)(?: us)? again|(?:turn|switch) (?:\S+ ){0,5}back "
    rf"on(?!\w)|(?:re-?enable|resume|reactivate) (?:\S+ ){{0,3}}?{ALERTING}(?!\w)"
)
MUTING = re.compile(
    r"(?:(?:put|set|add|create|make|start|place|need|want)(?: (?:up|in|me|us))? )?(?:(?:a|an|the|"
    r"new|short) )*(?:silenc|mut|snooz)(?:e|es|ing)(?!\w)"
)
HUSHING = re.compile(
    r"(?:hush|shush|quiet(?:en)?|suppress|pause|disable|hold|shut up)(?!\w)|(?:turn|switch) "
    r"off(?!\w)|stop (?:paging|alerting|pinging|notifying|bothering|waking|sending)(?!\w)"
)
CAMEL = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+|[A-Z]{2,}[a-z][A-Za-z0-9]*")
SILENCE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VALUE = re.compile(r"[A-Za-z0-9_.:/@+-]+")
# What may stand around alerts without naming any.
AROUND = re.compile(
    rf"{ALERTING}|silences?|silenc(?:e|ing)|mut(?:e|ing)|snooz(?:e|ing)|un\S+|all|any|every|each|"
    r"the|a|an|this|that|these|those|it|them|our|its|everything|for|from|of|on|in|about|with|now|"
    r"please|again|firing|current|put|set|add|create|end|expire|remove|delete|lift|cancel|stop|up|"
    r"off|back|turn|switch|hush|quiet|disable|service|next|<svc>|<place>|<num>|minutes?|mins?|"
    r"hours?|h|hrs?|days?|half|couple|two|three|one|while|bit|us|me|,|and"
)
WAITS = re.compile(
    r"(?:^| )(?:if|unless|once|when|whenever|as soon as|in case|tomorrow|tonight|later|next week|"
    r"at (?:midnight|noon|<num>)|daily|weekly|nightly|every \S+ (?:day|night|morning|week))(?!\w)"
)


def chore(segment: Segment, pods: tuple[str, ...] = ()) -> Chore | None:
    """The order of a segment about a node, a pod or an alert, if it is one.

    `pods` are those that the message has named.
    """
    found = _alerts(segment) or _nodes(segment) or _pods(segment)
    if found is None and pods and THE_POD.match(segment.text):
        found = Chore(Deed.DELETE_POD, "", pods)
    return _placed(found, segment) if found else None


def pods_in(words: Sequence[Word]) -> tuple[str, ...]:
    """Words that are written as a cluster names pods."""
    return tuple(dict.fromkeys(word.text for word in words if POD.fullmatch(word.text)))


def _nodes(segment: Segment) -> Chore | None:
    for deed, pattern in (*ON_NODES, *PAST):
        match = pattern.match(segment.text)
        if match and (names := _named(segment, match, MACHINE.fullmatch)):
            return Chore(deed, "", names)
    if bare := UNNAMED.match(segment.text):
        verb = bare["verb"]
        return Chore(Deed.UNCORDON if verb.startswith("un") else BARE[verb], "")
    return None


def _pods(segment: Segment) -> Chore | None:
    for pattern in (ONE_POD, POD_LIKE):
        if match := pattern.match(segment.text):
            told = OBJECT.fullmatch if pattern is ONE_POD else POD.fullmatch
            if names := _named(segment, match, told):
                return Chore(Deed.DELETE_POD, "", names)
    return None


def _named(
    segment: Segment, match: re.Match[str], shaped: Callable[[str], re.Match[str] | None]
) -> tuple[str, ...]:
    """The names of a match; empty unless each has the shape of one."""
    explicit = bool(match.groupdict().get("kind"))
    written = [one.casefold() for one in segment.written(match, "names").split()]
    names = tuple(dict.fromkeys(one for one in written if one not in GLUE))
    fits = OBJECT.fullmatch if explicit else shaped
    return names if all(fits(one) for one in names) else ()


def _alerts(segment: Segment) -> Chore | None:
    text = segment.text
    ends = ENDING.match(text)
    muting = MUTING.match(text) or HUSHING.match(text)
    if not (ends or muting):
        return None
    labels, names = _labels(segment.words), _alert_names(segment)
    spoken = ALERT_WORD.search(text) or names or labels or "silence" in text
    if not spoken and (HUSHING.match(text) or (ends and not text.startswith("un"))):
        return None
    services = [word for word in segment.words if word.kind is Kind.SERVICE]
    more = [word for word in text.split() if not AROUND.fullmatch(word)]
    return Chore(
        Deed.END_SILENCE if ends else Deed.SILENCE,
        "",
        names,
        labels,
        lasting="" if ends else span(segment),
        doubt="" if names or labels or services else next(iter(more), ""),
    )


def _labels(words: Sequence[Word]) -> tuple[str, ...]:
    """`severity=page`, as Alertmanager writes conditions."""
    found = []
    for name, sign, value in zip(words, words[1:], words[2:], strict=False):
        if sign.text == "=" and LABEL.fullmatch(name.raw) and VALUE.fullmatch(value.raw):
            found.append(f"{name.raw}={value.raw}")
    return tuple(found)


def _alert_names(segment: Segment) -> tuple[str, ...]:
    """Words that are written as alerts are: `HighErrorRate`, or `disk_full` beside "alert"."""
    words = segment.words
    after = {at + 2 for at, word in enumerate(words) if word.text == "="}
    found = [
        word.raw
        for at, word in enumerate(words)
        if at + 1 not in after
        and (CAMEL.fullmatch(word.raw) or SILENCE_ID.fullmatch(word.raw) or word.kind is Kind.KEY)
        and not (at + 1 < len(words) and words[at + 1].text == "=")
    ]
    return tuple(dict.fromkeys(found))


def _placed(found: Chore, segment: Segment) -> Chore:
    """With what all of them say: where, for which service, and whether it should wait."""
    words = segment.words
    said = Segment([word for word in words if word.text not in found.names]).text
    waits = WAITS.search(said)
    if waits is None and found.deed not in ALERTS:
        waits = verbs.CONDITION.search(said) or verbs.LATER.search(said)
    return replace(
        found,
        said=" ".join(word.raw for word in words)[:160],
        services=tuple(dict.fromkeys(word.value for word in words if word.kind is Kind.SERVICE)),
        places=tuple(dict.fromkeys(word.value for word in words if word.kind is Kind.PLACE)),
        namespace=namespace(segment),
        waits=waits[0].strip() if waits else "",
    )


def nodes_in(words: Sequence[Word]) -> tuple[str, ...]:
    """Words that are written as machines are named, or that stand behind "node"."""
    return tuple(
        dict.fromkeys(
            word.text
            for before, word in zip([None, *words], words, strict=False)
            if word.kind in (Kind.WORD, Kind.KEY)
            and not POD.fullmatch(word.text)
            and (
                FULL_MACHINE.fullmatch(word.text)
                or (before is not None and before.text == "node" and MACHINE.fullmatch(word.text))
            )
        )
    )


def related(
    found: Sequence[Chore], places: tuple[str, ...], nodes: tuple[str, ...]
) -> tuple[Chore, ...]:
    """What one leaves out, another of its kind says, or the rest of the message."""
    return tuple(_completed(one, found, places, nodes) for one in found)


def _completed(
    one: Chore, others: Sequence[Chore], spoken: tuple[str, ...], nodes: tuple[str, ...]
) -> Chore:
    alike = [each for each in others if (each.deed in NODES) == (one.deed in NODES)]
    names = one.names or next((each.names for each in alike if each.names), ())
    if not names and one.deed in NODES and len(nodes) == 1:
        names = nodes
    said = next((each.places for each in others if each.places), spoken)
    return replace(one, names=names, places=one.places or said)
