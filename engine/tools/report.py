"""What a call says while it runs: redacted lines to whoever listens, and the last ones kept."""

from collections import deque

from engine.ports import OnLine
from engine.tools.lines import CUT, shortened
from engine.tools.process import Stream
from engine.tools.redaction import Redaction, Redactor, Shape

TAIL_LINES = 20
TAIL_LONGEST = 400
SEARCHED = 256 * 1024


class Report:
    """Redacts each stream of a command by itself, since a key block spans lines of one stream."""

    def __init__(self, redactor: Redactor, on_line: OnLine, shape: Shape) -> None:
        self._redactor = redactor
        self._on_line = on_line
        self._shape = shape
        self._quiet = False
        self._streams = self._opened()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._searched: list[str] = []
        self._size = 0

    def next_command(self, *, quiet: bool = False) -> None:
        """A new program begins to speak; of a quiet one only errors are news."""
        self._quiet = quiet
        self._streams = self._opened()
        self._searched.clear()
        self._size = 0

    def _opened(self) -> dict[Stream, Redaction]:
        """Errors are words, so they are read as text also where no value is shown."""
        return {"out": self._redactor.stream(self._shape), "err": self._redactor.stream()}

    async def line(self, stream: Stream, text: str) -> None:
        """Take one raw line."""
        if self._size < SEARCHED:
            self._searched.append(text)
            self._size += len(text)
        if self._shape == "withheld":
            return
        clean = self._streams[stream].line(text)
        self._tail.append(clean[:TAIL_LONGEST])
        await self._say(clean, "" if self._quiet and stream == "out" else shortened(clean))

    async def answer(self, body: str, shown: int) -> None:
        """Take an answer, of which this many characters are shown."""
        if self._shape == "withheld":
            return
        for text in body.splitlines():
            clean = self._streams["out"].line(text)
            short = clean if len(clean) <= shown else f"{clean[:shown]}{CUT}" if shown > 0 else ""
            shown -= len(clean) + 1
            if short:
                self._tail.append(short[:TAIL_LONGEST])
            await self._say(clean, short)

    async def _say(self, clean: str, short: str) -> None:
        """The whole line for the complete output, a short one for people."""
        if short == clean:
            await self._on_line(clean)
            return
        await self._on_line(clean, shown=False)
        if short:
            await self._on_line(short, filed=False)

    @property
    def said(self) -> str:
        """What the command has printed so far, raw: only to be searched for known complaints."""
        return "\n".join(self._searched)

    @property
    def tail(self) -> str:
        """The last lines, redacted."""
        return "\n".join(self._tail)
