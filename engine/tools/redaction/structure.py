"""Secrets by where they stand: Kubernetes Secrets, lists of variables, Vault's tables."""

import re2

from engine.tools.redaction.entropy import plain_base64
from engine.tools.redaction.masks import MASKED, Span
from engine.tools.redaction.named import HARMLESS

ARMS = re2.compile(
    rb"(?i)(?:kind\W{1,5}secret\b|(?:^|\s|\")(?:string)?data\W{0,2}\s{0,3}:"
    rb"|name\W{1,5}[\w.-]{0,60}?(?:pass|pwd|secret|token|key|credential|dsn)"
    rb"[\w.-]{0,20}[\"']?,?\s*$"
    rb"|= Data =|Secret Path|^\s*Key\s+Value\s*$"
    rb"|<[\w.:-]{0,60}(?:pass|secret|token|key|credential)"
    rb"\w{0,20}>\s*$"
    rb"|(?:parameter)?(?:key|name)\\?[\"']?\s{0,3}[:=])"
)
SECRET_KIND = re2.compile(rb"(?i)\bkind[\"']?\s{0,5}:\s{0,5}[\"']?secret(?:list)?\b[\"']?\s*,?")
OTHER_KIND = re2.compile(rb"(?i)^\s*[\"']?kind[\"']?\s{0,5}:")
DATA = re2.compile(rb"^([\s-]*)[\"']?(?:data|stringData)[\"']?\s{0,3}:\s{0,3}(\{?)\s*$")
DATA_INLINE = re2.compile(rb"\"(?:data|stringData)\"\s{0,3}:\s{0,3}\{([^{}]*)\}")
ENTRY = re2.compile(
    rb"^\s*[\"']?[\w.\-/]+[\"']?\s{0,5}:\s{0,20}(?:[\"'](.*?)[\"']|(.*?))\s*,?\s*(?:#.*)?$"
)
INLINE_VALUE = re2.compile(rb":\s{0,3}\"([^\"]*)\"")
BLOCK = re2.compile(rb"^[|>][+-]?[0-9]?$")
NAMED = re2.compile(
    rb"(?i)^\s*-?\s{0,8}[{]?[\"']?(?:name|key|parameterkey|parametername)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    rb"[\w.\-/]{0,80}?(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|credentials?|dsn|connection_?string)[\w.-]{0,12}[\"']?\s*,?\s*$"
)
ITS_VALUE = re2.compile(
    rb"(?i)^\s*[\"']?(?:value|parametervalue|default|secretstring)[\"']?\s{0,3}[:=]\s{0,3}(?:\"(.+)\"|'(.+)'|([^\s\"'{][^\s]*))"
)
ELEMENT = re2.compile(
    rb"(?i)<[\w.:-]{0,60}(?:pass(?:word)?|secret|token|key|credentials?)[\w]{0,12}>\s*$"
)
CONTENT = re2.compile(rb"^\s*([^\s<>]{6,})\s*$")
TABLE = re2.compile(rb"^=+ (?:Data|Secret Data|Auth) =+$")
HEADER = re2.compile(rb"^\s*Key\s{2,}Value\s*$")
ROW = re2.compile(rb"^\s*([\w.\-/ ]{1,80}?)(?:\s{2,}|\t+)(\S.*?)\s*$")
SAFE = re2.compile(
    rb"(?i)^(?:-+|lease_id|lease_duration|lease_renewable|\w*_?(?:accessor|duration|renewable|policies|ttl|uses|period)|username"
    rb"|version|created_time|deletion_time|destroyed|refresh_interval|type|orphan|path|entity_id|token_meta_\w+|custom_metadata)$"
)


class Structure:
    """What earlier lines say about the next one."""

    def __init__(self) -> None:
        self._secret = False
        self._indent = -1
        self._block = -1
        self._named = False
        self._element = False
        self._table = 0
        self.active = False

    def feed(self, data: bytes) -> list[Span]:
        """The secrets of a line by its place."""
        if not self.active and not ARMS.search(data):
            return []
        spans = self._of_data(data) + self._of_pair(data) + self._of_table(data)
        self._learn(data)
        self.active = bool(
            self._secret or self._indent >= 0 or self._named or self._element or self._table
        )
        return [span for span in spans if MASKED not in data[span[0] : span[1]]]

    def _learn(self, data: bytes) -> None:
        if SECRET_KIND.search(data):
            self._secret = True
        elif OTHER_KIND.match(data) or data.startswith(b"---"):
            self._secret = False
        opened = DATA.match(data)
        if opened:
            self._indent, self._block = len(opened[1]), -1
        self._named = bool(NAMED.match(data))
        self._element = bool(ELEMENT.search(data))
        if TABLE.match(data):
            self._table = 2
        elif HEADER.match(data):
            self._table = max(self._table, 1)

    def _of_data(self, data: bytes) -> list[Span]:
        inline = DATA_INLINE.search(data)
        if inline and (self._secret or SECRET_KIND.search(data)):
            return [
                match.span(1) for match in INLINE_VALUE.finditer(data, *inline.span(1)) if match[1]
            ]
        if self._indent < 0 or not data.strip():
            return []
        depth = len(data) - len(data.lstrip())
        if depth <= self._indent:
            self._indent = -1
            return []
        if self._block >= 0:
            if depth > self._block:
                return [(depth, len(data))] if self._secret or plain_base64(data.strip()) else []
            self._block = -1
        return self._entry(data, depth)

    def _entry(self, data: bytes, depth: int) -> list[Span]:
        match = ENTRY.match(data)
        if match is None:
            return []
        group = 1 if match[1] is not None else 2
        value = match[group]
        if BLOCK.match(value):
            self._block = depth
            return []
        if len(value) < 4 or HARMLESS.match(value):
            return []
        return [match.span(group)] if self._secret or plain_base64(value) else []

    def _of_pair(self, data: bytes) -> list[Span]:
        """The value under the name above it."""
        if self._element:
            match = CONTENT.match(data)
            return [match.span(1)] if match else []
        match = ITS_VALUE.match(data) if self._named else None
        if match is None:
            return []
        group = next(number for number in (1, 2, 3) if match[number] is not None)
        return [] if HARMLESS.match(match[group]) else [match.span(group)]

    def _of_table(self, data: bytes) -> list[Span]:
        if not self._table:
            return []
        match = ROW.match(data)
        if match is None or HEADER.match(data):
            if not data.strip():
                self._table = 0
            return []
        if self._table < 2 or SAFE.match(match[1]) or set(match[2]) <= {45}:
            return []
        return [match.span(2)]
