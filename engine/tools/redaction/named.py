"""Finds the value that belongs to a revealing name."""

from typing import Any

import re2

from engine.tools.redaction import names
from engine.tools.redaction.entropy import drawn
from engine.tools.redaction.masks import MASKED, Span

REACH = 6000
TAIL = re2.compile(
    names.REST
    + rb"(?:"
    + names.QUOTES
    + rb"(?:"
    + names.ASSIGNS
    + rb"|\s{0,2}-\s{1,2}|\s{1,8}is:?\s{1,3}|\s{0,3}\(\s{0,3}"
    + rb"|\)?\s{0,3}(?:or|\|\||\?\?)\s{0,3}|\s{1,8}|,\s{0,3})"
    + names.VALUE
    + rb"|"
    + names.QUOTES
    + rb"(?:"
    + names.ASSIGNS
    + rb"|\s{1,3}is:?\s{1,3})"
    + names.BARE
    + rb"|>\s{0,20}([^<>\s][^<>]{2,})</"
    + rb"|\"?'?\s{1,3}value=[\"']([^\"']{3,})[\"']"
    + rb"|\s{1,20}(?:bearer\s{1,3}|basic\s{1,3})?([A-Za-z0-9+/._~$=:@!%#^&*-]{8,})"
    + rb")"
)
FIRST_BARE = 7  # groups 2 to 6 are quoted values, 7 is bare, 8 and 9 are markup, 10 stands alone
ALONE = 10
FLAG = re2.compile(rb"(?i)(?:^|[\s\"'`(\[,])-{1,2}(?:[a-z0-9]{1,20}-){0,4}[a-z]{0,20}$")
ABOUT = re2.compile(names.ABOUT)
BEFORE_ABOUT = re2.compile(names.BEFORE_ABOUT)
HARMLESS = re2.compile(names.HARMLESS)
CODE = re2.compile(
    rb"(?i)^(?:[a-z_$][a-z0-9_.$]{0,60}\(|[a-z_]{1,30}(?:\.[a-z_]{1,30}){1,5}$|&?[a-z_]+\[)"
)
NUMBER = re2.compile(rb"^[0-9]{1,9}$")
PLAIN = re2.compile(rb"^(?:[a-z0-9]{20,}|[A-Z0-9]{20,})$")
DIGIT = re2.compile(rb"[0-9]")
SUFFIX = re2.compile(rb"[A-Za-z0-9_.\-]{1,30}")
COMPARED = re2.compile(
    rb"(?:'([^'\r\n]{3,})'|\"([^\"\r\n]{3,})\")\s{0,4}[!=]={1,2}\s{0,4}[\w.]{0,60}$"
)
LETTERS = re2.compile(rb"^[A-Za-z_.-]+$")
JOINING = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
TRAILING = b".,;:)]}\\"
SCHEMES = frozenset((b"authorization", b"bearer", b"ssws", b"cookie"))


def value_after(data: bytes, start: int, end: int) -> Span | None:
    """Where the secret is whose name's revealing part is `data[start:end]`."""
    word = data[start:end].lower()
    match = TAIL.match(data, end, min(len(data), end + REACH))
    if match is None:
        return None
    number = next(group for group in range(2, ALONE + 1) if match[group] is not None)
    first, last = match.span(number)
    if number == ALONE and not _alone(data, start, match, word):
        return None
    if word.startswith((b"access", b"passphrase")) and number == FIRST_BARE:
        last = len(data)  # it may hold spaces
    if number >= FIRST_BARE:
        last = first + len(data[first:last].rstrip(TRAILING))
    value = data[first:last]
    if _harmless(value, word, data[last : last + 6], bare=number >= FIRST_BARE):
        return None
    return first, last


def speaks(data: bytes, start: int, end: int) -> bool:
    """Whether the name is that of a secret, and not of something about one."""
    if (
        start
        and data[start - 1] in JOINING
        and BEFORE_ABOUT.search(data[max(0, start - 20) : start])
    ):
        return False
    if end >= len(data) or data[end] not in JOINING:
        return True
    suffix = SUFFIX.match(data, end, min(len(data), end + 40))
    return suffix is None or not ABOUT.match(suffix[0])


def key_id(data: bytes, start: int, end: int) -> Span | None:
    """The id of an access key: no secret by its name, but one where it is as long as one."""
    if not data[start:end].lower().startswith(b"access"):
        return None
    found = value_after(data, start, end)
    value = data[found[0] : found[1]] if found else b""
    return found if PLAIN.match(value) and DIGIT.search(value) else None


def value_before(data: bytes, start: int) -> Span | None:
    """A quoted value that is compared with the name at `start`."""
    if b"=" not in data[max(0, start - 40) : start]:
        return None
    first = max(0, start - 400)
    match = COMPARED.search(data[first:start])
    if match is None:
        return None
    span = match.span(1 if match[1] is not None else 2)
    return first + span[0], first + span[1]


def drawn_after(data: bytes, start: int, end: int) -> Span | None:
    """The same for a name that only hints: its value has to look drawn by lot."""
    found = value_after(data, start, end)
    if found is None:
        return None
    value = data[found[0] : found[1]]
    return found if drawn(value) or (PLAIN.match(value) and DIGIT.search(value)) else None


def _alone(data: bytes, start: int, match: Any, word: bytes) -> bool:
    """A value after mere space: of a flag, of a header's scheme, or of a table."""
    value: bytes = match[ALONE]
    if word in SCHEMES or word == b"identified by" or word == b"securestring":
        return not LETTERS.match(value) or len(value) >= 20
    if FLAG.search(data[max(0, start - 60) : start]):
        return not value.startswith(b"-")
    gap = data[match.span(1)[1] : match.span(ALONE)[0]]
    if (len(gap) >= 2 or b"\t" in gap) and not data[match.span(ALONE)[1] :].strip():
        return not data[:start].strip() or b" " not in data[:start].strip()
    return drawn(value, shortest=10)


def _harmless(value: bytes, word: bytes, after: bytes, *, bare: bool) -> bool:
    if len(value) < (4 if bare else 3) or MASKED in value or after.startswith(b" bytes"):
        return True
    if HARMLESS.match(value) or (bare and CODE.match(value)):
        return True
    return bool(word == b"token" and NUMBER.match(value))
