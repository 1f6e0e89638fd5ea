"""`carapulse redact`: standard input without its secrets, line by line, as it comes."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from engine.tools.redaction import Shape

CHUNK = 256 * 1024
LONGEST = 1024 * 1024


async def redact(*, tool: str = "", action: str = "") -> None:
    """Print what comes in without its secrets. No settings are needed.

    Args:
        tool: that printed it: kubectl, vault, ...
        action: of the tool: kv_get, get, ...
    """
    from engine.tools.redaction import Redactor
    from engine.tools.redaction.commands import shape_of, strictest

    shape = strictest(shape_of(tool, action, {}), _defined(tool, action))
    line = Redactor().stream(shape).line
    out = sys.stdout.buffer
    for lines, whole in _lines(sys.stdin.buffer):
        text = "\n".join([line(one) for one in lines])
        out.write(text.encode("utf-8", "surrogateescape") + (b"\n" if whole else b""))
        out.flush()


def _defined(tool: str, action: str) -> "Shape":
    """What the shipped definition says; an action that nobody knows is text."""
    from engine.tools.loading import CATALOG, load_tools

    if not tool or not (CATALOG / f"{tool}.yaml").is_file():
        return "text"
    found = next(one for one in load_tools(CATALOG) if one.tool == tool).actions.get(action)
    return found.redaction if found else "text"


def _lines(stream: BinaryIO) -> Iterator[tuple[list[str], bool]]:
    """Whole lines as soon as they are there, and whether a line end follows the last."""
    rest = b""
    while data := _some(stream):
        *whole, rest = (rest + data).split(b"\n")
        if whole:
            yield [_text(one) for one in whole], True
        if len(rest) > LONGEST:
            cut = max(rest.rfind(mark, 0, LONGEST) for mark in (b" ", b",", b"\t")) + 1
            piece, rest = rest[: cut or LONGEST], rest[cut or LONGEST :]
            yield [_text(piece)], False
    if rest:
        yield [_text(rest)], False


def _some(stream: BinaryIO) -> bytes:
    """What is there, without waiting for a full block."""
    read1 = getattr(stream, "read1", stream.read)
    data: bytes = read1(CHUNK)
    return data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
