"""Finds the secrets of one line: one search names the places, small patterns look there."""

from collections.abc import Callable, Iterator
from typing import Any

import re2

from engine.tools.redaction import names
from engine.tools.redaction.entropy import CANDIDATE, EDGES, drawn
from engine.tools.redaction.known import base64_forms
from engine.tools.redaction.masks import MASKED, Span
from engine.tools.redaction.named import drawn_after, key_id, speaks, value_after, value_before
from engine.tools.redaction.vendors import FORMATS, Format

MOST_PLACES = 1000
MOST_CANDIDATES = 4000
REACH = 6000
USER_AND_PASSWORD = re2.compile(
    rb"(?:([a-f0-9]{8}:[a-f0-9]{8})@"
    rb"|[^\s/:\"'<>]{0,100}:([^\s/\"'<>]{1,200})@|([A-Za-z0-9_-]{20,200})@)"
)
CURL_USER = re2.compile(
    rb"(?:\s-u|\s--user|\s-U)[ =]{0,4}(?:'([^':]{1,60}:[^']{2,200})'"
    rb"|\"([^\":]{1,60}:[^\"]{0,200})\"|([^\s:'\"$]{1,60}:[^\s'\"$]{2,200}))"
)
SHORT_FLAG = re2.compile(rb"(?:^|\s)-[pP][ ]?['\"]?([^\s'\"$-][^\s'\"]{5,200})")
JWK = re2.compile(rb"\"(?:d|p|q|dp|dq|qi|k)\"\s{0,3}:\s{0,3}\"([A-Za-z0-9_-]{20,})\"")
KIND = {word.encode(): "name" for word in names.REVEALING}
KIND |= {word.encode(): "service" for word in names.SERVICES}
KIND |= {
    b'"d"': "jwk",
    b'"k"': "jwk",
    b'"p"': "jwk",
    b'"q"': "jwk",
    b"pw": "letters",
    b"= data =": "mark",
    b"= secret data =": "mark",
    b'"attributes": {': "state",
    b"psexec": "short",
    b"docker login": "short",
    b"ssh ": "short",
    b"mysql ": "short",
}
ENCODED_NAMES = ("password", "secret", "token=", "api_key", "private key", "aws_access")
ENCODED_FORMS = frozenset(
    form.encode()
    for word in ENCODED_NAMES
    for form in (*base64_forms(word.encode()), word.encode().hex(), word.upper().encode().hex())
    if len(form) >= 6
)
HINT = re2.compile(rb"(?i)[a-z_]{2,16}")
ENCODED = re2.compile(rb"[A-Za-z0-9+/=_%-]{16,}")
STATE_LINES = 40
URL_PART = re2.compile(rb"[A-Za-z0-9_~.%+-]{12,}")
# Places that only a pattern can name: they are told apart by what they hold.
SHAPED = (
    rb"://[^\s/\"'<>]+@",
    rb"(?i:curl)[^\n]*?\s(?:-u|--user|-U)[ =]?",
    rb"(?:[dD]ata)[\"']?\s{0,2}:\s{0,2}\{?[ \t\r]*(?m:$)",
    rb"-----BEGIN",
    rb"(?i:" + names.HINTING.encode() + rb")",
)


