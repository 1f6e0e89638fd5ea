"""Takes secrets out of text: by their formats, by the names before them, and by their values."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import re2

from engine.tools.redaction_rules import NAMES, STRUCTURE, VENDOR, Rule

MASK = "[redacted]"
SHORTEST_KNOWN = 6
PEM_BEGIN = re2.compile(r"-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----")
PEM_END = re2.compile(r"-----END (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----")
PEM_BODY = re2.compile(
    r"^[\s\"'|>#*]*(?:[A-Za-z0-9+/=\\]{4,}|(?:Proc-Type|DEK-Info|Version|Comment): .*)?[\s\"',\\]*$"
)
PEM_LONGEST = 200
# What stands after a secret's name and is none: placeholders, types, references to a secret.
HARMLESS = re2.compile(
    r"(?i)^(?:\[?redacted.*|\*+|x{3,}|<.*|\.{2,}.*|true|false|null|none|nil|undefined|string|str|int|bool"
    r"|required|optional|yes|no|\$\{?.*|%[sdv(].*|\{\{.*|file|env|vault|not|is|was|the|for|and|or|of|to|in"
    r"|expired|invalid|missing|unknown|empty|set|unset|changed|created|deleted|rotated|bytes|\(.*)$"
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule ready to be used."""

    keywords: tuple[str, ...]
    pattern: Any
    named: bool


class Redactor:
    """Redacts single texts, and makes redactors of streams."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """`known` are secret values that may never be shown, in any of their forms."""
        rules = [(rule, False) for rule in VENDOR] + [(rule, True) for rule in STRUCTURE]
        self._rules = [_compiled(rule, named=named) for rule, named in rules]
        self._known = tuple(sorted(set(_forms(known)), key=len, reverse=True))
        words = {word for rule in self._rules for word in rule.keywords} | {"private key"}
        self._prefilter = re2.compile(f"(?i){'|'.join(re2.escape(word) for word in sorted(words))}")

    def text(self, text: str) -> str:
        """The text, of one or many lines, with every secret masked."""
        stream = self.stream()
        return "\n".join(stream.line(line) for line in text.split("\n"))

    def stream(self) -> "Redaction":
        """A redactor of lines that come one after the other; it remembers an open key block."""
        return Redaction(self)

    def one_line(self, line: str) -> str:
        """One line by itself."""
        for value in self._known:
            if value in line:
                line = line.replace(value, MASK)
        if not self._prefilter.search(line):
            return line
        lowered = line.lower()
        for rule in self._rules:
            if any(word in lowered for word in rule.keywords):
                line = _masked(rule, line)
        return line


class Redaction:
    """Redacts a stream of whole lines."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._inside = 0

    def line(self, line: str) -> str:
        """The next line; those of a private key become one mask each."""
        if self._inside:
            return self._within(line)
        begin = PEM_BEGIN.search(line)
        if begin is None:
            return self._redactor.one_line(line)
        before = self._redactor.one_line(line[: begin.start()])
        end = PEM_END.search(line, begin.end())
        if end is not None:
            return before + MASK + self.line(line[end.end() :])
        self._inside = 1
        return before + MASK

    def _within(self, line: str) -> str:
        end = PEM_END.search(line)
        if end is not None:
            self._inside = 0
            return MASK + self.line(line[end.end() :])
        self._inside += 1
        if self._inside > PEM_LONGEST or not PEM_BODY.match(line):
            self._inside = 0
            return self._redactor.one_line(line)
        return MASK


def _compiled(rule: Rule, *, named: bool) -> Compiled:
    return Compiled(rule.keywords or NAMES, re2.compile(rule.pattern), named)


def _forms(known: Iterable[str]) -> Iterable[str]:
    """A value as it is, in URLs, and in base64 at each of the three places it can start at."""
    for value in known:
        if len(value) < SHORTEST_KNOWN:
            continue
        yield value
        yield quote(value, safe="")
        yield value.encode().hex()
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + value.encode()).decode()
            # The first and last characters also depend on the neighbours of the value.
            whole = encoded[(0, 2, 3)[shift] :].rstrip("=")
            inner = whole[: len(whole) - (1 if (len(value) + shift) % 3 else 0)]
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def _masked(rule: Compiled, line: str) -> str:
    """Put the mask in place of each secret that the rule finds."""
    pieces: list[str] = []
    last = 0
    for match in rule.pattern.finditer(line):
        start, end = _span(match)
        found = line[start:end]
        if start < last or MASK in found or (rule.named and HARMLESS.match(found)):
            continue
        pieces += [line[last:start], MASK]
        last = end
    return "".join(pieces) + line[last:] if pieces else line


def _span(match: Any) -> Sequence[int]:
    """Where the secret is: the first group that took part."""
    group = next(
        number for number in range(1, len(match.groups()) + 1) if match[number] is not None
    )
    span: Sequence[int] = match.span(group)
    return span
