"""Redacts single texts, and makes redactors of streams."""

import functools
from collections.abc import Iterable
from typing import Literal

import re2

from engine.tools.redaction.entropy import drawn
from engine.tools.redaction.finding import Finder, Found, lots
from engine.tools.redaction.keys import KeyBlock
from engine.tools.redaction.known import Known
from engine.tools.redaction.masks import MASKED, Span, masked
from engine.tools.redaction.own import OwnRules
from engine.tools.redaction.structure import Structure
from engine.tools.redaction.values import valueless

Shape = Literal["text", "values", "withheld"]
WITHHELD = "[withheld: this line could not be checked for secrets]"
WARM_LINES = 4
LEARNED = 32
LEARNED_SHORTEST = 8
ROUNDS = 4


@functools.cache
def _finder() -> Finder:
    """Compiled once for a process: it depends on nothing."""
    return Finder()


class Redactor:
    """What has to be masked: our rules, the team's own, and the known values."""

    def __init__(self, known: Iterable[str] | Known = (), own: OwnRules | None = None) -> None:
        """`known` are secret values that may never be shown, in any of their forms."""
        self.known = known if isinstance(known, Known) else Known(known)
        self.own = own or OwnRules()
        self.finder = _finder()
        self._places = self.finder.places.finditer
        self.extra = bool(self.known or self.own.patterns or self.own.words)

    def text(self, text: str, shape: Shape = "text") -> str:
        """The text, of one or many lines, with every secret masked."""
        if "\n" in text:
            return self.stream(shape).lines(text)
        if shape == "text" and not self.extra:
            # Most lines ask for no look: they cost one search, and no stream is made for them.
            for _ in self._places(text.encode("utf-8", "surrogateescape")):
                break
            else:
                return text
        return self.stream(shape).line(text)

    def stream(self, shape: Shape = "text") -> "Redaction":
        """A redactor of lines that come one after the other."""
        return Redaction(self, shape)

    def with_known(self, known: Iterable[str]) -> "Redactor":
        """The same with more secret values, those of one execution."""
        return Redactor(self.known.more(known), self.own)


class Redaction:
    """Redacts a stream of whole lines; remembers what earlier lines say about later ones."""

    def __init__(self, redactor: Redactor, shape: Shape) -> None:
        self._redactor = redactor
        self._finder = redactor.finder
        self._shape = shape
        self._key = KeyBlock()
        self._structure = Structure()
        self._learned: list[bytes] = []
        self._warm = 0

    def line(self, line: str) -> str:
        """The next line. One that can't be checked is withheld."""
        try:
            data = line.encode("utf-8", "surrogateescape")
            clean = self._line(data)
            return line if clean is data else clean.decode("utf-8", "surrogateescape")
        except (ValueError, LookupError, TypeError, RecursionError, MemoryError, re2.error):
            return WITHHELD

    def lines(self, text: str) -> str:
        """The next lines. Stretches that ask for no look are taken whole."""
        if self._shape != "text" or self._redactor.extra:
            return "\n".join([self.line(one) for one in text.split("\n")])
        data = text.encode("utf-8", "surrogateescape")
        pieces: list[str] = []
        at = 0
        while at <= len(data):
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            if self._idle:
                ahead = self._plain_until(data, at)
                if ahead > at:
                    pieces.append(data[at : ahead - 1].decode("utf-8", "surrogateescape"))
                    at = ahead
                    continue
            pieces.append(self.line(data[at:end].decode("utf-8", "surrogateescape")))
            at = end + 1
        return "\n".join(pieces)

    @property
    def _idle(self) -> bool:
        """Whether no earlier line says anything about the next one."""
        return not (self._warm or self._key.open or self._structure.active)

    def _plain_until(self, data: bytes, at: int) -> int:
        """Where the first line begins that asks for a look."""
        place = next(self._finder.places.finditer(data, at), None)
        until = len(data) + 1 if place is None else data.rfind(b"\n", at, place.start()) + 1
        if any(value in data[at:until] for value in self._learned):
            return at
        return max(at, until)

    def _line(self, data: bytes) -> bytes:
        if self._shape != "text":
            return (
                MASKED
                if self._shape == "withheld"
                else valueless(self._redactor.known.masked(data))
            )
        if not self._key.open and b"-----" not in data:
            return self._part(data)
        before, mask, after = self._key.split(data)
        clean = self._part(before) if before else b""
        if b"-----BEGIN" in after:
            return clean + mask + self._line(after)
        return clean + mask + (self._part(after) if after else b"")

    def _part(self, data: bytes) -> bytes:
        if self._redactor.known:
            data = self._redactor.known.masked(data)
        if self._redactor.own.patterns:
            data = masked(data, self._redactor.own.spans(data))
        found = self._finder.found(data)
        if self._own_word(data):
            found = found or Found()
            found.spoke = True
        structured = (
            self._structure.feed(data) if found is not None or self._structure.active else []
        )
        if found is None and not structured and not self._warm and not self._learned:
            return data
        clean = self._masked(data, found, structured)
        for _ in range(0 if found and found.full else ROUNDS):
            if clean is data:
                break
            data = clean
            again = self._finder.found(data)
            clean = masked(data, again.spans) if again and again.spans else data
        return clean

    def _masked(self, data: bytes, found: Found | None, structured: list[Span]) -> bytes:
        spans = list(structured)
        if found is not None:
            spans += found.spans
            self._warm = max(self._warm, found.warm)
            if found.spoke or found.service:
                self._warm = max(self._warm, WARM_LINES)
                spans += lots(data, shortest=12, strict=False)
        if self._warm and not (found and (found.spoke or found.service)):
            self._warm -= 1
            spans += lots(data, shortest=20, strict=True)
        self._learn(data, spans)
        clean = masked(data, spans)
        for value in self._learned:
            if value in clean:
                clean = clean.replace(value, MASKED)
        return clean

    def _own_word(self, data: bytes) -> bool:
        words = self._redactor.own.words
        return bool(words) and any(word in data.lower() for word in words)

    def _learn(self, data: bytes, spans: list[Span]) -> None:
        """A value that was secret once is so wherever it comes again."""
        for start, end in spans:
            value = data[start:end]
            if (
                LEARNED_SHORTEST <= end - start <= 500
                and value not in self._learned
                and _special(value)
            ):
                self._learned.append(value)
        del self._learned[:-LEARNED]


def _special(value: bytes) -> bool:
    """Whether it can't be an ordinary word."""
    return MASKED not in value and (
        drawn(value, shortest=8, strict=False) or (not value.isalpha() and len(set(value)) > 6)
    )
