"""Private keys that span lines."""

import re2

from engine.tools.redaction.masks import MASKED

BEGIN = re2.compile(
    rb"-----BEGIN (?:[A-Za-z0-9 ]{1,30} )?PRIVATE KEY(?: BLOCK)?-----"
    rb"|-----BEGIN (?:ENCRYPTED |OPENSSH |RSA |EC )?PRIVATE\b"
)
END = re2.compile(rb"-----END (?:[A-Za-z0-9 ]{1,30} )?PRIVATE KEY(?: BLOCK)?-----")
BODY = re2.compile(
    rb"^(?:\S{1,30}\s+){0,4}?[\s\"'|>#*+`,/\\n]*"
    rb"(?:[A-Za-z0-9+/=\\]{4,}|(?:Proc-Type|DEK-Info|Version|Comment|Hash): .*)?[\s\"',\\;)+`]*$"
)
LONGEST = 400


class KeyBlock:
    """Remembers whether a key is open; its lines become one mask each."""

    def __init__(self) -> None:
        self._lines = 0

    @property
    def open(self) -> bool:
        return self._lines > 0

    def split(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """The line as what comes before a key, the mask of the key, and what follows it."""
        if self._lines:
            return self._inside(data)
        begin = BEGIN.search(data)
        if begin is None:
            return data, b"", b""
        end = END.search(data, begin.end())
        if end is None:
            self._lines = 1
            return data[: begin.start()], MASKED, b""
        if end.start() <= begin.end() + 4:  # an example of the format, without any key
            return data[: end.end()], b"", data[end.end() :]
        return data[: begin.start()], MASKED, data[end.end() :]

    def _inside(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        if b"-----BEGIN" in data:  # the one before never ended
            self._lines = 0
            return self.split(data)
        end = END.search(data)
        if end is not None:
            self._lines = 0
            return b"", MASKED, data[end.end() :]
        self._lines += 1
        if self._lines > LONGEST or not BODY.match(data):
            self._lines = 0
            return data, b"", b""
        return b"", MASKED, b""
