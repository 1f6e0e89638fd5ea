"""What an order says beside its verb: services, places, numbers, versions, settings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.llm import patterns as form
from engine.llm.amounts import Amount, amount
from engine.llm.grammar import Segment
from engine.llm.verbs import LEXEMES, Verb
from engine.llm.words import Kind, Word

# Words of a telegraphic order that say nothing more.
SMALL = re.compile(
    r"needed|required|necessary|requested|secrets?|credentials|creds|passwords?|,|->|:|=|a|again|"
    r"all|an|and|app|asap|at|away|back|cheers|cluster|deployment|down|env|"
    r"environment|for|from|image|immediately|in|instances|it|just|kindly|me|my|now|of|on|our|"
    r"please|pls|plz|pod|pods|quickly|region|replica|replicas|right|rolling|service|services|"
    r"statefulset|tag|thanks|that|the|them|this|thx|to|today|ty|up|urgent|urgently|us|version|"
    r"with"
)
OTHERS = (
    r"(?:database|db|node|nodes|server|servers|host|hosts|vm|vms|machine|machines|index|indexes|"
    r"disk|"
    r"disks|volume|volumes|certificate|cert|dns|ingress|load balancer|lb|sidecar|proxy|cron|"
    r"cronjob|"
    r"job|jobs|topic|consumer|consumers|namespace|cdn|firewall|schema|table|bucket|domain|secret|"
    r"worker|network|router|gateway|vpn|cluster nodes|migration|migrations|website|laptop|feature|"
    r"feature "
    r"flag|flag|scheduler|pipeline|build|webhook|dashboard|alert|alerts)"
)
SECRET = re.compile(
    r"\b(?:tls|ssl|ssh|gpg|x509|root|admin|certificates?|certs?|cas?|api[ -](?:keys?|tokens?)|"
    r"(?:(?!(?:the|secret|access|db|all|our|its|login|service)\b)[a-z][\w-]* )?tokens?|"
    r"(?!(?:the|secret|access|all|our|its|service|database|db)\b)[a-z][\w-]* keys?|log ?files?|"
    r"logs?)(?!\w)"
)
PART = re.compile(
    rf"<svc> (?:service )?(?P<behind>{OTHERS})(?!\w)|"
    rf"\b(?P<before>{OTHERS}) (?:of|for|behind|under|in front of) (?:the )?<svc>"
)
# Words that are never meant as the name of a service.
NO_NAMES = re.compile(
    r"something|anything|anyone|somebody|stuff|whole|additional|application|apps|argo|argocd|"
    r"being|both|carefully|cert|certificate|certificates|"
    r"certs|change|changes|chart|commit|commits|completely|config|configuration|containers|"
    r"copies|credentials|creds|current|deploy|deployment|double|each|every|everything|"
    r"extra|fewer|fully|good|gracefully|had|half|has|have|helm|here|how|instead|key|keys|known|"
    r"last|latest|less|more|new|newest|off|old|older|one|only|others|password|passwords|previous|"
    r"prod|release|replicas|rest|revision|rollout|safely|secret|secrets|setting|settings|slowly|"
    r"stable|state|then|there|these|thing|things|those|today|token|tokens|twice|two|update|"
    r"updated|upgrade|version|versions|was|way|were|what|whatever|workers|working|yesterday"
)


@dataclass(frozen=True, slots=True)
class Order:
    """One order as far as its words tell; what is empty was not said.

    `part` is something that belongs to the service and is not it ("the checkout database").
    `linked`: several services are joined by "and" or a comma, so each is meant. `guessed`: the
    key was made of several words. `said` are its words. `doubt` is a word that stands where a
    service should stand.
    """

    verb: Verb
    said: str
    services: tuple[str, ...] = ()
    linked: bool = False
    places: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    namespace: str = ""
    amount: Amount = field(default_factory=Amount)
    version: str = ""
    image: str = ""
    revision: str = ""
    number: str = ""
    key: str = ""
    value: str = ""
    doubt: str = ""
    alternative: bool = False
    part: str = ""
    guessed: bool = False
    by_helm: bool = False
    moving: bool = False


def named(words: Sequence[Word]) -> tuple[str, ...]:
    """The services that words name, each once."""
    return tuple(dict.fromkeys(word.value for word in words if word.kind is Kind.SERVICE))


def assigns(segment: Segment) -> re.Match[str] | None:
    """Where a setting gets a value, if it does."""
    text = segment.text
    patterns = (*form.ASSIGNMENTS, form.BARE_KEY, form.SET_WORD, form.SET_UNKNOWN, SET_ON)
    return next((found for one in patterns if (found := one.match(text))), None)


SET_ON = re.compile(
    r"(?:set|change|put|configure|update|adjust|raise|lower|increase|decrease|reduce|bump) "
    r"(?:(?:the|<svc>|our|its|config|setting|value|in|on|for|<place>) )*"
    r"(?P<thing>(?!(?:it|this|that|them|everything|things|replicas?|version|image|tag)\b)(?:<key>|"
    r"[a-z][a-z0-9_-]*)(?: [a-z][a-z0-9_-]*)?) (?:(?:of|for|on|in) (?:the )?(?:<svc>|<place>) "
    r"(?:service )?)*"
    r"(?:in <place> )?(?:=|to|:|->|back to|as|from <num> to)"
    r" (?P<number><num>|<quote>|<key>|<ver>|[A-Za-z][\w-]*)(?: (?:on|for|in|of) (?:the )?(?:<svc>|"
    r"<place>|[a-z][\w-]+))*$"
)


def slots(verb: Verb, segment: Segment) -> Order:
    """All that the words of an order say."""
    words = segment.words
    text = segment.text
    services = named(words)
    excluded = _excluded(segment)
    version, image = _wanted(segment, Kind.VERSION), segment.first(Kind.IMAGE)
    order = Order(
        verb=verb,
        said=" ".join(word.raw for word in words)[:160],
        services=tuple(one for one in services if one not in excluded),
        linked=_linked(text),
        places=_places(verb, segment, excluded),
        excluded=excluded,
        namespace=namespace(segment),
        version=version,
        image=image,
        revision=segment.first(Kind.REVISION),
        doubt="" if services else _doubt(verb, segment),
        part="" if verb in (Verb.ROTATE, Verb.SET) else _part(text),
        alternative=bool(
            re.search(
                r"(?:<svc>|<place>|<num>|\S+) or (?:the )?(?:<svc>|<place>|<num>|restart|scale)",
                text,
            )
        ),
        by_helm=bool(re.search(r"\b(?:helm|chart)\b", " ".join(word.text for word in words))),
        moving=bool(
            re.search(r"\b(?:latest|newest|current|new|stable|head|main|master|newer)\b", text)
        ),
    )
    if verb is Verb.SCALE:
        return replace(order, amount=amount(segment))
    if verb is Verb.SET:
        return _setting(order, segment)
    if verb in (Verb.DEPLOY, Verb.ROLL_BACK):
        number = _wanted(segment, Kind.NUMBER).lstrip("+")
        said = verb is Verb.DEPLOY and re.search(r"\b(?:version|build|tag|release) <num>", text)
        return replace(order, version=number if said else version, number=number)
    if verb is Verb.ROTATE:
        return replace(order, part=_secret(text))
    return order


def _excluded(segment: Segment) -> tuple[str, ...]:
    """Names after "not", "but not", "except"."""
    match = re.search(
        r"\b(?:but not|not|except(?: for)?|excluding|without|apart from|other than)"
        r"((?: (?:in|on|the|for|,|and|or|<svc>|<place>))+)",
        segment.text,
    )
    if match is None:
        return ()
    first = segment.text[: match.start(1)].count(" ") + 1
    count = len(match[1].split())
    return tuple(word.value for word in segment.words[first : first + count] if word.value)


def _linked(text: str) -> bool:
    return bool(
        re.search(
            r"<svc> (?:service |(?:in|on) (?:the )?<place> )?(?:(?:and|,|&|\+|plus|as well as|"
            r"also|then) (?:then |also |the |"
            r"both )*)+<svc>",
            text,
        )
    )


def namespace(segment: Segment) -> str:
    """The namespace that is named beside a thing."""
    names = [word.text for word in segment.words]
    for index, name in enumerate(names):
        if name in ("-n", "--namespace") and index + 1 < len(names):
            return names[index + 1]
        if name in ("namespace", "ns") and index:
            before = names[index - 1]
            return (
                before
                if not SMALL.fullmatch(before)
                else (names[index + 1] if index + 1 < len(names) else "")
            )
    return ""


def _places(verb: Verb, segment: Segment, excluded: tuple[str, ...]) -> tuple[str, ...]:
    """The places of an order; what is promoted goes to the second of two."""
    places = [word.value for word in segment.words if word.kind is Kind.PLACE]
    if verb is Verb.DEPLOY and re.search(r"\bfrom (?:the )?<place> (?:in)?to ", segment.text):
        places = places[1:]
    return tuple(dict.fromkeys(place for place in places if place not in excluded))


def _wanted(segment: Segment, kind: Kind) -> str:
    """The one that is wanted: behind "to" where two are told, never the one behind "from"."""
    found = [word.value for word in segment.words if word.kind is kind]
    named = rf"(?:version |revision |rev |release )?{kind}"
    if len(found) < 2:
        return "" if re.search(rf"\bfrom {named}", segment.text) else "".join(found)
    if wanted := re.search(rf"(?:to|->) {named}", segment.text):
        return found[segment.text[: wanted.end()].count(kind) - 1]
    return ""


def _secret(text: str) -> str:
    """A secret that is not the database credentials which Vault issues."""
    match = SECRET.search(text)
    return match[0].strip() if match else ""


def _part(text: str) -> str:
    """Something of a service that is not the service."""
    match = PART.search(text)
    return (match["behind"] or match["before"]) if match else ""


def _setting(order: Order, segment: Segment) -> Order:
    match = assigns(segment)
    key = segment.first(Kind.KEY)
    if match is None:
        return replace(order, key=key)
    value = ""
    for group in ("number", "word"):
        value = value or segment.at(match, group)
    if not key and match.groupdict().get("key"):
        key = segment.at(match, "key")
    thing = segment.written(match, "thing") if match.groupdict().get("thing") else ""
    made = thing.strip().replace(" ", "_")
    return replace(
        order,
        key=key or made,
        value=value,
        guessed=not key and "_" in made and "_" not in thing,
        version="",
        image="",
    )


def _doubt(verb: Verb, segment: Segment) -> str:
    """A word where a service should stand, in an order that names none."""
    text = segment.text
    for one in LEXEMES:
        if one.verb is verb and (match := one.order.match(text) or one.other.search(text)):
            inside = " ".join(match[0].split()[1:-1])  # "roll chekout back"
            for part in (text[match.end() :], inside, text[: match.start()]):
                if word := next(filter(_may_name, part.split()), ""):
                    return word
    given = None
    if verb in (Verb.SCALE, Verb.DEPLOY, Verb.SET):
        given = (GIVEN if verb is not Verb.SET else SET_FOR).search(text)
    return given["name"] if given and _may_name(given["name"]) else ""


def _may_name(word: str) -> bool:
    """Whether a word could be meant as the name of a service."""
    return bool(NAME.fullmatch(word)) and not (SMALL.fullmatch(word) or NO_NAMES.fullmatch(word))


NAME = re.compile(r"[a-z][\w-]{2,}")
SET_FOR = re.compile(r"\b(?:of|for|on|in) (?:the |our )?(?P<name>[a-z][\w-]{2,})")
GIVEN = re.compile(r"\b(?:of|for|on|to|give|in) (?:the |our )?(?P<name>[a-z][\w-]{2,})")