class Found:
    """The secrets of a line, and whether it spoke of secrets at all."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.values: list[Span] = []
        self.spoke = False
        self.service = False
        self.warm = 0
        self.full = False


class Finder:
    """All patterns, compiled once."""

    def __init__(self) -> None:
        self._formats: dict[bytes, list[tuple[bytes, Format, Any]]] = {}
        leads: list[str] = []
        for form in FORMATS:
            pattern = re2.compile(form.pattern.encode())
            for literal in form.literals:
                raw = literal.encode()
                self._formats.setdefault(raw[:2], []).append((raw, form, pattern))
                leads.append(re2.escape(literal) + form.then)
        words = sorted((re2.escape(word.decode()) for word in KIND), key=len, reverse=True)
        leads += [re2.escape(form.decode()) for form in ENCODED_FORMS]
        leads += [rb.decode() for rb in SHAPED]
        leads.sort(key=len, reverse=True)
        options = re2.Options()
        options.max_mem = 64 << 20
        options.never_capture = True
        self.places = re2.compile(
            "(?:{}|(?i:{}))".format("|".join(leads), "|".join(words)).encode(), options
        )
        self._by_kind: dict[str, Callable[[bytes, int, int, Found], int]] = {
            "name": self._name,
            "hint": self._hint,
            "service": self._service,
            "url": self._url,
            "letters": self._letters,
            "state": self._state,
            "mark": self._mark,
            "encoded": self._encoded,
            "curl": self._curl,
            "jwk": self._jwk,
            "short": self._short,
        }

    def found(self, data: bytes) -> Found | None:
        """The secrets of a line; None when nothing on it asked for a look."""
        place = next(self.places.finditer(data), None)
        if place is None:
            return None
        found = Found()
        for _ in range(MOST_PLACES):
            start, end = place.span()
            place = self.places.search(data, self._looked(data, start, end, found))
            if place is None:
                break
        else:
            found.spans.append((start, len(data)))
            found.full = True
        return found

    def _looked(self, data: bytes, start: int, end: int, found: Found) -> int:
        """Look at one place; where to go on."""
        kind = KIND.get(data[start:end].lower())
        if kind is None:
            kind = _shape(data[start:end])
        after = end
        if kind is not None:
            after = max(start + 1, self._by_kind[kind](data, start, end, found))
        for width in (2, 1):
            for literal, form, pattern in self._formats.get(data[start : start + width], ()):
                if data.startswith(literal, start):
                    after = max(after, _token(data, start, form, pattern, found))
        return after

    def _name(self, data: bytes, start: int, end: int, found: Found) -> int:
        if not speaks(data, start, end):
            return max(end, _took(key_id(data, start, end), found))
        found.spoke = True
        _took(value_before(data, start), found)
        return max(end, _took(value_after(data, start, end), found))

    def _letters(self, data: bytes, start: int, end: int, found: Found) -> int:
        """`pw` is a name only where nothing but an assignment is around it."""
        if (
            data[end : end + 3].strip()[:1] not in (b":", b"=")
            or data[max(0, start - 1) : start].isalnum()
        ):
            return end
        return self._name(data, start, end, found)

    def _encoded(self, data: bytes, start: int, end: int, found: Found) -> int:
        """A name of a secret in base64 or hexadecimal: all of the encoded text goes."""
        last = min(len(data), start + REACH)
        match = ENCODED.search(data, max(0, start - 400), last)
        while match is not None and match.end() <= start:
            match = ENCODED.search(data, match.end(), last)
        return max(end, _took(match.span() if match and match.start() <= start else None, found))

    def _state(self, data: bytes, start: int, end: int, found: Found) -> int:
        """Terraform's state holds what it made up, under names that say nothing."""
        found.warm = STATE_LINES
        return end

    def _mark(self, data: bytes, start: int, end: int, found: Found) -> int:
        """For the structure alone."""
        return end

    def _hint(self, data: bytes, start: int, end: int, found: Found) -> int:
        word = HINT.match(data, start, end)
        name = word.end() if word else end
        if not speaks(data, start, name):
            return name
        return max(name, _took(drawn_after(data, start, name), found))

    def _service(self, data: bytes, start: int, end: int, found: Found) -> int:
        found.service = True
        return end

    def _url(self, data: bytes, start: int, end: int, found: Found) -> int:
        match = USER_AND_PASSWORD.match(data, start + 3, min(len(data), start + 320))
        if match is None:
            return end
        span = match.span(1) if match[1] else match.span(2) if match[2] else match.span(3)
        value = data[span[0] : span[1]]
        if MASKED in value or value[:1] in b"$<{%*" or (value[:1] == b"x" and set(value) == {120}):
            return end
        return max(end, _took(span, found))

    def _curl(self, data: bytes, start: int, end: int, found: Found) -> int:
        for match in CURL_USER.finditer(data, start, min(len(data), end + 2000)):
            _took(match.span(1 if match[1] else 2 if match[2] else 3), found)
        return end

    def _short(self, data: bytes, start: int, end: int, found: Found) -> int:
        for match in SHORT_FLAG.finditer(data, end, min(len(data), end + 500)):
            if not match[1].isdigit():
                _took(match.span(1), found)
        return end

    def _jwk(self, data: bytes, start: int, end: int, found: Found) -> int:
        match = JWK.match(data, start, min(len(data), start + REACH))
        return max(end, _took(match.span(1) if match else None, found))


def _shape(place: bytes) -> str | None:
    """Which of the places it is that no fixed word names."""
    if place in ENCODED_FORMS:
        return "encoded"
    if place.startswith(b"://"):
        return "url"
    if place[:4].lower() == b"curl":
        return "curl"
    return "hint" if HINT.match(place) else None


def _took(span: Span | None, found: Found) -> int:
    if span is None:
        return 0
    found.spans.append(span)
    found.values.append(span)
    return span[1]


def _token(data: bytes, start: int, form: Format, pattern: Any, found: Found) -> int:
    if form.before:
        first = max(0, start - form.before)
        match = pattern.search(data, first, min(len(data), start + REACH))
        if match is None or not match.start() <= start < match.end():
            return 0
    else:
        if (
            start
            and data[start - 1 : start].isalnum()
            and b"\x1b[" not in data[max(0, start - 6) : start]
        ):
            return 0
        match = pattern.match(data, start, min(len(data), start + REACH))
        if match is None:
            return 0
    found.spoke = True
    return _took(match.span(), found)


def lots(data: bytes, *, shortest: int, strict: bool) -> Iterator[Span]:
    """Every value of a line that looks drawn by lot; the rest of it all when there are too many."""
    for number, match in enumerate(CANDIDATE.finditer(data)):
        start = match.start()
        if number == MOST_CANDIDATES:
            yield start, len(data)
            return
        value = match[0]
        if b"://" in value:
            yield from _of_url(start, value, shortest=shortest, strict=strict)
            continue
        if b"=" in value[:-2]:  # a name and its value
            cut = value.rfind(b"=", 0, -2) + 1
            start, value = start + cut, value[cut:]
        start += len(value) - len(value.lstrip(EDGES))
        value = value.strip(EDGES)
        if drawn(value, shortest=shortest, strict=strict):
            yield start, start + len(value)


def _of_url(start: int, value: bytes, *, shortest: int, strict: bool) -> Iterator[Span]:
    for match in URL_PART.finditer(value):
        if drawn(match[0], shortest=shortest, strict=strict):
            yield start + match.start(), start + match.end()
