"""Secret values of this deployment and this call, in every form that they are printed in."""

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import re2

from engine.tools.redaction.masks import masked

SHORTEST = 6
MEMORY = 256 << 20


class Known:
    """One search for all forms of all values."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = frozenset(value for value in values if len(value) >= SHORTEST)
        found = {form for value in self._values for form in _forms(value) if len(form) >= SHORTEST}
        # The longest first, so that no longer one is cut by a shorter.
        ordered = sorted(found, key=lambda one: (-len(one), one))
        options = re2.Options()
        options.max_mem = MEMORY
        self._pattern = (
            re2.compile("|".join(map(re2.escape, ordered)).encode(), options) if ordered else None
        )

    def __bool__(self) -> bool:
        return self._pattern is not None

    def more(self, values: Iterable[str]) -> "Known":
        """These and more."""
        return Known({*self._values, *values})

    def masked(self, data: bytes) -> bytes:
        """The text with a mask for each."""
        if self._pattern is None:
            return data
        return masked(data, (match.span() for match in self._pattern.finditer(data)))


def _forms(value: str) -> Iterator[str]:
    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield quote(value, safe="").replace("%", "%25")
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps(value)[1:-1])[1:-1]
    yield value.encode().hex()
    yield value.encode().hex().upper()
    for line in value.splitlines():
        if len(line.strip()) >= SHORTEST:
            yield line.strip()
    yield from base64_forms(value.encode())


def base64_forms(value: bytes) -> Iterator[str]:
    """Base64 at each of the three places that the value can start at within other text."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value).decode()
        # The first and last characters also depend on the neighbours of the value.
        whole = encoded[(0, 2, 3)[shift] :].rstrip("=")
        inner = whole[: len(whole) - (1 if (len(value) + shift) % 3 else 0)]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
        yield quote(inner, safe="")
