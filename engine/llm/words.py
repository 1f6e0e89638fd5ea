"""From a chat message to words that mean something here: services, places, revisions, settings."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.domain.model import Json
from engine.ports import Services


class Kind(StrEnum):
    """What a word stands for; the value is how the grammar's patterns write it."""

    WORD = ""
    SERVICE = "<svc>"
    PLACE = "<place>"
    REVISION = "<rev>"
    KEY = "<key>"
    NUMBER = "<num>"
    QUOTE = "<quote>"
    VERSION = "<ver>"
    IMAGE = "<img>"


@dataclass(frozen=True, slots=True)
class Word:
    """One word: `text` folded for matching, `raw` as it was written, `value` what it stands for."""

    kind: Kind
    text: str
    raw: str
    value: str = ""

    @property
    def pattern(self) -> str:
        """How the grammar sees it."""
        return self.text if self.kind is Kind.WORD else str(self.kind)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The names that exist here. `keys` and `revisions` are those that evidence has shown."""

    services: Mapping[str, str]
    places: frozenset[str]
    keys: frozenset[str] = frozenset()
    revisions: frozenset[str] = frozenset()
    longest: int = field(default=1)


ENVIRONMENT_WORDS = {
    "production": "prod",
    "prd": "prod",
    "prods": "prod",
    "stag": "staging",
    "stage": "staging",
    "stg": "staging",
    "development": "dev",
    "testing": "test",
}
ENVIRONMENTS = frozenset({"prod", "staging", "dev", "test", "qa"}) | frozenset(ENVIRONMENT_WORDS)
CONTRACTIONS = (
    ("can't", "can not"),
    ("cannot", "can not"),
    ("won't", "will not"),
    ("dont", "do not"),
    ("lets", "let us"),
    ("let's", "let us"),
    ("whats", "what is"),
    ("hows", "how is"),
    ("pls", "please"),
    ("plz", "please"),
    ("plis", "please"),
    ("u", "you"),
    ("gonna", "going to"),
    ("wanna", "want to"),
    ("n't", " not"),
    ("i'd", "i would"),
    ("'ll", " will"),
    ("'re", " are"),
    ("'ve", " have"),
    ("'m", " am"),
)
SHORT_IS = re.compile(r"\b(what|who|how|that|it|there|where|why|here)'s\b")
POSSESSIVE = re.compile(r"'s\b")
# What somebody pastes is not what they ask for.
PASTED = re.compile(r"```.*?(?:```|\Z)|^\s*(?:>|&gt;).*$", re.DOTALL | re.MULTILINE)
QUOTED = r'"[^"\n]{0,300}"|`[^`\n]{0,300}`'
TOKEN = re.compile(rf"{QUOTED}|->|[\w@#+-][\w./@#%:+-]*|[=?!,;:.&\n]")
REVISION = re.compile(r"(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,40}")
PLACE = re.compile(r"[a-z][a-z0-9-]*(?:/[a-z0-9-]+)?")
NO_PLACES = re.compile(
    r"the|a|an|my|our|your|their|its|this|that|these|those|it|there|here|git|slack|order|time|case|"
    r"general|total|addition|config|settings|main|full|parallel|which|what|one|all|both|any|some|"
    r"fact|short|progress|trouble|danger|need|question|advance|use|place|turn|mind|front|response|"
    r"reply|return|line|argocd|argo|helm|kubernetes|k8s|vault|github|gitops|kubectl|sync|charge|"
    r"touch|doubt|yaml|json|code|details?|rotation|service|scheduling|maintenance|use|pool"
)
# Words like "deadbeef" and numbers are commits only after a word that announces one.
ANNOUNCED = re.compile(r"[0-9a-f]{7,40}")
BEFORE_REVISION = frozenset(
    ["commit", "revision", "version", "sha", "rev", "hash", "revert", "undo", "rollback"]
)
ARROW = "->"
VERSION = re.compile(
    r"v\d+(?:\.\d+){0,3}(?:[-+_][a-z0-9][a-z0-9._-]*)?|"
    r"\d+\.\d+\.\d+(?:\.\d+)?(?:[-+_][a-z0-9._-]+)?"
    r"|\d+\.\d+[-_](?:rc|beta|alpha|hotfix)[a-z0-9._-]*"
    r"|(?:release|rel|build|hotfix|rc)-[a-z0-9._-]*\d[a-z0-9._-]*|sha-[0-9a-f]{6,40}"
)
# A repository with a tag or a digest, as an image is written.
IMAGE = re.compile(
    r"(?:[a-z0-9][a-z0-9.-]*(?::\d{1,5})?/)*[a-z0-9][a-z0-9._/-]*"
    r"(?::(?=[\w.-]*\d)[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})"
)
GLUED = re.compile(r"([\w-]+)([/:@.])([\w.-]+)")
RESOURCE = re.compile(r"deploy(?:ments?)?|sts|statefulsets?|svc|services?|apps?|pods?|po|release")
HEX = re.compile(r"[0-9a-f]{7,40}")
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:%|ms|s|m|h|k|kb|mb|gb|ki|mi|gi)?")
KEY = re.compile(r"[a-z][a-z0-9-]*(?:[_.][a-z0-9_-]+)+")
EMOJI = re.compile(r"(?<!\S):[a-z0-9_+-]{2,40}:(?!\S)")
ADDRESSED = re.compile(r"(?<!\S)@(?:carapulse|bot|ops-?bot)\b[,:]?", re.IGNORECASE)
MENTION = re.compile(r"<[@#!][^>]*>")
LONGEST = 4000
LONG_NAME = 8


def lexicon(services: Services, keys: Sequence[str] = (), revisions: Sequence[str] = ()) -> Lexicon:
    """Collect the names of the service graph, and those that evidence has shown."""
    names: dict[str, str] = {}
    places: set[str] = set()
    for service in services.names():
        entry = services.entry(service)
        for name in (service, *texts(entry.get("aliases"))):
            names[" ".join(name.casefold().split())] = service
        places.update(texts(entry.get("places")) or texts(entry.get("environments")))
    for name, service in list(names.items()):
        for variant in _variants(name):
            names.setdefault(variant, service)
    longest = max((len(name.split()) for name in names), default=1)
    return Lexicon(names, frozenset(places), frozenset(keys), frozenset(revisions), longest)


def _variants(name: str) -> Iterator[str]:
    """A name as people type it: other dashes, and one of what a long name has many of."""
    yield from (name.replace("-", " "), name.replace("-", "_"), name.replace(" ", "-"))
    if name.endswith("s") and len(name) >= LONG_NAME:
        yield name.removesuffix("s")


def texts(value: Json) -> tuple[str, ...]:
    """The texts of a list; nothing where there is no list."""
    return tuple(str(part) for part in value) if isinstance(value, list) else ()


def read(text: str, known: Lexicon) -> list[Word]:
    """Split a message into words and say what each stands for."""
    tokens = [part for token in _tokens(_cleaned(text)) for part in _parts(token, known)]
    words: list[Word] = []
    index = 0
    while index < len(tokens):
        word, used = _named(tokens, index, known)
        word = _region(_commit_number(word, words), words, tokens[index + 1 :], known)
        words.append(_unknown_place(word, words))
        index += used
    return words


def _commit_number(word: Word, before: Sequence[Word]) -> Word:
    """After "commit", "revert" and the like digits alone, or letters alone, are a revision."""
    if not before or before[-1].text not in BEFORE_REVISION:
        return word
    if word.kind not in (Kind.NUMBER, Kind.WORD) or not ANNOUNCED.fullmatch(word.text):
        return word
    return replace(word, kind=Kind.REVISION, value=word.text)


def _unknown_place(word: Word, before: Sequence[Word]) -> Word:
    """What follows "in" names a place, even where there is none of that name."""
    if word.kind is not Kind.WORD or not before or before[-1].text != "in":
        return word
    if not PLACE.fullmatch(word.text) or NO_PLACES.fullmatch(word.text):
        return word
    return replace(word, kind=Kind.PLACE, value=word.text)


def _region(word: Word, before: Sequence[Word], after: Sequence[str], known: Lexicon) -> Word:
    """Clusters by their region ("in the us", "prod eu") and "live"; "us" alone names nobody."""
    last = before[-1] if before else None
    told = last is not None and (last.kind is Kind.PLACE or last.text in ("in", "on", "to", "from"))
    if last is not None and last.text == "the" and len(before) > 1:
        told = before[-2].text in ("in", "on", "to", "from")
    following = after[0].casefold() if after else ""
    if word.kind is not Kind.WORD or not (told or following in ("cluster", "region")):
        return word
    if word.text == "live":
        return replace(word, kind=Kind.PLACE, value="prod")
    clusters = {place.partition("/")[2] for place in known.places} - {""}
    fitting = [one for one in clusters if word.text in (one.split("-")[0], one.replace("-", ""))]
    return replace(word, kind=Kind.PLACE, value=f"/{fitting[0]}") if len(fitting) == 1 else word


def _parts(token: str, known: Lexicon) -> tuple[str, ...]:
    """`deploy/cart`, `cart:1.4.2`, `prod/cart` and `cart-prod` are more than one word."""
    whole = GLUED.fullmatch(token)
    holds = whole is not None and whole[3].casefold() in known.services
    if token.casefold() in known.services or (not holds and _place(token.casefold(), known)):
        return (token,)
    if whole:
        first, mark, rest = whole[1], whole[2], whole[3]
        if mark == "/" and RESOURCE.fullmatch(first.casefold()):
            return (rest,)
        if mark == ".":
            keyed = first.casefold() in known.services and not VERSION.fullmatch(rest.casefold())
            return (first, token) if keyed else (token,)
        named = [_known_name(part, known) for part in (first, rest)]
        if all(named):
            return (first, "and", rest) if named == ["service", "service"] else (first, rest)
        if mark in ":@" and named[0] == "service" and VERSION.fullmatch(rest.casefold()):
            return (first, rest)
    return _dashed(token, known)


def _dashed(token: str, known: Lexicon) -> tuple[str, ...]:
    first, _, rest = token.partition("-")
    head, _, last = token.rpartition("-")
    for name, place in ((rest, first), (head, last)):
        if name.casefold() in known.services and _place(place.casefold(), known):
            return (name, place)
    return (token,)


def _known_name(part: str, known: Lexicon) -> str:
    if part.casefold() in known.services:
        return "service"
    return "place" if _place(part.casefold(), known) else ""


def _cleaned(text: str) -> str:
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    text = EMOJI.sub(" , ", ADDRESSED.sub(" ", text.replace("&amp;", "&")))
    text = PASTED.sub("\n", MENTION.sub(" @someone ", text))
    for curly, plain in (("\u2018", "'"), ("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"')):
        text = text.replace(curly, plain)
    return text.replace("\u2192", "->").replace("*", " ").replace("~", " ")


def _tokens(text: str) -> Iterator[str]:
    for match in TOKEN.finditer(_spelled(text)):
        part = match[0]
        if part[0] in '"`':
            yield part
            continue
        bare = part.rstrip(".:/#@-+") if len(part) > 1 and part != ARROW else part
        if IMAGE.fullmatch(bare.casefold()) and "/" in bare:
            yield bare
            continue
        key, colon, value = bare.partition(":")
        if colon and KEY.fullmatch(key.casefold()) and value:
            yield from (key, ":", value)
        elif bare:
            yield bare
        if part.endswith((".", ":")) and len(part) > 1:
            yield part[-1]


def _spelled(text: str) -> str:
    text = SHORT_IS.sub(r"\1 is", _lower_contractions(text))
    return POSSESSIVE.sub("", text)


def _lower_contractions(text: str) -> str:
    for short, full in CONTRACTIONS:
        edge = r"" if short.startswith(("'", "n'")) else r"\b"
        text = re.sub(rf"{edge}{re.escape(short)}\b", full, text, flags=re.IGNORECASE)
    return text


def _named(tokens: Sequence[str], index: int, known: Lexicon) -> tuple[Word, int]:
    for size in range(min(known.longest, len(tokens) - index), 0, -1):
        raw = " ".join(tokens[index : index + size])
        name = raw.casefold()
        if name in known.services:
            return Word(Kind.SERVICE, name, raw, known.services[name]), size
    for size in (3, 2):
        raw = "_".join(tokens[index : index + size])
        if index + size <= len(tokens) and raw.casefold() in known.keys:
            return Word(Kind.KEY, raw.casefold(), raw, raw.casefold()), size
    return _single(tokens[index], known), 1


def _single(raw: str, known: Lexicon) -> Word:
    if raw[0] in '"`' and len(raw) > 1:
        inner = raw[1:-1].strip()
        if not inner or " " in inner:
            return Word(Kind.QUOTE, inner.casefold(), inner, inner)
        raw = inner
    text = raw.casefold()
    if raw.startswith("@"):
        return Word(Kind.WORD, "@", raw)
    if place := _place(text, known):
        return Word(Kind.PLACE, text, raw, place)
    if _is_revision(text, known):
        return Word(Kind.REVISION, text, raw, text)
    return _counted(text, raw) or _setting(text, raw, known)


def _counted(text: str, raw: str) -> Word | None:
    """A version, an image or a number."""
    if VERSION.fullmatch(text):
        return Word(Kind.VERSION, text, raw, raw)
    if NUMBER.fullmatch(text):
        return Word(Kind.NUMBER, text, raw, raw)
    return Word(Kind.IMAGE, text, raw, raw) if IMAGE.fullmatch(text) else None


def _setting(text: str, raw: str, known: Lexicon) -> Word:
    first, dot, rest = text.partition(".")
    if dot and first in known.services and rest:
        return Word(Kind.KEY, rest, raw, raw.partition(".")[2])
    if text in known.keys or KEY.fullmatch(text):
        return Word(Kind.KEY, text, raw, raw)
    if text in known.services:
        return Word(Kind.SERVICE, text, raw, known.services[text])
    return Word(Kind.WORD, text, raw)


def _place(text: str, known: Lexicon) -> str:
    """`environment/cluster`, an environment, or a cluster with a slash before it."""
    head, slash, cluster = text.partition("/")
    environment = ENVIRONMENT_WORDS.get(head, head)
    full = f"{environment}{slash}{cluster}"
    existing = {place.split("/")[0] for place in known.places}
    if full in known.places or (not slash and environment in existing):
        return full
    if environment in ENVIRONMENTS and (not slash or environment in existing):
        return full
    clusters = {place.partition("/")[2] for place in known.places} - {""}
    if text in clusters:
        return f"/{text}"
    for place in known.places:
        if text == place.replace("/", "-"):
            return place
    return ""


def _is_revision(text: str, known: Lexicon) -> bool:
    if REVISION.fullmatch(text):
        return True
    return bool(HEX.fullmatch(text)) and any(one.startswith(text) for one in known.revisions)
