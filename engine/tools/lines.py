"""Cuts what a tool prints into lines that are safe to show: bounded, decoded, without controls."""

import re2

LONGEST = 8 * 1024
# More of a line is kept until it is redacted, so that no secret is cut in two at the end.
KEPT = 1 << 20
CUT = " … (line cut)"
# CSI, then the strings (OSC, DCS, SOS, PM, APC) with or without their end, then short escapes.
ESCAPES = re2.compile(
    "(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]?"
    "|(?:\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)?"
    "|\x1b[ -/]*[0-~]?"
)
INVISIBLE = {
    code: None
    for span in (
        range(0x20),
        range(0x7F, 0xA0),
        range(0x200B, 0x2010),
        range(0x2028, 0x202F),
        range(0x2060, 0x2070),
        range(0xFEFF, 0xFF00),
        range(0xE0000, 0xE0080),
    )
    for code in span
    if code != 0x09
}


def visible(text: str) -> str:
    """The text without escape sequences, control characters and characters that nobody sees."""
    if text.isprintable():  # most lines: none of those is
        return text
    if "\x1b" in text or any(letter in text for letter in "\u0090\u0098\u009b\u009d\u009e\u009f"):
        text = str(ESCAPES.sub("", text))
    return text.translate(INVISIBLE)


def shortened(line: str) -> str:
    """The line with at most `LONGEST` characters, marked where it was cut."""
    return line if len(line) <= LONGEST else line[:LONGEST] + CUT


class LineCutter:
    """Takes bytes as they come and gives whole lines."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._cut = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete with this."""
        pieces = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        lines = []
        for piece in pieces[:-1]:
            self._keep(piece)
            lines.append(self._take())
        self._keep(pieces[-1])
        return lines

    def end(self) -> list[str]:
        """What was printed without a line end."""
        return [self._take()] if self._rest else []

    def _keep(self, piece: bytes) -> None:
        room = KEPT - len(self._rest)
        self._cut = self._cut or len(piece) > room
        self._rest += piece[:room]

    def _take(self) -> str:
        line = visible(self._rest.decode(errors="replace"))
        cut, self._cut = self._cut, False
        self._rest.clear()
        return line + CUT if cut else line
